"""Sessions, what they record, and what people can do to them."""
