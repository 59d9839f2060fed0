"""The product: documents, providers, agents, sessions, credits and their orchestration, without any platform."""
