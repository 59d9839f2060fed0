"""The app's Home tab: the desk's view within what Slack takes there, which is less than in a message."""

from collections.abc import Iterator
from typing import Any

from bots.slack import limits
from bots.slack.blocks import Json, remark, render_view
from bots.slack.text import split_mrkdwn, to_mrkdwn
from bots.views.elements import View

_MORE = "There is more than fits here: type `/atelier sessions`."


def draw_home(view: View) -> Json:
    """Return *view* as Slack's ``views.publish`` takes it."""
    blocks = [drawn for message in render_view(view) for block in message.blocks for drawn in _for_home(block)]
    if len(blocks) > limits.VIEW_BLOCKS:
        blocks = [*blocks[: limits.VIEW_BLOCKS - 1], remark(_MORE)]
    return {"type": "home", "blocks": blocks}


def _for_home(block: Json) -> Iterator[Json]:
    """Yield what shows *block* where neither Markdown nor tables are known."""
    match block["type"]:
        case "markdown":
            for piece in split_mrkdwn(to_mrkdwn(block["text"]), limits.SECTION_TEXT):
                if piece.strip():
                    yield {"type": "section", "text": {"type": "mrkdwn", "text": piece}}
        case "table":
            yield from _as_text(block)
        case _:
            yield block


def _as_text(table: Json) -> Iterator[Json]:
    rows: list[list[Any]] = table["rows"]
    cells = [[str(cell.get("text", "")) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells)
    for piece in split_mrkdwn("\n".join(lines), limits.SECTION_TEXT):
        content = [{"type": "text", "text": piece}]
        yield {"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": content}]}
