"""The desk: what people ask of Atelier, the same on every platform."""
