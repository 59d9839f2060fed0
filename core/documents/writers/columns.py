"""How wide the columns of a table are, whatever is drawn with."""

from collections.abc import Sequence


def column_widths(longest: Sequence[float], widest: Sequence[float], available: float) -> list[float]:
    """Return the width of each column; their sum is *available*.

    Args:
        longest: Of each column, the width below which a word must be broken.
        widest: Of each column, the width at which no line must be broken, at least *longest*.
        available: The width to fill, above 0.
    """
    if sum(longest) >= available:
        return [width * available / sum(longest) for width in longest]
    wish = [wide - long for wide, long in zip(widest, longest, strict=True)]
    free = available - sum(longest)
    if sum(wish) <= free:
        # All text fits on one line a row: what is left is shared out by what the columns hold.
        return [wide * available / sum(widest) for wide in widest]
    return [long + want * free / sum(wish) for long, want in zip(longest, wish, strict=True)]
