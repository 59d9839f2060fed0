"""What every chat platform needs to post a session, in no platform's terms."""
