"""The platforms: settings, composition root, commands, views, HTTP, Slack, Discord, terminal."""
