"""Files to documents, one module a format; uploads are read in `core.documents.sandbox`, never by these directly."""
