"""Contents as messages: the view, its blocks, and what the adapter must know besides when it sends them."""

from dataclasses import dataclass, field

from bots.posting.boards import Board, roster_of
from bots.posting.contents import files_of, is_settled, with_draft
from bots.slack.blocks import Json, Message, render_view
from bots.slack.places import person_of
from bots.views.elements import Text, View
from bots.views.posts import view_of
from core.orchestration.ports import Content, Part, PostKind


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
        roster: What progress needs to draw a round's card: see `bots.posting.boards.roster_of`.
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
    view = with_draft(content, view_of(content), own_post=True)
    person = person_of(view.mention) if view.mention else ""
    messages = render_view(view, person=person)
    files = files_of(content)
    parts: list[Part] = []
    for number, message in enumerate(messages, 1):
        is_last = number == len(messages)
        payload = _payload(message) | {
            "kind": content.kind.value,
            "session": snapshot.session.id,
            "settled": is_settled(content),
            "mention": bool(person) and number == 1,
            "files": files if is_last else [],
        }
        if content.kind is PostKind.TURN:
            payload |= {"speaker": view.speaker, "icon": view.emoji}
        if content.kind is PostKind.ROUND_CARD:
            payload["roster"] = roster_of(snapshot, content.round or 0) | {
                "starter": person_of(snapshot.session.member_id)
            }
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


def board_post(board: Board, kind: str) -> Shown:
    """Return the message that shows a round's board."""
    message = render_view(board.view())[0]
    return Shown(text=message.text, blocks=message.blocks, plain=message.plain, kind=kind, is_settled=False)


def _payload(message: Message) -> Json:
    return {"text": message.text, "blocks": message.blocks, "plain": message.plain, "upload": message.upload}
