"""Views as Components V2: each element drawn within Discord's limits, the whole packed into as few messages as hold it.

What stands together is text as long as it can be: components are counted, too. A role's colour is the edge of a
container, so a change of colour begins another one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bots.discord import limits
from bots.discord.marks import walk
from bots.discord.presses import encode_press
from bots.discord.text import defuse, literal, quoted, small, to_discord, units
from bots.posting.text import cut_markdown, shorten
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
_ROW, _BUTTON, _SECTION, _TEXT, _SEPARATOR, _CONTAINER = 1, 2, 9, 10, 14, 17
_STYLES = {Style.PRIMARY: 1, Style.NORMAL: 2, Style.DANGER: 4}
_OPENS = 5
_ON = "…"
_QUOTE = 1_200
_WORTH_A_CUT = 500  # a shorter beginning of a text is not worth tearing it
_ATOM = 1_300
_ROWS_BESIDE_FILE = 3
_FALLBACK = 700
_GOES_ON = "-# It goes on: the whole of it is in the file."


@dataclass(frozen=True, slots=True)
class Message:
    """What one message shows.

    Attributes:
        text: The whole in a few words; Discord shows it nowhere, logs and screen readers of ours do.
        components: The look, without the files that go with it.
        plain: All words, shown where Discord refuses the look.
        upload: Text that goes with it as a file, by name; empty for none.
    """

    text: str
    components: list[Json]
    plain: str
    upload: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Item:
    """A text, or a component that is none.

    Attributes:
        text: Markdown; empty where it is a component.
        component: The component.
        edge: Which container: items of one edge share it.
        colour: The container's.
    """

    text: str = ""
    component: Json = field(default_factory=dict)
    edge: int = 0
    colour: int | None = None

    @property
    def count(self) -> int:
        """Components that it takes, as many as it may take at worst."""
        return sum(1 for _ in walk([self.component])) if self.component else 1

    @property
    def is_buttons(self) -> bool:
        """Whether there is something to press."""
        return bool(self.component) and self.component["type"] == _ROW


def render_view(
    view: View, *, person: str = "", messages: int = limits.MESSAGES_IN_POST, room: int = limits.MESSAGE_CHARACTERS
) -> tuple[Message, ...]:
    """Return the messages that show *view*, in order, at least one.

    Args:
        view: What to show.
        person: Discord's id of the one whom our own text mentions, empty for nobody.
        messages: How many it may take; what is longer is begun in one and comes whole as a file.
        room: Characters of a message.
    """
    items = list(_draw_all(view)) or [_Item(text=defuse(view.fallback) or _ON)]
    groups = _pack(items, room)
    fallback = shorten(view.fallback, _FALLBACK)
    if len(groups) > messages:
        return (_as_file(view, items, fallback=fallback, person=person, room=room),)
    return tuple(
        _message(group, text=fallback, person=person if number == 0 else "") for number, group in enumerate(groups)
    )


def plain_components(text: str, *, person: str = "") -> list[Json]:
    """Return the simplest components that show *text*, cut to one message."""
    shown = defuse(text)
    while units(shown) > limits.MESSAGE_CHARACTERS:
        shown = f"{shown[: len(shown) * 9 // 10]}{_ON}"
    return [*_mention(person), {"type": _CONTAINER, "components": [_display(shown or _ON)]}]


def remark(text: str) -> Json:
    """Return a line of lesser weight, of our own words."""
    return _display(text)


def file_component(name: str) -> Json:
    """Return what shows an attached file: with Components V2, nothing shows it by itself."""
    return {"type": 13, "file": {"url": f"attachment://{name}"}}


def picture_component(names: Sequence[tuple[str, str]]) -> Json:
    """Return what shows attached pictures, each by its name and with what it says to those who cannot see it."""
    items = [{"media": {"url": f"attachment://{name}"}, "description": words} for name, words in names]
    return {"type": 12, "items": items}


def text_units(components: Sequence[Json]) -> int:
    """Return how many characters stand in all text displays together."""
    return sum(units(one["content"]) for one in walk(components) if one["type"] == _TEXT)


def _message(group: Sequence[_Item], *, text: str, person: str) -> Message:
    components = [*_mention(person), *_contain(group)]
    return Message(text=text, components=components, plain="\n".join(item.text for item in group if item.text))


def _as_file(view: View, items: Sequence[_Item], *, fallback: str, person: str, room: int) -> Message:
    """Return the beginning of a view that is too long for messages, with the whole of it as a file."""
    rows = [item for item in items if item.is_buttons][:_ROWS_BESIDE_FILE]
    room -= len(_GOES_ON) + 1
    group = _pack([item for item in items if not item.is_buttons], room, components=sum(row.count for row in rows) + 1)
    begin = group[0] or [_Item(text=defuse(fallback) or _ON)]
    last = begin[-1]
    shown = [*begin, replace(last, text=_GOES_ON, component={}), *(replace(row, edge=last.edge) for row in rows)]
    title = next((item.text for item in view.elements if isinstance(item, Heading)), "Atelier")
    name = "".join(character if character.isalnum() or character in " -_" else " " for character in title)
    upload = {"name": f"{' '.join(name.split())[:80] or 'text'}.md", "text": plain_text(view)}
    return replace(_message(shown, text=fallback, person=person), upload=upload)


def _mention(person: str) -> list[Json]:
    return [_display(f"<@{person}>")] if person else []


def _pack(items: Sequence[_Item], room: int, *, components: int = 0) -> list[list[_Item]]:
    """Return the items of each message: within Discord's numbers, texts cut where a message is full."""
    groups: list[list[_Item]] = [[]]
    size, count = 0, components
    for item in items:
        rest, opening = item.text, ""
        while True:
            edge = not groups[-1] or groups[-1][-1].edge != item.edge
            # what stands below a text of the same container is one text with it, and takes no further component
            needed = 0 if not edge and item.text and groups[-1][-1].text else item.count + edge
            left = room - size
            fits = count + needed <= limits.OUR_COMPONENTS
            if fits and units(opening + rest) + 1 <= left:
                groups[-1].append(replace(item, text=opening + rest) if item.text else item)
                size, count = size + units(opening + rest) + 1, count + needed
                break
            if groups[-1] and (not fits or left < _WORTH_A_CUT or len(opening + rest) <= _ATOM):
                groups.append([])
                size, count = 0, 0
                continue
            width = left - 1 if units(rest) == len(rest) else (left - 1) // 2
            head, rest, opening = cut_markdown(rest, width, opening)
            groups[-1].append(replace(item, text=head))
            size, count = size + units(head) + 1, count + needed
    return groups


def _contain(group: Sequence[_Item]) -> list[Json]:
    """Return the containers of a message: texts that stand together are one, no line begins or ends a container."""
    containers: list[Json] = []
    edge: int | None = None
    for item in group:
        if item.edge != edge:
            edge = item.edge
            containers.append({"type": _CONTAINER, "components": []})
            if item.colour is not None:
                containers[-1]["accent_color"] = item.colour
        inside: list[Json] = containers[-1]["components"]
        last = inside[-1] if inside else {"type": 0}
        if item.text and last["type"] == _TEXT:
            inside[-1] = _display(f"{last['content']}\n{item.text}")
        elif item.text:
            inside.append(_display(item.text))
        elif item.is_buttons and len(item.component["components"]) == 1 and last["type"] == _TEXT:
            inside[-1] = {"type": _SECTION, "components": [last], "accessory": item.component["components"][0]}
        elif item.component["type"] != _SEPARATOR or last["type"] not in {0, _SEPARATOR}:
            inside.append(item.component)
    for container in containers:
        while container["components"] and container["components"][-1]["type"] == _SEPARATOR:
            container["components"].pop()
    kept = [container for container in containers if container["components"]]
    return kept or [{"type": _CONTAINER, "components": [_display(_ON)]}]


def _draw_all(view: View) -> Iterator[_Item]:
    """Yield the items of a view, each with the container it belongs to."""
    plain = colour = _colour(view.colour)
    edge, is_coloured = 0, False
    pressed: set[str] = set()
    for element in view.elements:
        ends = isinstance(element, Divider | Heading | Buttons)
        begins = isinstance(element, Divider) and bool(element.colour)
        if begins or (is_coloured and ends):
            edge, is_coloured = edge + 1, begins
            colour = _colour(element.colour) if isinstance(element, Divider) and begins else plain
            if isinstance(element, Divider):
                continue  # the edge of the container is the line
        for item in _draw(element, pressed):
            yield replace(
                item, text=defuse(item.text), edge=edge, colour=colour
            )  # again: what stands together may call


def _draw(element: Element, pressed: set[str]) -> Iterator[_Item]:  # noqa: C901, PLR0912 - one case a kind
    match element:
        case Heading(text, level):
            yield _Item(text=f"{'##' if level == 1 else '###'} {literal(' '.join(text.split())) or _ON}")
        case Text(markdown):
            if markdown.strip():
                yield _Item(text=to_discord(markdown))
        case Small(markdown):
            if markdown.strip():
                yield _Item(text=small(markdown))
        case Quote(text):
            for piece in quoted(text, _QUOTE):
                yield _Item(text=piece)
        case Fields(pairs):
            lines = [f"**{literal(name)}:** {literal(value)}" for name, value in pairs]
            if lines:
                yield _Item(text="\n".join(lines))
        case Table():
            yield _Item(text=f"```\n{_unfenced(defuse(table_text(element)))}\n```")
        case ProgressLine(label, done, total):
            line = f"{label} ({done} of {total})" if total else label
            yield _Item(text=literal(line) or _ON)
        case Divider():
            yield _Item(component={"type": _SEPARATOR, "divider": True, "spacing": 1})
        case Buttons(buttons):
            drawn = [_button(one) for one in buttons if not _is_known(one, pressed)]
            for start in range(0, len(drawn), limits.BUTTONS_IN_ROW):
                yield _Item(component={"type": _ROW, "components": drawn[start : start + limits.BUTTONS_IN_ROW]})
        case Link(label, url) if len(url) <= limits.BUTTON_URL:
            button = {"type": _BUTTON, "style": _OPENS, "label": shorten(label, limits.BUTTON_LABEL), "url": url}
            yield _Item(component={"type": _ROW, "components": [button]})
        case Link(label, url):
            yield _Item(text=f"{literal(label)}: {url}")
        case Files():
            return  # they are drawn when it is known which of them Discord takes


def _is_known(button: Button, pressed: set[str]) -> bool:
    """Return whether a button is there already: Discord refuses a message that has one twice."""
    custom_id = encode_press(button.action, button.target, button.argument)
    is_known = custom_id in pressed
    pressed.add(custom_id)
    return is_known


def _button(button: Button) -> Json:
    """Return a button."""
    return {
        "type": _BUTTON,
        "style": _STYLES[button.style],
        "label": shorten(defuse(button.label).strip(), limits.BUTTON_LABEL) or _ON,
        "custom_id": encode_press(button.action, button.target, button.argument),
    }


def _display(content: str) -> Json:
    return {"type": _TEXT, "content": content}


def _unfenced(text: str) -> str:
    """Return text that stands in a fence and cannot end it."""
    return text.replace("```", "'''")


def _colour(colour: str) -> int | None:
    digits = colour.removeprefix("#")
    return int(digits, 16) if len(digits) == 6 and all(one in "0123456789abcdefABCDEF" for one in digits) else None  # noqa: PLR2004
