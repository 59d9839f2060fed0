"""From replies to scores, and mechanical checks of text."""
