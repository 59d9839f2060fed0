"""Where uploads, references and results are kept: a folder, or a bucket."""
