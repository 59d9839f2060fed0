"""The terminal, the third adapter beside Slack and Discord."""
