"""Views as Block Kit: each element drawn within Slack's limits, the whole packed into as few messages as hold it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bots.posting.text import shorten, split_markdown, tables_to_code
from bots.slack import limits
from bots.slack.text import defuse, escape, split_mrkdwn, to_mrkdwn
from bots.views.elements import (
    Button,
    Buttons,
    Divider,
    Element,
    Fields,
    Files,
    Heading,
    Link,
    ProgressLine,
    Quote,
    Small,
    Style,
    Table,
    Text,
    View,
)
from bots.views.plain import plain_text, table_text

Json = dict[str, Any]
_PIECE = limits.MESSAGE_CHARACTERS - 1_000
_FALLBACK = 700  # escaped at worst five times as long, still within what `text` takes
_EMPTY = "–"  # noqa: RUF001 - a dash is meant; Slack refuses an empty cell
_ACTION = "atelier"


@dataclass(frozen=True, slots=True)
class Drawn:
    """One block, or a text that must not be torn from it.

    Attributes:
        block: As Slack takes it.
        size: Characters that people read.
        plain: The same in mrkdwn, for when blocks are refused.
    """

    block: Json
    size: int
    plain: str = ""

    @property
    def is_buttons(self) -> bool:
        """Whether there is something to press."""
        return str(self.block["type"]) == "actions"


@dataclass(frozen=True, slots=True)
class Message:
    """What one message shows.

    Attributes:
        text: For notifications, search and screen readers.
        blocks: The look.
        plain: All words in mrkdwn, shown where Slack refuses the blocks.
        upload: Text that goes with it as a file, by name; empty for none.
    """

    text: str
    blocks: list[Json]
    plain: str
    upload: dict[str, str] = field(default_factory=dict)


def render_view(view: View, *, person: str = "") -> tuple[Message, ...]:
    """Return the messages that show *view*, in order, at least one.

    Args:
        view: What to show.
        person: Slack's id of the one whom our own text mentions, empty for nobody.
    """
    drawn = list(_draw_all(view.elements)) or [_markdown(view.fallback)]
    groups = _pack(drawn)
    call = f"<@{person}> " if person else ""
    fallback = escape(shorten(view.fallback, _FALLBACK))
    if len(groups) > limits.MESSAGES_IN_POST:
        return (_as_file(view, groups[0], drawn, call=call, fallback=fallback, person=person),)
    messages: list[Message] = []
    for number, group in enumerate(groups, 1):
        first = number == 1
        of = f" ({number} of {len(groups)})" if len(groups) > 1 else ""
        messages.append(_message(group, text=f"{call if first else ''}{fallback}{of}", person=person if first else ""))
    return tuple(messages)


def decode_press(action_id: str, value: str) -> tuple[str, str, str] | None:
    """Return action, target and argument of a button that `render_view` drew, None for another's."""
    prefix, _, rest = action_id.partition(".")
    if prefix != _ACTION:
        return None
    target, _, argument = value.partition("|")
    return rest.partition(".")[0], target, argument


def text_block(markdown: str) -> Json:
    """Return a markdown block of at most one message's length; what calls people is inert."""
    return {"type": "markdown", "text": defuse(markdown)[: limits.MESSAGE_CHARACTERS] or _EMPTY}


def remark(markdown: str) -> Json:
    """Return a line of lesser weight."""
    return {"type": "context", "elements": [_mrkdwn(to_mrkdwn(markdown)[: limits.SECTION_TEXT])]}


def _as_file(
    view: View, group: Sequence[Drawn], drawn: Sequence[Drawn], *, call: str, fallback: str, person: str
) -> Message:
    """Return the beginning of a view that is too long for messages, with the whole of it as a file."""
    buttons = [item for item in drawn if item.is_buttons]
    room = limits.MESSAGE_BLOCKS - len(buttons) - 1
    begin = [item for item in group if not item.is_buttons][:room]
    note = "It goes on: the whole of it is in the file."
    shown = [*begin, Drawn(remark(note), len(note), note), *buttons]
    title = next((item.text for item in view.elements if isinstance(item, Heading)), "Atelier")
    name = "".join(character if character.isalnum() or character in " -_" else " " for character in title)
    upload = {"name": f"{' '.join(name.split())[:80] or 'text'}.md", "text": plain_text(view)}
    return replace(_message(shown, text=f"{call}{fallback}", person=person), upload=upload)


def _message(group: Sequence[Drawn], *, text: str, person: str) -> Message:
    blocks = [item.block for item in group]
    plain = "\n".join(item.plain for item in group if item.plain)
    if person:
        blocks.insert(0, {"type": "section", "text": _mrkdwn(f"<@{person}>")})
        plain = f"<@{person}> {plain}"
    return Message(text=text, blocks=blocks, plain=plain)


def _pack(drawn: Sequence[Drawn]) -> list[list[Drawn]]:
    """Return the blocks of each message: within Slack's numbers, one table each, no more messages than needed."""
    groups: list[list[Drawn]] = [[]]
    size = 0
    for item in drawn:
        full = groups[-1] and (size + item.size > limits.MESSAGE_CHARACTERS or len(groups[-1]) >= limits.MESSAGE_BLOCKS)
        if full:
            groups.append([])
            size = 0
        groups[-1].append(item)
        size += item.size
    return groups


def _draw_all(elements: Sequence[Element]) -> Iterator[Drawn]:
    """Yield the blocks of a view; neighbouring paragraphs become one, since blocks are counted."""
    tables = limits.TABLES_IN_MESSAGE
    pending: list[str] = []
    for element in elements:
        match element:
            case Text(markdown):
                pending.append(markdown)
                continue
            case Heading(text, level) if level > 1:
                pending.append(f"### {text}")
                continue
            case _:
                pass
        markdowns, tables = _flush(pending, tables)
        pending = []
        yield from markdowns
        if isinstance(element, Table) and tables and _is_drawable(element):
            tables -= 1
            yield _table(element)
        else:
            yield from _draw(element)
    markdowns, _ = _flush(pending, tables)
    yield from markdowns


def _flush(pending: Sequence[str], tables: int) -> tuple[list[Drawn], int]:
    """Return paragraphs as blocks, and how many tables may still follow."""
    whole = defuse("\n\n".join(piece for piece in pending if piece.strip()))  # before it is cut: it grows
    if not whole:
        return [], tables
    whole, kept = tables_to_code(whole, keep=tables)
    return [_markdown(piece) for piece in split_markdown(whole, _PIECE) if piece.strip()], tables - kept


def _draw(element: Element) -> Iterator[Drawn]:  # noqa: C901, PLR0912 - one case a kind
    match element:
        case Heading(text) | Text(text):
            yield _header(text)
        case Small(markdown):
            for piece in split_mrkdwn(to_mrkdwn(markdown), limits.SECTION_TEXT):
                if piece.strip():
                    yield Drawn({"type": "context", "elements": [_mrkdwn(piece)]}, len(piece), piece)
        case Quote(text):
            for piece in split_mrkdwn(defuse(text), _PIECE):
                yield _rich("rich_text_quote", piece, "\n".join(f">{escape(line)}" for line in piece.split("\n")))
        case Fields(pairs):
            yield from _fields(pairs)
        case Table():
            for piece in split_mrkdwn(defuse(table_text(element)), _PIECE):
                yield _rich("rich_text_preformatted", piece, f"```\n{escape(piece)}\n```")
        case ProgressLine(label, done, total):
            line = f"{label} ({done} of {total})" if total else label
            for piece in split_mrkdwn(escape(line), limits.SECTION_TEXT):
                yield Drawn({"type": "section", "text": _mrkdwn(piece)}, len(piece), piece)
        case Divider():
            yield Drawn({"type": "divider"}, 0)
        case Buttons(buttons):
            for start in range(0, len(buttons), limits.ACTIONS):
                row = [_button(one, number) for number, one in enumerate(buttons[start : start + limits.ACTIONS])]
                yield Drawn({"type": "actions", "elements": row}, sum(len(one["text"]["text"]) for one in row))
        case Link(label, url):
            text = f"<{_address(url)}|{escape(label)}>"
            yield Drawn({"type": "section", "text": _mrkdwn(text)}, len(text), text)
        case Files():
            return  # Slack shows a message's files itself


def _address(url: str) -> str:
    """Return an address in which nothing ends the link early."""
    return escape(url).replace("|", "%7C")


def _header(text: str) -> Drawn:
    safe = defuse(" ".join(text.split())) or _EMPTY
    if len(safe) > limits.HEADER_TEXT:
        return _markdown(f"# {shorten(safe, _PIECE)}")
    return Drawn({"type": "header", "text": _plain(safe)}, len(safe), f"*{escape(safe)}*")


def _markdown(text: str) -> Drawn:
    safe = defuse(text)
    return Drawn({"type": "markdown", "text": safe or _EMPTY}, len(safe), to_mrkdwn(text))


def _fields(pairs: Sequence[tuple[str, str]]) -> Iterator[Drawn]:
    """Yield sections of fields; a value that is no field's length is a paragraph of its own."""
    row: list[str] = []
    for name, value in pairs:
        text = f"*{escape(name)}*\n{escape(value) or _EMPTY}"
        if len(text) > limits.FIELD_TEXT:
            yield from _section(row)
            row = []
            for piece in split_mrkdwn(text, limits.SECTION_TEXT):
                yield Drawn({"type": "section", "text": _mrkdwn(piece)}, len(piece), piece)
            continue
        row.append(text)
        if len(row) == limits.FIELDS_IN_SECTION:
            yield from _section(row)
            row = []
    yield from _section(row)


def _section(fields: Sequence[str]) -> Iterator[Drawn]:
    if fields:
        block = {"type": "section", "fields": [_mrkdwn(text) for text in fields]}
        yield Drawn(block, sum(map(len, fields)), "\n".join(text.replace("\n", " ", 1) for text in fields))


def _is_drawable(table: Table) -> bool:
    cells = sum(len(cell) for row in (table.headers, *table.rows) for cell in row)
    rows = len(table.rows) + 1
    return rows <= limits.TABLE_ROWS and 0 < len(table.headers) <= limits.TABLE_COLUMNS and cells <= _PIECE


def _table(table: Table) -> Drawn:
    rows = [
        [{"type": "raw_text", "text": defuse(cell) or _EMPTY} for cell in row] for row in (table.headers, *table.rows)
    ]
    settings = [{"align": "right" if n in table.right else "left"} for n in range(len(table.headers))]
    size = sum(len(cell["text"]) for row in rows for cell in row)
    plain = f"```\n{escape(table_text(table))}\n```"
    return Drawn({"type": "table", "rows": rows, "column_settings": settings}, size, plain)


def _rich(kind: str, text: str, plain: str) -> Drawn:
    block = {"type": "rich_text", "elements": [{"type": kind, "elements": [{"type": "text", "text": text or _EMPTY}]}]}
    return Drawn(block, len(text), plain)


def _button(button: Button, number: int) -> Json:
    """Return a button; its ids say what and which, never who: that is looked up when it is pressed."""
    drawn: Json = {
        "type": "button",
        "text": _plain(shorten(defuse(button.label), limits.BUTTON_TEXT)),
        "action_id": f"{_ACTION}.{button.action}.{number}"[: limits.IDENTIFIER],
        "value": f"{button.target}|{button.argument}"[: limits.BUTTON_VALUE],
    }
    if button.style is not Style.NORMAL:
        drawn["style"] = button.style.value
    return drawn


def _mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text or _EMPTY}


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text, "emoji": True}
