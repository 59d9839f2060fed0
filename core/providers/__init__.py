"""Models of every vendor behind one protocol."""
