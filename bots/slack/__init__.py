"""A session in Slack: views as Block Kit, posts within Slack's limits, calls at Slack's pace."""
