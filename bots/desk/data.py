"""What is kept about somebody: said, given to them, and removed; only ever their own, whoever asks."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from bots.desk.choosing import choose
from bots.desk.handing import send_made
from bots.desk.tools import Call, Handlers, Tools
from bots.views.ask import place_words, said
from bots.views.data import DELETE, EXPORT, about_view, export_view, removal_view
from bots.views.words import count
from core.billing.retention import days_of
from core.sessions.errors import NotPossibleNow, SessionNotFound
from core.sessions.model import ENDED, Session, Status
from core.sessions.ports import Transaction
from core.sessions.takeout import Takeout
from core.workspaces.access import Denial
from core.workspaces.errors import NotAllowed

_PAGE = 200
_YES = "yes"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def handlers(tools: Tools) -> Handlers:
    """Return what can be done with one's own data."""
    takeout = Takeout(store=tools.store, files=tools.files)
    return Handlers(
        commands={
            "data": partial(_about, tools),
            EXPORT: partial(_export, tools, takeout),
            DELETE: partial(_delete, tools),
        }
    )


async def _about(tools: Tools, call: Call) -> None:
    days = days_of(tools.prices, call.workspace, own_days=tools.own_retention_days)
    place = place_words(call.door.platform)
    await call.say(about_view(vendors=tools.vendors, retention_days=days, place=place))


async def _export(tools: Tools, takeout: Takeout, call: Call) -> None:
    """Send one part; the button below it asks for the next."""
    parcel = await takeout.pack(call.member, before=_moment(call.text("argument")))
    if not parcel.data:
        await call.say(said("There is no more of yours here."))
        return
    view = export_view(parcel, cursor=_cursor(parcel.next_before) if parcel.next_before is not None else "")
    name = f"atelier-{tools.clock.now():%Y-%m-%d}.zip"
    await send_made(tools, call, view, name=name, media_type="application/zip", data=parcel.data)


async def _delete(tools: Tools, call: Call) -> None:
    """Ask once, saying what goes and what stays; then remove what was there when the question was asked."""
    word, _, asked_at = call.text("argument").partition(":")
    if word == _YES:
        await _remove(tools, call, _moment(asked_at))
        return
    now = _cursor(tools.clock.now() + _MICROSECOND)
    if call.text("session"):
        session = await choose(tools, call, DELETE)
        if session is None:
            return
        _check_own(call, session)
        if not _is_over(session):
            raise NotPossibleNow("forget", session.status)
        if session.forgotten_at is not None:
            await call.say(said(f"The texts of {session.title} are gone already."))
            return
        await call.say(removal_view((session,), working=0, target=session.id, argument=f"{_YES}:{now}"))
        return
    own = await tools.store.read(lambda tx: _own(tx, call, None))
    if not own.removable:
        still = f" {count(own.working, 'session')} still work or wait; stop them first." if own.working else ""
        await call.say(said(f"There are no texts of yours here that could be removed.{still}"))
        return
    await call.say(removal_view(own.removable, working=own.working, target="", argument=f"{_YES}:{now}"))


async def _remove(tools: Tools, call: Call, before: datetime | None) -> None:
    """Remove the texts; one that was begun again meanwhile, or is gone, is passed over. A repeat goes on."""
    named = call.text("session")
    if named:
        session = await tools.store.read(lambda tx: tx.sessions.find(named))
        if session is None or session.workspace_id != call.workspace.id:
            raise SessionNotFound("")
        _check_own(call, session)
        chosen: tuple[Session, ...] = (session,)
    else:
        chosen = (await tools.store.read(lambda tx: _own(tx, call, before))).removable
    removed = 0
    for session in chosen:
        try:
            if session.status is Status.DRAFT:
                await tools.sessions.delete(session.id, actor=call.member.id)
            else:
                await tools.sessions.forget_texts(session.id, actor=call.member.id)
        except (NotPossibleNow, SessionNotFound):
            continue
        removed += 1
    if named and not removed:
        raise NotPossibleNow("forget", chosen[0].status)
    await call.say(said(f"The texts of {count(removed, 'session')} are removed; receipts stay."))


@dataclass(frozen=True, slots=True)
class _Own:
    """A member's own sessions: those whose texts can go, newest first, and how many still work or wait."""

    removable: tuple[Session, ...]
    working: int


def _own(tx: Transaction, call: Call, before: datetime | None) -> _Own:
    found: list[Session] = []
    at = before
    while True:
        page = tx.sessions.list_sessions(
            workspace_id=call.workspace.id, member_id=call.member.id, before=at, limit=_PAGE
        )
        found += page
        if len(page) < _PAGE:
            break
        at = page[-1].created_at
    removable = tuple(session for session in found if _is_over(session) and session.forgotten_at is None)
    return _Own(removable, sum(not _is_over(session) for session in found))


def _is_over(session: Session) -> bool:
    return session.status is Status.DRAFT or session.status in ENDED


def _check_own(call: Call, session: Session) -> None:
    """Raise `NotAllowed` unless the session is the asker's: an admin deletes a session, which is seen, or leaves it."""
    if session.member_id != call.member.id:
        raise NotAllowed(Denial.NOT_OWN)


def _cursor(moment: datetime) -> str:
    """Return a moment, to the microsecond, as a button can carry it."""
    return str((moment - _EPOCH) // _MICROSECOND)


def _moment(cursor: str) -> datetime | None:
    return _EPOCH + int(cursor) * _MICROSECOND if cursor.isdigit() else None
