"""Contents as messages: the view, its blocks, and what the adapter must know besides when it sends them."""

from dataclasses import dataclass, field

from bots.slack.blocks import Json, Message, render_view
from bots.slack.places import person_of
from bots.views.elements import Buttons, Divider, Heading, Text, View
from bots.views.posts import view_of
from bots.views.round_card import roles_of, version_of
from bots.views.turn import LIVE_DRAFT_CHARACTERS
from bots.views.words import is_rehearsal, role_name
from core.casts.model import Phase
from core.orchestration.ports import Content, Part, PostKind, Snapshot
from core.sessions.model import ENDED, Status
from core.workspaces.model import Verbosity


@dataclass(frozen=True, slots=True)
class Shown:
    """One message, read back from a part.

    Attributes:
        text, blocks, plain, upload: See `bots.slack.blocks.Message`.
        kind: The post's kind, empty for a bare text.
        session_id: Whose.
        is_settled: False for a card that only says how far things are: its edits may wait and make way for newer ones.
        is_mention: Whether it calls somebody, who would not hear of it if it were an edit.
        speaker, icon: The agent that speaks, empty for the app itself.
        roster: What progress needs to draw a round's card: see `roster_of`.
        files: Name, media type and storage key of the files that go with it.
    """

    text: str
    blocks: list[Json]
    plain: str
    upload: dict[str, str] = field(default_factory=dict)
    kind: str = ""
    session_id: str = ""
    is_settled: bool = True
    is_mention: bool = False
    speaker: str = ""
    icon: str = ""
    roster: Json = field(default_factory=dict)
    files: tuple[Json, ...] = ()


def render_parts(content: Content) -> tuple[Part, ...]:
    """Return the messages that say *content*."""
    snapshot = content.snapshot
    view = _with_draft(content, view_of(content))
    person = person_of(view.mention) if view.mention else ""
    messages = render_view(view, person=person)
    files = [
        {"name": file.name, "media_type": file.media_type, "key": file.storage_key}
        for file_id in content.file_ids
        for file in snapshot.files
        if file.id == file_id
    ]
    parts: list[Part] = []
    for number, message in enumerate(messages, 1):
        is_last = number == len(messages)
        payload = _payload(message) | {
            "kind": content.kind.value,
            "session": snapshot.session.id,
            "settled": _is_settled(content),
            "mention": bool(person) and number == 1,
            "files": files if is_last else [],
        }
        if content.kind is PostKind.TURN:
            payload |= {"speaker": view.speaker, "icon": view.emoji}
        if content.kind is PostKind.ROUND_CARD:
            payload["roster"] = roster_of(snapshot, content.round or 0)
        parts.append(Part(text=message.text, payload=payload, file_ids=content.file_ids if is_last else ()))
    return tuple(parts)


def shown_of(part: Part) -> Shown:
    """Return what a part shows; one without a payload of ours shows its text."""
    payload: Json = dict(part.payload)
    if "blocks" not in payload:
        payload |= _payload(render_view(View((Text(part.text),), part.text))[0])
    return Shown(
        text=payload["text"],
        blocks=payload["blocks"],
        plain=payload["plain"],
        upload=payload.get("upload", {}),
        kind=payload.get("kind", ""),
        session_id=payload.get("session", ""),
        is_settled=payload.get("settled", True),
        is_mention=payload.get("mention", False),
        speaker=payload.get("speaker", ""),
        icon=payload.get("icon", ""),
        roster=payload.get("roster", {}),
        files=tuple(payload.get("files", ())),
    )


def roster_of(snapshot: Snapshot, number: int) -> Json:
    """Return who acts in a round, by key in their order, with what the progress of a card shows besides."""
    session = snapshot.session
    return {
        "round": number,
        "rehearsal": is_rehearsal(snapshot),
        "starter": person_of(session.member_id),
        "chatty": session.verbosity is Verbosity.FULL,
        "roles": {role.key: [role.emoji, role_name(role)] for role in roles_of(snapshot, number)},
        "done": {turn.role_key: turn.score for turn in snapshot.turns if turn.round == number},
    }


def _payload(message: Message) -> Json:
    return {"text": message.text, "blocks": message.blocks, "plain": message.plain, "upload": message.upload}


def _is_settled(content: Content) -> bool:
    """Whether people must see it at once: everything but a card of what still runs."""
    snapshot = content.snapshot
    if content.kind is PostKind.SESSION_CARD:
        return snapshot.session.status is not Status.RUNNING
    if content.kind is PostKind.ROUND_CARD:
        finished = any(item.number == content.round and item.finished_at for item in snapshot.rounds)
        return finished or snapshot.session.status in ENDED
    return True


def _with_draft(content: Content, view: View) -> View:
    """Return *view* with the text of a first draft where that draft has its lasting place.

    It streams into a message that makes way for the next post (see `bots.slack.drafts`), so the text stands on the
    round's card, or with the Writer's own post where agents speak for themselves.
    """
    snapshot, number = content.snapshot, content.round or 0
    if number != 1 or snapshot.session.has_upload:
        return view
    is_full = snapshot.session.verbosity is Verbosity.FULL
    if content.kind is PostKind.ROUND_CARD:
        is_place = not is_full and _is_settled(content)
    else:
        is_place = is_full and content.kind is PostKind.TURN and _is_writer(snapshot, content.role_key)
    version = version_of(snapshot, number)
    if not is_place or version is None or version.document.characters > LIVE_DRAFT_CHARACTERS:
        return view
    draft = (Divider(), Heading("The draft", 2), Text(version.document.markdown.rstrip()))
    buttons = tuple(element for element in view.elements if isinstance(element, Buttons))
    others = tuple(element for element in view.elements if not isinstance(element, Buttons))
    return View(
        elements=(*others, *draft, *buttons),
        fallback=view.fallback,
        colour=view.colour,
        mention=view.mention,
        speaker=view.speaker,
        emoji=view.emoji,
        file_ids=view.file_ids,
    )


def _is_writer(snapshot: Snapshot, role_key: str) -> bool:
    return any(role.key == role_key and role.phase is Phase.WRITER for role in snapshot.session.cast.roles)
