"""What people do to sessions that work, or shall: start, pause, resume, stop, retry, one more round, continue."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from bots.desk import holding
from bots.desk.choosing import choose
from bots.desk.forms import Form, text_form
from bots.desk.requests import RequestKind
from bots.desk.starting import begin, discard
from bots.desk.tools import Call, Handlers, Tools
from bots.views.ask import failure_view, said
from bots.views.words import lower_first, state_line
from core.sessions.errors import NotPossibleNow
from core.sessions.model import LIVE, WORKING, Session, Status
from core.workspaces.access import Denial, control_denial, refuse
from core.workspaces.errors import NotAllowed

Act = Callable[[Session], Awaitable[Session]]
_DONE_WHEN = {"retry": WORKING, "more": WORKING, "continue": WORKING}


def handlers(tools: Tools) -> Handlers:
    """Return the verbs."""
    verbs = {
        "start": _start,
        "pause": _pause,
        "resume": _resume,
        "stop": _stop,
        "retry": _retry,
        "more": _more,
        "continue": _continue,
    }

    async def continue_form(call: Call) -> Form | None:
        if call.text("text"):
            return None
        session = await tools.store.read(lambda tx: tx.sessions.find(call.text("session")))
        is_own = session is not None and session.workspace_id == call.workspace.id
        price = await tools.next_price(session) if session is not None and is_own else ""
        return named_form(call, "continue", "Continue the session", "Continue session", "What to do next", intro=price)

    return Handlers(
        commands={name: partial(verb, tools) for name, verb in verbs.items()},
        presses={"go": partial(_go, tools)},
        forms={"continue": continue_form},
    )


async def _start(tools: Tools, call: Call) -> None:
    session = await controlled(tools, call, "start")
    if session is None:
        return
    if session.status in LIVE:
        await tell_state(tools, call, session)
        return
    if session.status is not Status.DRAFT:
        raise NotPossibleNow("start", session.status)
    await begin(tools, call, session, asks=False)


async def _pause(tools: Tools, call: Call) -> None:
    await _perform(tools, call, "pause", lambda session: tools.sessions.pause(session.id, actor=call.member.id))


async def _resume(tools: Tools, call: Call) -> None:
    await _perform(tools, call, "resume", lambda session: tools.sessions.resume(session.id, actor=call.member.id))


async def _stop(tools: Tools, call: Call) -> None:
    session = await controlled(tools, call, "stop")
    if session is not None and session.status is Status.DRAFT:
        await discard(tools, call, session)
    elif session is not None:
        await _act(tools, call, session, lambda one: tools.sessions.stop(one.id, actor=call.member.id))


async def _retry(tools: Tools, call: Call) -> None:
    key = call.request.id
    await _perform(tools, call, "retry", lambda one: tools.sessions.retry(one.id, actor=call.member.id, key=key))


async def _more(tools: Tools, call: Call) -> None:
    key = call.request.id
    await _perform(
        tools, call, "more", lambda one: tools.sessions.one_more_round(one.id, actor=call.member.id, key=key)
    )


async def _continue(tools: Tools, call: Call) -> None:
    text, key = call.text("text"), call.request.id

    def act(session: Session) -> Awaitable[Session]:
        return tools.sessions.continue_(session.id, actor=call.member.id, guidance=text, key=key)

    await _perform(tools, call, "continue", act)


async def controlled(tools: Tools, call: Call, verb: str) -> Session | None:
    """Return the session that is meant, if the asker may change it; raises `NotAllowed`."""
    session = await choose(tools, call, verb, controls=True)
    if session is not None:
        refuse(control_denial(session.member_id, call.member, call.person.standing))
    return session


async def _perform(tools: Tools, call: Call, verb: str, act: Act) -> None:
    session = await controlled(tools, call, verb)
    if session is not None:
        await _act(tools, call, session, act, done_when=_DONE_WHEN.get(verb, frozenset()))


async def _act(
    tools: Tools, call: Call, session: Session, act: Act, *, done_when: frozenset[Status] = frozenset()
) -> None:
    """Do it, say where the session stands then, and bring its card up to date.

    Args:
        tools: What the desk works with.
        call: Who asks.
        session: What it is done to.
        act: The verb.
        done_when: States in which it was done already, by a first press or by somebody else: that is an answer too.
    """
    try:
        await act(session)
    except NotPossibleNow as error:
        if error.status not in done_when:
            raise
    await tell_state(tools, call, session)
    await tools.refresh(session.id)


async def tell_state(tools: Tools, call: Call, session: Session) -> None:
    """Say where a session stands."""
    snapshot = await tools.snapshot(session.id)
    await call.say(said(f"{snapshot.session.title}: {lower_first(state_line(snapshot))}."))


async def _go(tools: Tools, call: Call) -> None:
    """Continue an ended session with what its reader said in the thread."""
    held = await holding.find(tools, call)
    if held is None:
        return
    if held.actor.member_id != call.member.id:
        raise NotAllowed(Denial.NOT_ADDRESSEE)
    found = await tools.inbox.find_held(held.id)
    session_id = found[1].removeprefix("go:") if found is not None else ""
    spot = replace(held.spot, answer=call.request.spot.answer or held.spot.answer)
    command = replace(
        held, kind=RequestKind.COMMAND, command="continue", values={"session": session_id, "text": held.text}, spot=spot
    )
    if not await tools.inbox.release(command):
        await call.say(failure_view(None))


def named_form(call: Call, command: str, title: str, submit: str, label: str, *, intro: str = "") -> Form:
    """Return the form of a command about one session, which it keeps where a button named it."""
    session_id = call.text("session")
    return text_form(command, title, submit, label, kept={"session": session_id} if session_id else {}, intro=intro)
