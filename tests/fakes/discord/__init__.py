"""A local Discord for tests, which the unmodified discord.py talks to over sockets of this machine."""
