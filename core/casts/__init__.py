"""Casts: the roles of a session, as TOML files and values."""
