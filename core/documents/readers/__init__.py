"""Files to documents, one module a format; run only inside the sandboxed child."""
