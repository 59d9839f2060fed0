"""Repositories: the core's values in and out of one transaction, by prepared Core statements."""
