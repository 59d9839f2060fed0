"""Numbers: each module prints a table and, with --json, one object."""
