"""Which session is meant: the one that is named, that of this thread, the asker's only open one here, or a choice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bots.commands import Place
from bots.desk.holding import as_command, release_own
from bots.desk.threads import find_session
from bots.desk.tools import Call, Handlers, Tools
from bots.views.ask import chooser_view
from bots.views.pager import page_of
from core.sessions.errors import SessionNotFound
from core.sessions.model import ENDED, LIVE, Session, Status
from core.sessions.ports import Transaction
from core.workspaces.access import control_denial, may_read

_OVER = frozenset({Status.COMPLETED, Status.STOPPED, Status.FAILED})
FITS: dict[str, frozenset[Status]] = {
    "start": frozenset({Status.DRAFT}),
    "pause": frozenset({Status.QUEUED, Status.RUNNING, Status.WAITING}),
    "resume": frozenset({Status.PAUSED, Status.PAUSING, Status.WAITING}),
    "stop": frozenset({Status.DRAFT, Status.FAILED}) | LIVE,
    "retry": frozenset({Status.FAILED}),
    "more": _OVER,
    "continue": _OVER,
    "steer": LIVE,
    "mute": LIVE,
    "delete": frozenset({Status.DRAFT}) | ENDED,
    "data-delete": frozenset({Status.DRAFT}) | ENDED,
}
_EXTENDS = frozenset({"more", "continue"})  # a press spends: its price is named before
_CANDIDATES = 50
_CHOICES = 5


@dataclass(frozen=True, slots=True)
class Several:
    """More than one session may be meant; newest first, at least one."""

    sessions: tuple[Session, ...]


def pick(verb: str, *, here: Session | None, mine: Iterable[Session]) -> Session | Several | None:
    """Return the session that *verb* is about, a choice, or None where there is none.

    Args:
        verb: The command; it fits only sessions in some states.
        here: The session of the thread in which it was asked, whatever its state.
        mine: The asker's sessions of this channel, newest first.
    """
    if here is not None:
        return here
    fitting = [session for session in mine if session.status in FITS.get(verb, frozenset(Status))]
    open_ones = [session for session in fitting if session.status not in ENDED]
    if len(open_ones) == 1:
        return open_ones[0]
    found = open_ones or fitting
    return Several(tuple(found)) if found else None


def find_named(name: str, sessions: Iterable[Session]) -> Session | Several | None:
    """Return the session with this id or title, or those whose title begins so."""
    wanted = name.strip().casefold()
    known = list(sessions)
    exact = [session for session in known if wanted in {session.id.casefold(), session.title.casefold()}]
    found = exact or [session for session in known if wanted and session.title.casefold().startswith(wanted)]
    if not found:
        return None
    return found[0] if len(found) == 1 else Several(tuple(found))


def can_see(call: Call, session: Session) -> bool:
    """Return whether the asker may read a session from where they ask; never one of another workspace."""
    return session.workspace_id == call.workspace.id and may_read(
        starter_id=session.member_id,
        is_private=bool(session.origin),
        session_channel=session.thread.channel,
        member_id=call.member.id,
        channel=call.channel,
    )


def can_control(call: Call, session: Session) -> bool:
    """Return whether the asker may change a session, wherever they ask."""
    return (
        session.workspace_id == call.workspace.id
        and control_denial(session.member_id, call.member, call.person.standing) is None
    )


async def choose(tools: Tools, call: Call, verb: str, *, controls: bool = False) -> Session | None:
    """Return the session that is meant, None where the asker was given a choice instead.

    Args:
        tools: What the desk works with.
        call: The request; its value ``session`` names one.
        verb: The command.
        controls: Whether it is enough that somebody may change the session: an admin need not see it.

    Raises:
        SessionNotFound: If there is none that the asker may see; one of another workspace is never found.
    """
    name = call.text("session")
    if name:
        session = await tools.store.read(lambda tx: tx.sessions.find(name))
        if session is not None and (can_see(call, session) or (controls and can_control(call, session))):
            return session
        found = find_named(name, await visible_sessions(tools, call))
    else:
        thread_session = await find_session(tools, call.request.spot.thread)
        here = thread_session if thread_session is not None and can_see(call, thread_session) else None
        found = pick(verb, here=here, mine=await own_sessions(tools, call))
    if isinstance(found, Several):
        await _ask(tools, call, verb, found.sessions, 0)
        return None
    if found is None:
        raise SessionNotFound(name)
    return found


async def own_sessions(tools: Tools, call: Call, *, limit: int = _CANDIDATES) -> Sequence[Session]:
    """Return the asker's sessions of this channel, newest first; in a conversation with the app, all of them."""
    channel = None if call.request.spot.place is Place.DIRECT else call.channel

    def read(tx: Transaction) -> Sequence[Session]:
        return tx.sessions.list_sessions(
            workspace_id=call.workspace.id, member_id=call.member.id, channel=channel, limit=limit
        )

    return await tools.store.read(read)


async def visible_sessions(tools: Tools, call: Call) -> Sequence[Session]:
    """Return the sessions that the asker may read from here: their own and those of this channel, newest first."""

    def read(tx: Transaction) -> list[Session]:
        workspace = call.workspace.id
        mine = tx.sessions.list_sessions(workspace_id=workspace, member_id=call.member.id, limit=_CANDIDATES)
        here = tx.sessions.list_sessions(workspace_id=workspace, channel=call.channel, limit=_CANDIDATES)
        both = {session.id: session for session in (*mine, *here)}
        return sorted(both.values(), key=lambda session: session.created_at, reverse=True)

    return [session for session in await tools.store.read(read) if can_see(call, session)]


def handlers(tools: Tools) -> Handlers:
    """Return the buttons of a choice."""

    async def chosen(call: Call) -> None:
        await release_own(tools, call, {"session": call.request.argument})

    async def turn(call: Call) -> None:
        held = await tools.inbox.find_held(call.request.target)
        if held is None or held[0].actor.member_id != call.member.id:
            await release_own(tools, call, {})
            return
        asked = held[0]
        fitting = [
            session
            for session in await own_sessions(tools, replace(call, request=asked))
            if session.status in FITS.get(asked.command, frozenset(Status))
        ]
        await _show(tools, call, asked.command, fitting, asked.id, page=int(call.request.argument or 0))

    return Handlers(presses={"pick": chosen, "choose": turn})


async def _ask(tools: Tools, call: Call, verb: str, sessions: Sequence[Session], page: int) -> None:
    """Keep the request until somebody pressed one of the sessions."""
    held = as_command(call, verb)
    await tools.inbox.hold(held, waits_for=f"choice:{call.member.external_id}")
    await _show(tools, call, verb, sessions, held.id, page=page)


async def _show(
    tools: Tools, call: Call, verb: str, sessions: Sequence[Session], request_id: str, *, page: int
) -> None:
    shown, pages = page_of(sessions, page, _CHOICES)
    priced = {one.id: await tools.next_price(one) for one in shown} if verb in _EXTENDS else {}
    await call.say(chooser_view(verb, shown, request_id, page=page, pages=pages, prices=priced))
