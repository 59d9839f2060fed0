"""A private session's result, posted once where it was asked for."""

from dataclasses import replace

from bots.desk.choosing import choose
from bots.desk.tools import Call, Handlers, Tools
from bots.errors import CannotPost
from bots.views.ask import error_view, said
from bots.views.elements import Button
from bots.views.errors import words_for
from core.orchestration.ports import PostKind
from core.orchestration.posting import intend, post_key, receipt_name
from core.sessions.errors import BadRequest, NotPossibleNow, TextsForgotten
from core.sessions.model import ENDED, Session, ThreadRef
from core.sessions.ports import OutboxState, Transaction
from core.workspaces.access import Denial
from core.workspaces.errors import NotAllowed


def handlers(tools: Tools) -> Handlers:
    """Return the one button."""

    async def share(call: Call) -> None:
        await _share(tools, call)

    return Handlers(presses={"share": share})


async def _share(tools: Tools, call: Call) -> None:
    """Post the result into the channel in which the session was asked for.

    The post is meant in the outbox, under a key that this end of the session has once, so that neither a second press
    nor a crash posts it twice.
    """
    session = await choose(tools, replace(call, values={"session": call.request.target}), "status")
    if session is None:
        return
    if session.member_id != call.member.id:
        raise NotAllowed(Denial.NOT_STARTER)
    if not session.origin:
        raise BadRequest("share", "This session is not private: its result stands in its own thread.")
    if session.status not in ENDED:
        raise NotPossibleNow("share", session.status)
    if session.forgotten_at is not None:
        raise TextsForgotten(session.id)
    origin = ThreadRef(session.thread.platform, session.origin)
    try:
        await call.door.check_post(replace(call.request, spot=replace(call.request.spot, thread=origin)), origin)
    except CannotPost as error:
        await call.say(error_view(words_for(error, tools.unit), (Button("share", "Try again", session.id),)))
        return
    key = await tools.store.write(lambda tx: _intend(tools, tx, session, by=call.member.name))
    await tools.poster.flush(session.id)
    row = await tools.store.read(lambda tx: tx.outbox.find(key))
    if row is not None and row.state is OutboxState.SENT:
        await call.say(said(f"The result is shared{f' in {session.origin_name}' if session.origin_name else ''}."))
    elif row is not None and row.state is OutboxState.REFUSED:
        again = Button("share", "Try again", session.id)
        await call.say(said("The result could not be posted there: I may not speak in it.", buttons=(again,)))
    else:
        await call.say(said("The result is on its way; it is posted as soon as the platform takes it."))


def _intend(tools: Tools, tx: Transaction, session: Session, *, by: str) -> str:
    """Mean the post, which says *by* whom; one that the platform refused before is meant anew."""
    current = tx.sessions.lock(session.id) or session
    own = tx.outbox.find(post_key(session.id, PostKind.RESULT, name=receipt_name(current)))
    files = own.facts.get("file_ids", []) if own is not None else []
    name = f"share{current.segment}"
    key = intend(
        tx,
        current,
        PostKind.RESULT,
        now=tools.clock.now(),
        name=name,
        channel=session.origin,
        file_ids=files,
        facts={"shared": "yes", "by": by},
    )
    row = tx.outbox.find(key)
    if row is not None and row.state is OutboxState.REFUSED:
        tx.outbox.save(replace(row, state=OutboxState.INTENT))
    return key
