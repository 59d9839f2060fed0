"""The role http: health, readiness, metrics; Slack, OAuth and Stripe add their routes to it."""
