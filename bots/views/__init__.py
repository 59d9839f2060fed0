"""Facts into words: contents of posts, errors and answers as small trees that every platform can draw."""
