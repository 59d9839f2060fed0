"""The durable session: what comes next, running it, posting it."""
