"""Contents as messages: the view, its components, and what the adapter must know besides when it sends them."""

from dataclasses import dataclass, field, replace

from bots.discord import limits
from bots.discord.layout import Json, Message, render_view
from bots.discord.places import person_of
from bots.posting.boards import Board, roster_of
from bots.posting.contents import files_of, is_settled, with_draft
from bots.posting.text import shorten
from bots.views.elements import Buttons, Divider, Element, Heading, Text, View
from bots.views.posts import view_of
from bots.views.receipt import receipt_post
from bots.views.round_card import version_of
from core.casts.model import Phase
from core.orchestration.ports import Content, Part, PostKind
from core.orchestration.posting import post_key, receipt_name
from core.workspaces.model import Verbosity

_BRIEF = 1_000
_DRAFT_FILE = "Draft.md"


@dataclass(frozen=True, slots=True)
class Shown:
    """One message, read back from a part.

    Attributes:
        text, components, plain, upload: See `bots.discord.layout.Message`.
        kind: The post's kind, empty for a bare text.
        session_id: Whose.
        is_settled: False for a card that only says how far things are: its edits may wait and make way for newer ones.
        person: Discord's id of the one whom it calls, empty for nobody.
        roster: What progress needs to draw a round's card: see `bots.posting.boards.roster_of`.
        files: See `bots.posting.contents.files_of`.
        within: Key of the post that says all of this already, empty where it stands for itself.
    """

    text: str
    components: list[Json]
    plain: str
    upload: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    session_id: str = ""
    is_settled: bool = True
    person: str = ""
    roster: Json = field(default_factory=dict)
    files: tuple[Json, ...] = ()
    within: str = ""


def render_parts(content: Content) -> tuple[Part, ...]:
    """Return the messages that say *content*."""
    snapshot = content.snapshot
    files = files_of(content)
    room = limits.MESSAGE_CHARACTERS_WITH_FILES if files else limits.MESSAGE_CHARACTERS
    view = _view(content)
    person = person_of(view.mention) if view.mention else ""
    messages = _messages(content, view, person, room)
    parts: list[Part] = []
    for number, message in enumerate(messages, 1):
        is_last = number == len(messages)
        payload = _payload(message) | {
            "kind": content.kind.value,
            "session": snapshot.session.id,
            "settled": is_settled(content),
            "person": person if number == 1 else "",
            "files": files if is_last else [],
            "within": _within(content),
        }
        if content.kind is PostKind.ROUND_CARD:
            payload["roster"] = roster_of(snapshot, content.round or 0)
        parts.append(Part(text=message.text, payload=payload, file_ids=content.file_ids if is_last else ()))
    return tuple(parts)


def shown_of(part: Part) -> Shown:
    """Return what a part shows; one without a payload of ours shows its text."""
    payload: Json = dict(part.payload)
    if "components" not in payload:
        payload |= _payload(render_view(View((Text(part.text),), part.text), messages=1)[0])
    return Shown(
        text=payload["text"],
        components=payload["components"],
        plain=payload["plain"],
        upload=payload.get("upload", {}),
        kind=payload.get("kind", ""),
        session_id=payload.get("session", ""),
        is_settled=payload.get("settled", True),
        person=payload.get("person", ""),
        roster=payload.get("roster", {}),
        files=tuple(payload.get("files", ())),
        within=payload.get("within", ""),
    )


def board_post(board: Board, kind: str) -> Shown:
    """Return the message that shows a round's board; a draft that makes it too long is cut, its end comes later."""
    view = board.view()
    messages = render_view(view)
    shown = messages[0]
    if len(messages) > 1:
        elements = tuple(_cut(element, _BRIEF) for element in view.elements)
        shown = render_view(replace(view, elements=elements), messages=1)[0]
    return Shown(text=shown.text, components=shown.components, plain=shown.plain, kind=kind, is_settled=False)


def _messages(content: Content, view: View, person: str, room: int) -> tuple[Message, ...]:
    """Return the messages of a post: one for everything that is edited or that a thread holds few of."""
    if content.kind is PostKind.TURN:
        return render_view(view, person=person, room=room)
    drafted = with_draft(content, view, own_post=False)
    (message,) = render_view(drafted, person=person, messages=1, room=room)
    if drafted is view or not message.upload:
        return (message,)
    # Card and draft do not fit into one message: the draft goes with the card as a file.
    (message,) = render_view(view, person=person, messages=1, room=room)
    version = version_of(content.snapshot, content.round or 0)
    if message.upload or version is None:
        return (message,)
    return (replace(message, upload={"name": _DRAFT_FILE, "text": version.document.markdown}),)


def _view(content: Content) -> View:
    """Return the view: with the receipt below the result, and with a brief that leaves room for the rest of the card."""
    view = view_of(content)
    match content.kind:
        case PostKind.SESSION_CARD:
            return replace(view, elements=tuple(_cut(element, _BRIEF) for element in view.elements))
        case PostKind.RESULT if "shared" not in content.facts:  # what it cost is its starter's business
            receipt = receipt_post(content.snapshot)
            below = (Heading(one.text, 2) if isinstance(one, Heading) else one for one in receipt.elements)
            elements = (*view.elements, Divider(), *below)
            buttons = tuple(one for one in elements if isinstance(one, Buttons))
            others = tuple(one for one in elements if not isinstance(one, Buttons))
            return replace(view, elements=(*others, *buttons))
        case _:
            return view


def _within(content: Content) -> str:
    """Return the key of the post that says all of *content* already, empty where there is none.

    A result holds its receipt, and a round's card holds what the lead editor says: a thread takes few posts, and these
    two would say it again.
    """
    session = content.snapshot.session
    if content.kind is PostKind.RECEIPT:
        return post_key(session.id, PostKind.RESULT, name=receipt_name(session))
    if content.kind is not PostKind.TURN or session.verbosity is not Verbosity.FULL:
        return ""
    role = next((one for one in session.cast.roles if one.key == content.role_key), None)
    if role is None or role.phase is not Phase.SYNTHESIZER:
        return ""
    return post_key(session.id, PostKind.ROUND_CARD, round_number=content.round)


def _cut(element: Element, limit: int) -> Element:
    return Text(shorten(element.markdown, limit)) if isinstance(element, Text) else element


def _payload(message: Message) -> Json:
    return {"text": message.text, "components": message.components, "plain": message.plain, "upload": message.upload}
