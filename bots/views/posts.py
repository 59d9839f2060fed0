"""The door to the views: the view of any content."""

from dataclasses import replace

from bots.views.elements import View
from bots.views.notices import notice_post
from bots.views.receipt import receipt_post
from bots.views.result import result_post
from bots.views.round_card import round_card
from bots.views.session_card import session_card
from bots.views.turn import draft_post, turn_post
from core.orchestration.ports import Content, PostKind


def view_of(content: Content, *, has_buttons: bool = True) -> View:
    """Return the view of *content*, with its files and with the one person it mentions, if any.

    Args:
        content: What it says.
        has_buttons: Whether readers can press anything; where they cannot, what a button would show is in the view.
    """
    view = _view(content, has_buttons=has_buttons).with_files(content.file_ids)
    return replace(view, mention=content.snapshot.session.member_id) if content.mention else view


def _view(content: Content, *, has_buttons: bool) -> View:  # noqa: PLR0911 - one return a case
    snapshot, number = content.snapshot, content.round or 0
    match content.kind:
        case PostKind.SESSION_CARD:
            return session_card(snapshot)
        case PostKind.ROUND_CARD:
            return round_card(snapshot, number)
        case PostKind.TURN:
            return turn_post(snapshot, number, content.role_key)
        case PostKind.DRAFT:
            return draft_post(snapshot, number)
        case PostKind.RESULT:
            return result_post(snapshot, is_shared="shared" in content.facts, by=content.facts.get("by", ""))
        case PostKind.RECEIPT:
            return receipt_post(snapshot, is_whole=not has_buttons)
        case PostKind.NOTICE:
            return notice_post(content)
