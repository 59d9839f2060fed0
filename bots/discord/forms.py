"""Forms as modals: drawn from the desk's fields, and read back from what somebody put in.

Nothing is kept here between the two, so that any process can read a modal, also one that was opened before a restart.
A modal has five parts. Which command it is for, what goes along unseen, and what the fields hold for which there was no
room, stands in the custom ids of the modal and of its fields: each has room for a hundred characters.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlencode

import discord
import structlog
from discord import ui

from bots.desk.forms import Field, FieldKind, Form
from bots.desk.requests import Attachment
from bots.discord import limits
from bots.discord.decoded import PLATFORM, attachments_of
from bots.discord.places import channel_ref, place_of
from bots.discord.text import defuse, to_discord
from bots.parsing import Value
from bots.posting.text import shorten
from core.sessions.model import ThreadRef

_log = structlog.get_logger(__name__)
_OURS = "atelier.form"
_TRUE = frozenset({"true", "yes", "on", "1"})
_REFERENCES = "references"
_MARKS = {
    FieldKind.LINE: "l",
    FieldKind.PARAGRAPH: "p",
    FieldKind.CHOICE: "c",
    FieldKind.FLAG: "b",
    FieldKind.FILES: "f",
    FieldKind.CHANNELS: "h",
    FieldKind.ROLES: "r",
}
_BEGUN = "!"  # a field that held something when the form was opened: emptied, it says so
_LABEL, _ROW = 18, 1
_FEW_WORDS = {FieldKind.FILES, FieldKind.CHOICE, FieldKind.FLAG}
_REST = "_"  # before the names of values that have no field


@dataclass(frozen=True, slots=True)
class Filled:
    """What somebody put into a form.

    Attributes:
        command: The command that it belongs to.
        values: By option; a text that was emptied is there, and empty.
        files: In their roles.
    """

    command: str
    values: dict[str, Value] = field(default_factory=dict)
    files: tuple[Attachment, ...] = ()


def draw_form(form: Form) -> ui.Modal:
    """Return the modal that asks what *form* asks: its first fields, and as much else as there is room for."""
    room = limits.MODAL_PARTS - bool(form.intro)
    usable = [one for one in form.fields if one.kind is not FieldKind.CHOICE or one.choices]
    shown = _choose(usable, room)
    rest = {one.name: one.value for one in usable if one not in shown and one.value and one.kind in _RESTING}
    ids = _Ids(form.command, shown, {**rest, **form.kept})
    modal = ui.Modal(title=shorten(form.title, limits.MODAL_TITLE) or "Atelier", custom_id=ids.modal)
    modal.stop()  # the library need not wait for it: whoever gets it can read it
    if form.intro:
        modal.add_item(ui.TextDisplay(shorten(to_discord(form.intro), limits.INPUT_TEXT)))
    for one in shown:
        label = shorten(defuse(one.label), limits.LABEL)
        modal.add_item(ui.Label(text=label, description=_help(one), component=_component(one, ids.of(one))))
    return modal


def read_form(data: Mapping[str, Any], guild: str) -> Filled | None:
    """Return what a modal that was sent holds, None for one that is not ours.

    Args:
        data: What Discord sent.
        guild: The server, for the names of its channels.
    """
    ours, _, rest = str(data.get("custom_id") or "").partition(":")
    command, _, kept = rest.partition("?")
    if ours != _OURS or not command:
        return None
    unseen = dict(parse_qsl(kept, keep_blank_values=True))
    values: dict[str, Value] = {}
    files: tuple[Attachment, ...] = ()
    resolved = (data.get("resolved") or {}).get("attachments") or {}
    for custom_id, held in _held(data.get("components") or ()):
        head, _, kept = custom_id.partition("?")
        mark, _, name = head.partition(".")
        unseen |= dict(parse_qsl(kept, keep_blank_values=True))
        if mark.startswith(_MARKS[FieldKind.FILES]):
            found = [resolved[str(one)] for one in held if str(one) in resolved]
            files += attachments_of(found, role="reference" if name == _REFERENCES else "")
            continue
        value = _value(mark, held, guild)
        if value != "" or mark.endswith(_BEGUN):
            values[name] = value
    known: dict[str, Value] = {name.removeprefix(_REST): value for name, value in unseen.items()}
    return Filled(command, {**known, **values}, files)


class _Ids:
    """The custom ids of a modal and its fields, with what goes along in them."""

    def __init__(self, command: str, shown: Sequence[Field], unseen: Mapping[str, str]) -> None:
        self.modal = f"{_OURS}:{command}"
        self._fields = {one.name: f"{_MARKS[one.kind]}{_BEGUN if one.value else ''}.{one.name}" for one in shown}
        for name, value in unseen.items():
            self._place(urlencode({f"{_REST}{name}": value}), name)

    def of(self, one: Field) -> str:
        """Return the custom id of a field."""
        return self._fields[one.name]

    def _place(self, pair: str, name: str) -> None:
        for holder in ("", *self._fields):
            now = self._fields[holder] if holder else self.modal
            longer = f"{now}{'&' if '?' in now else '?'}{pair}"
            if len(longer) > limits.CUSTOM_ID:
                continue
            if holder:
                self._fields[holder] = longer
            else:
                self.modal = longer
            return
        _log.warning("discord_form_without_room", value=name)


_RESTING = frozenset(FieldKind) - {FieldKind.FILES}


def _choose(fields: Sequence[Field], room: int) -> list[Field]:
    """Return the fields that are shown: first those that everybody sees, then others that are picked, not typed."""
    first = [one for one in fields if not one.more]
    later = sorted((one for one in fields if one.more), key=lambda one: one.kind not in _FEW_WORDS)
    chosen = [*first, *later][:room]
    return [one for one in fields if one in chosen]


def _help(one: Field) -> str | None:
    return shorten(defuse(one.help), limits.LABEL_HELP) or None


def _component(one: Field, custom_id: str) -> ui.Item[Any]:
    match one.kind:
        case FieldKind.LINE | FieldKind.PARAGRAPH:
            style = discord.TextStyle.short if one.kind is FieldKind.LINE else discord.TextStyle.paragraph
            most = min(one.max_length or limits.INPUT_TEXT, limits.INPUT_TEXT)
            return ui.TextInput(
                custom_id=custom_id,
                style=style,
                default=one.value[:most] or None,
                required=one.required,
                max_length=most,
            )
        case FieldKind.CHOICE:
            options = [
                discord.SelectOption(
                    label=shorten(label, limits.CHOICE) or value, value=value, default=value == one.value
                )
                for value, label in one.choices[: limits.CHOICES]
            ]
            return ui.Select(custom_id=custom_id, options=options, required=one.required, min_values=int(one.required))
        case FieldKind.FLAG:
            return ui.Checkbox(custom_id=custom_id, default=one.value.lower() in _TRUE)
        case FieldKind.FILES:
            return ui.FileUpload(
                custom_id=custom_id,
                required=one.required,
                min_values=int(one.required),
                max_values=limits.MODAL_FILES,
            )
        case FieldKind.CHANNELS:
            channels = [place_of(ThreadRef(PLATFORM, one)).channel for one in _listed(one.value)]
            return ui.ChannelSelect(
                custom_id=custom_id,
                required=one.required,
                min_values=0,
                max_values=limits.CHOICES,
                default_values=[discord.Object(int(one)) for one in channels if one.isdigit()][: limits.CHOICES],
            )
        case FieldKind.ROLES:
            return ui.RoleSelect(
                custom_id=custom_id,
                required=one.required,
                min_values=0,
                max_values=limits.CHOICES,
                default_values=[discord.Object(int(one)) for one in _listed(one.value) if one.isdigit()],
            )


def _listed(value: str) -> list[str]:
    return [one.strip() for one in value.split(",") if one.strip()]


def _held(parts: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Yield what each field holds, by its custom id."""
    for part in parts:
        inner = [part["component"]] if part.get("component") else part.get("components") or ()
        if int(part.get("type") or 0) in {_LABEL, _ROW}:
            yield from _held(inner)
        elif part.get("custom_id"):
            given = part.get("values")
            yield str(part["custom_id"]), list(given) if given is not None else [part.get("value")]


def _value(mark: str, held: Sequence[Any], guild: str) -> Value:
    """Return the value of a field: a text, or whether a box was ticked."""
    kind = mark.removesuffix(_BEGUN)
    if kind == _MARKS[FieldKind.FLAG]:
        return bool(held and held[0])
    if kind == _MARKS[FieldKind.CHANNELS]:
        return ",".join(channel_ref(guild, str(one)) for one in held)
    if kind == _MARKS[FieldKind.ROLES]:
        return ",".join(str(one) for one in held)
    return str(held[0] or "").strip() if held else ""
