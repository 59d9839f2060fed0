"""A view as JSON, since a part of a post must survive in JSON, with what the live display needs beside it."""

from dataclasses import asdict
from typing import Any

from bots.views.elements import (
    Button,
    Buttons,
    Divider,
    Element,
    Fields,
    Files,
    Heading,
    ProgressLine,
    Quote,
    Small,
    Style,
    Table,
    Text,
    View,
)
from bots.views.posts import view_of
from bots.views.words import role_name
from core.orchestration.ports import Content, PostKind

_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Heading, Text, Small, Quote, Fields, Table, ProgressLine, Divider, Buttons, Files)
}


def encode(content: Content) -> tuple[View, dict[str, object]]:
    """Return the view of *content* and the payload of its part."""
    view = view_of(content, has_buttons=False)
    snapshot = content.snapshot
    session = snapshot.session
    finished = any(item.number == content.round and item.finished_at for item in snapshot.rounds)
    return view, {
        "kind": content.kind.value,
        "session": session.id,
        "silent": content.kind is PostKind.ROUND_CARD and not finished,
        "elements": [{"type": type(item).__name__, **asdict(item)} for item in view.elements],
        "status": {
            "title": session.title,
            "scores": [item.score for item in snapshot.rounds if item.score is not None],
            "spent": snapshot.spent_microcredits,
            "cap": session.cap_microcredits,
            "unit": snapshot.unit.value,
            "rounds": session.cast.stop.max_rounds,
            "roles": {
                role.key: {"name": role_name(role), "emoji": role.emoji, "colour": role.colour}
                for role in session.cast.roles
            },
        },
        "files": {file.id: file.name for file in snapshot.files if file.id in content.file_ids},
    }


def decode_elements(payload: dict[str, Any]) -> tuple[Element, ...]:
    """Return the elements that `encode` stored; none for a part that was made elsewhere."""
    return tuple(_element(dict(item)) for item in payload.get("elements", ()))


def _element(item: dict[str, Any]) -> Element:
    kind = _KINDS[item.pop("type")]
    if kind is Buttons:
        buttons = tuple(Button(**{**button, "style": Style(button["style"])}) for button in item["buttons"])
        return Buttons(buttons)
    element: Element = kind(**{name: _tuples(value) for name, value in item.items()})
    return element


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value
