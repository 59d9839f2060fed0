"""A local Slack for tests: `LocalSlack` is the door."""
