"""SQL, files and secrets: the only package that speaks to a database."""
