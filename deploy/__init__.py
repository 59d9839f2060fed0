"""How Atelier is built and run: what the Makefile and the container files call."""
