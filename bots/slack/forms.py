"""Forms as modals: drawn from the desk's fields, and read back from what somebody put in.

Nothing is kept here between the two: a modal carries the request that it came from, so that "More" can draw it anew and
any process can read it. Fields that are not shown go along with the values that they had.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bots.commands import BY_NAME, Place
from bots.desk.forms import NEW_FORM, Field, FieldKind, Form
from bots.desk.requests import Attachment, Request, RequestKind, Spot, dump_request, load_request
from bots.parsing import HelpNeeded, Invocation, Value, fill
from bots.posting.text import shorten
from bots.slack import limits
from bots.slack.blocks import Json
from bots.slack.decode import Decoded, Install, attachments_of
from bots.slack.places import channel_ref, place_of
from bots.slack.tenants import PLATFORM, workspace_id_of
from bots.slack.text import defuse, to_mrkdwn
from core.ids import derived_key
from core.sessions.model import ThreadRef

CALLBACK = "atelier.form"
MORE = "form.more"
_FIELD = "field."
_WHERE = "where"
_CHOSEN = "v:"  # Slack takes no option without a value
_ON = "true"
_TRUE = frozenset({"true", "yes", "on", "1"})
_REFERENCES = "references"
_EMPTY = "Please fill this in."


@dataclass(frozen=True, slots=True)
class Filled:
    """What came of a form that was sent.

    Attributes:
        decoded: What it asks; None where it has to be corrected first.
        errors: What is wrong, by block.
    """

    decoded: Decoded | None
    errors: dict[str, str] = field(default_factory=dict)


def draw_form(form: Form, source: Request, *, shows_more: bool = False) -> Json:
    """Return the modal that asks what *form* asks.

    Args:
        form: What to ask.
        source: What somebody did to get it; it says where the answer belongs. A new session without a channel asks for one.
        shows_more: Whether the fields under "More" are shown.
    """
    usable = [one for one in form.fields if _is_usable(one)]
    shown = [one for one in usable if shows_more or not one.more]
    hidden = {one.name: one.value for one in usable if one not in shown and one.value}
    blocks: list[Json] = []
    if text := shorten(to_mrkdwn(form.intro), limits.SECTION_TEXT).strip():
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": text}})
    blocks += [_input(one) for one in shown]
    if form.command == NEW_FORM and not place_of(source.spot.thread).channel:
        blocks.append(_where())
    if len(shown) < len(usable):
        button = {
            "type": "button",
            "action_id": MORE,
            "value": MORE,
            "text": _plain("More choices", limits.BUTTON_TEXT),
        }
        blocks.append({"type": "actions", "block_id": MORE, "elements": [button]})
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": _plain(form.title, limits.MODAL_TITLE),
        "submit": _plain(form.submit, limits.MODAL_TITLE),
        "close": _plain("Cancel", limits.MODAL_TITLE),
        "private_metadata": _metadata(form, source, hidden),
        "blocks": blocks,
    }


def is_more(body: Mapping[str, Any]) -> bool:
    """Return whether a press asks for the rest of a form."""
    return any(action.get("action_id") == MORE for action in body.get("actions") or ())


def source_of(body: Mapping[str, Any], install: Install) -> Request | None:
    """Return what somebody did to get the form that is in front of them, None if it is not one of ours."""
    view = body.get("view") or {}
    if view.get("callback_id") != CALLBACK:
        return None
    request = load_request(_read_metadata(view)["source"])
    # The form came through Slack, which signs it; the person and the installation are taken from now all the same.
    user = body.get("user") or {}
    actor = replace(request.actor, workspace_id=workspace_id_of(install.tenant), external_id=str(user.get("id") or ""))
    return replace(request, actor=actor)


def with_held(form: Form, view: Mapping[str, Any]) -> Form:
    """Return *form* with what was put into *view* so far, so that nothing is lost when it is drawn again."""
    held = {name: given for name, given in _held(view) if isinstance(given, str)}
    fields = (replace(one, value=held.get(one.name, one.value)) for one in form.fields)
    return replace(form, fields=tuple(fields))


def read_submission(body: Mapping[str, Any], install: Install) -> Filled | None:
    """Return what a form that was sent asks, None for one that is not ours."""
    source = source_of(body, install)
    if source is None:
        return None
    view: Mapping[str, Any] = body["view"]
    metadata = _read_metadata(view)
    command, kinds = str(metadata["command"]), metadata["kinds"]
    values: dict[str, Value] = dict(metadata["kept"])
    files: tuple[Attachment, ...] = ()
    errors: dict[str, str] = {}
    cleared = set(_begun_with(view))
    for name, given in {**metadata["hidden"], **dict(_held(view))}.items():
        if not isinstance(given, str):
            role = "reference" if name == _REFERENCES else ""
            files += attachments_of(given, asker=source.actor.external_id, role=role)
            continue
        try:
            value = _value(command, name, given, kinds.get(name, ""), install)
        except ValueError as problem:
            errors[_FIELD + name] = str(problem)
            continue
        if value is not None or name in cleared:
            values[name] = "" if value is None else value
    if errors:
        # an error can only stand below a field that is shown
        shown = {str(block.get("block_id")) for block in view.get("blocks") or ()}
        return Filled(None, {block if block in shown else first_field(view): text for block, text in errors.items()})
    key = f"form/{view.get('id', '')}"
    request = Request(
        id=f"q_{derived_key(PLATFORM, key)}",
        kind=RequestKind.COMMAND,
        actor=source.actor,
        spot=_spot(source.spot, body, install),
        command=command,
        values=values,
        files=files,
    )
    return Filled(Decoded(request, (key,)))


def first_field(view: Mapping[str, Any]) -> str:
    """Return the block below which something can be said about a form as a whole."""
    blocks = (str(block.get("block_id", "")) for block in view.get("blocks") or ())
    return next(one for one in blocks if one.startswith(_FIELD))


def _input(one: Field) -> Json:
    block: Json = {
        "type": "input",
        "block_id": _FIELD + one.name,
        "label": _plain(one.label, limits.FIELD_LABEL),
        "optional": not one.required,
        "element": {"action_id": one.name, **_element(one)},
    }
    if one.help and one.kind is not FieldKind.FLAG:  # a flag says it beside its box
        block["hint"] = _plain(one.help, limits.FIELD_LABEL)
    return block


def _element(one: Field) -> Json:
    match one.kind:
        case FieldKind.LINE | FieldKind.PARAGRAPH:
            most = min(one.max_length or limits.INPUT_TEXT, limits.INPUT_TEXT)
            element: Json = {
                "type": "plain_text_input",
                "multiline": one.kind is FieldKind.PARAGRAPH,
                "max_length": most,
            }
            return element | ({"initial_value": one.value[:most]} if one.value else {})
        case FieldKind.CHOICE:
            options = [_option(label, _CHOSEN + value) for value, label in one.choices[: limits.OPTIONS]]
            chosen = next((option for option in options if option["value"] == _CHOSEN + one.value), None)
            element = {"type": "static_select", "options": options}
            return element | ({"initial_option": chosen} if chosen else {})
        case FieldKind.FLAG:
            options = [_option(one.help or one.label, _ON)]
            element = {"type": "checkboxes", "options": options}
            return element | ({"initial_options": options} if one.value.lower() in _TRUE else {})
        case FieldKind.FILES:
            return {"type": "file_input", "max_files": limits.FILES_IN_INPUT}
        case FieldKind.CHANNELS | FieldKind.ROLES:  # Slack has no roles: `_is_usable` leaves them out
            element = {"type": "multi_conversations_select", "filter": {"include": ["public", "private"]}}
            channels = [place_of(ThreadRef(PLATFORM, channel.strip())).channel for channel in one.value.split(",")]
            channels = [channel for channel in channels if channel]
            return element | ({"initial_conversations": channels} if channels else {})


def _is_usable(one: Field) -> bool:
    return one.kind is not FieldKind.ROLES and (one.kind is not FieldKind.CHOICE or bool(one.choices))


def _where() -> Json:
    return {
        "type": "input",
        "block_id": _WHERE,
        "optional": True,
        "label": _plain("Where", limits.FIELD_LABEL),
        "hint": _plain("Leave it empty to work in your messages with Atelier.", limits.FIELD_LABEL),
        "element": {
            "type": "conversations_select",
            "action_id": _WHERE,
            "default_to_current_conversation": True,
            "response_url_enabled": True,
            "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        },
    }


def _metadata(form: Form, source: Request, hidden: dict[str, str]) -> str:
    kinds = {one.name: one.kind.value for one in form.fields if one.kind in {FieldKind.FLAG, FieldKind.CHANNELS}}
    facts = {"command": form.command, "kept": form.kept, "hidden": hidden, "kinds": kinds}
    # where it does not fit, words stay behind: those of the request, which the form asks for, then those not shown
    bare = replace(source, text="", values={}, files=())
    texts = [
        json.dumps({**kept, "source": dump_request(one)}, separators=(",", ":"))
        for kept, one in ((facts, source), (facts, bare), (facts | {"hidden": {}}, bare))
    ]
    return next((text for text in texts if len(text) <= limits.METADATA), texts[-1])


def _read_metadata(view: Mapping[str, Any]) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(view["private_metadata"])
    return read


def _held(view: Mapping[str, Any]) -> Iterator[tuple[str, str | list[Json]]]:
    """Yield what each of our fields holds: a text, or files; a flag that is off is an empty text."""
    values: Mapping[str, Any] = (view.get("state") or {}).get("values") or {}
    for block, elements in values.items():
        if not block.startswith(_FIELD):
            continue
        for name, element in elements.items():
            match element.get("type"):
                case "static_select":
                    chosen = (element.get("selected_option") or {}).get("value") or ""
                    yield name, str(chosen).removeprefix(_CHOSEN)
                case "checkboxes":
                    yield name, _ON if element.get("selected_options") else ""
                case "multi_conversations_select":
                    yield name, ",".join(element.get("selected_conversations") or ())
                case "file_input":
                    yield name, list(element.get("files") or ())
                case _:
                    yield name, str(element.get("value") or "")


def _begun_with(view: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields that held something when the form was opened: emptied, they say so."""
    for block in view.get("blocks") or ():
        element = block.get("element") or {}
        if any(element.get(name) for name in ("initial_value", "initial_option", "initial_conversations")):
            yield str(element.get("action_id", ""))


def _value(command: str, name: str, given: str, kind: str, install: Install) -> Value | None:
    """Return the value of a field, None for one that was left empty.

    Raises:
        ValueError: With a sentence for people.
    """
    if kind == FieldKind.FLAG:
        return given.lower() in _TRUE
    if kind == FieldKind.CHANNELS:
        places = (place_of(ThreadRef(PLATFORM, channel)) for channel in given.split(",") if channel)
        return ",".join(channel_ref(install.tenant, place.channel) for place in places) or None
    text = given.strip()
    known = BY_NAME.get(command)
    option = known.option(name) if known is not None else None
    if known is None or option is None:
        return text or None
    match fill(replace(known, options=(option,)), {name: text}):
        case HelpNeeded(problem=problem):
            raise ValueError(problem if text else _EMPTY)
        case Invocation(values=values):
            return values.get(name)


def _spot(spot: Spot, body: Mapping[str, Any], install: Install) -> Spot:
    """Return where the form's answer belongs: what was chosen in it, or where it was asked for."""
    values = ((body["view"].get("state") or {}).get("values") or {}).get(_WHERE) or {}
    channel = str((values.get(_WHERE) or {}).get("selected_conversation") or "")
    if not channel:
        return spot
    url = next((str(one["response_url"]) for one in body.get("response_urls") or () if one.get("response_url")), "")
    place = Place.DIRECT if channel.startswith("D") else Place.CHANNEL
    return Spot(
        ThreadRef(PLATFORM, channel_ref(install.tenant, channel)), place, answer={"response_url": url} if url else {}
    )


def _option(label: str, value: str) -> Json:
    return {"text": _plain(label, limits.OPTION_TEXT), "value": value}


def _plain(text: str, limit: int) -> Json:
    return {"type": "plain_text", "text": shorten(defuse(text), limit) or "–", "emoji": True}  # noqa: RUF001 - a dash
