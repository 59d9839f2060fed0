"""What every platform decides alike about a post: whether it is final, what goes with it, where a draft stands."""

from dataclasses import replace
from typing import Any

from bots.views.elements import Buttons, Divider, Heading, Text, View
from bots.views.round_card import version_of
from bots.views.turn import LIVE_DRAFT_CHARACTERS
from core.casts.model import Phase
from core.orchestration.ports import Content, PostKind, Snapshot
from core.sessions.model import ENDED, Status
from core.workspaces.model import Verbosity

Json = dict[str, Any]


def is_settled(content: Content) -> bool:
    """Whether people must see it at once: everything but a card of what still runs."""
    snapshot = content.snapshot
    if content.kind is PostKind.SESSION_CARD:
        return snapshot.session.status is not Status.RUNNING
    if content.kind is PostKind.ROUND_CARD:
        finished = any(item.number == content.round and item.finished_at for item in snapshot.rounds)
        return finished or snapshot.session.status in ENDED
    return True


def files_of(content: Content) -> list[Json]:
    """Return what an adapter must know of the files that go with a post, JSON types only."""
    return [
        {
            "id": file.id,
            "name": file.name,
            "media_type": file.media_type,
            "key": file.storage_key,
            "size": file.size_bytes,
        }
        for file_id in content.file_ids
        for file in content.snapshot.files
        if file.id == file_id
    ]


def with_draft(content: Content, view: View, *, own_post: bool) -> View:
    """Return *view* with the text of a first draft where that draft has its lasting place.

    That is the round's card; with *own_post*, where agents speak for themselves, it is the Writer's own post.
    """
    snapshot, number = content.snapshot, content.round or 0
    if number != 1 or snapshot.session.has_upload:
        return view
    is_full = own_post and snapshot.session.verbosity is Verbosity.FULL
    if content.kind is PostKind.ROUND_CARD:
        is_place = not is_full and is_settled(content)
    else:
        is_place = is_full and content.kind is PostKind.TURN and _is_writer(snapshot, content.role_key)
    version = version_of(snapshot, number)
    if not is_place or version is None or version.document.characters > LIVE_DRAFT_CHARACTERS:
        return view
    draft = (Divider(), Heading("The draft", 2), Text(version.document.markdown.rstrip()))
    buttons = tuple(element for element in view.elements if isinstance(element, Buttons))
    others = tuple(element for element in view.elements if not isinstance(element, Buttons))
    return replace(view, elements=(*others, *draft, *buttons))


def _is_writer(snapshot: Snapshot, role_key: str) -> bool:
    return any(role.key == role_key and role.phase is Phase.WRITER for role in snapshot.session.cast.roles)
