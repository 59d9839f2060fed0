"""What people say in a session's thread: directions while it works, one question after its end, else nothing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bots.desk.choosing import choose
from bots.desk.door import Door, Mark
from bots.desk.forms import Form, text_form
from bots.desk.requests import Request, RequestKind
from bots.desk.threads import find_session
from bots.desk.tools import Call, Handlers, Person, Tools
from bots.views.ask import offer_view, said
from core.sessions.errors import NotPossibleNow, SessionNotFound, TextsForgotten
from core.sessions.model import LIVE, Guidance, Session
from core.sessions.ports import Transaction
from core.workspaces.access import control_denial, refuse, steer_denial

ASIDE = "//"
FindPerson = Callable[[Request], Awaitable[Person]]


def handlers(tools: Tools) -> Handlers:
    """Return directions, questions and the muting of both."""

    async def steer(call: Call) -> None:
        await _steer(tools, call)

    async def mute(call: Call) -> None:
        await _mute_last(tools, call)

    async def answer(call: Call) -> None:
        await call.say(said("Answer by a reply in the session's thread, or with the command `steer`."))

    async def steer_form(call: Call) -> Form | None:
        given = call.text("text")
        return None if given else _direction_form(call)

    async def answer_form(call: Call) -> Form | None:
        return await _answer_form(tools, call)

    return Handlers(
        commands={"steer": steer, "mute": mute},
        presses={"answer": answer},
        forms={"steer": steer_form, "answer": answer_form},
    )


async def hear(tools: Tools, request: Request, door: Door, find_person: FindPerson) -> None:
    """Take what was said, changed or taken back in a session's thread without naming the app."""
    session = await find_session(tools, request.spot.thread)
    if session is None or session.workspace_id != request.actor.workspace_id:
        return
    message_id = request.spot.message_id
    if request.kind is RequestKind.DELETED:
        await tools.sessions.retract(session.id, message_id=message_id, member_id=request.actor.member_id)
        return
    person = await find_person(request)
    call = Call(request, person, door)
    if request.kind is RequestKind.EDITED:
        if session.status in LIVE:
            await _edited(tools, call, session)
    elif session.status in LIVE:
        if steer_denial(person.workspace, person.member, person.standing) is None:
            await _take(tools, call, session, request.text)
    elif control_denial(session.member_id, person.member, person.standing) is None:
        await _offer(tools, call, session)


async def told(tools: Tools, call: Call, session: Session) -> None:
    """Take words to the app in a session's thread: directions while it works, else one question."""
    if session.workspace_id != call.workspace.id:
        raise SessionNotFound(session.id)
    if session.status in LIVE:
        refuse(steer_denial(call.workspace, call.member, call.person.standing))
        await _take(tools, call, session, call.request.text)
        if call.request.files:
            await call.say(
                said("Your words are taken. Files cannot join a session that works: start another with them.")
            )
        return
    refuse(control_denial(session.member_id, call.member, call.person.standing))
    if session.forgotten_at is not None:
        raise TextsForgotten(session.id)
    if session.notes_only:
        await call.say(said(f"{session.title} was comments only, so there is no text of ours to continue. Start anew."))
        return
    await _offer(tools, call, session)


async def _take(tools: Tools, call: Call, session: Session, text: str) -> None:
    """Record a message as guidance; one that begins with `ASIDE` is recorded as taken out, without its words."""
    if not text.strip():
        return
    try:
        taken = await tools.sessions.guide(
            session.id,
            member_id=call.member.id,
            message_id=call.request.spot.message_id or call.request.id,
            text=_for_the_room(text),
        )
    except NotPossibleNow:  # it ended this very moment
        await _offer(tools, call, session)
        return
    if not taken.muted:  # its deletion, or an edit, may have come before it
        await call.door.mark(call.request.spot, Mark.TAKEN)


async def _edited(tools: Tools, call: Call, session: Session) -> None:
    """Let the new words of a message take the place of the old ones, and remember them for one that comes later.

    What was taken out for good stays out, and of a message that is never heard nothing counts.
    """
    text = _for_the_room(call.request.text)
    if text and steer_denial(call.workspace, call.member, call.person.standing) is not None:
        return
    try:
        taken = await tools.sessions.guide(
            session.id,
            member_id=call.member.id,
            message_id=call.request.spot.message_id,
            text=text,
            revision=call.request.revision or tools.clock.now().isoformat(),
            is_heard=False,
        )
    except NotPossibleNow:
        return
    if taken.is_heard and taken.member_id == call.member.id:
        await call.door.mark(call.request.spot, Mark.TAKEN, on=not taken.muted)


def _for_the_room(text: str) -> str:
    """Return the words that are for the room, empty for an aside."""
    return "" if text.lstrip().startswith(ASIDE) else text.strip()


async def _offer(tools: Tools, call: Call, session: Session) -> None:
    """Ask once a member and end whether to go on; nothing is taken or spent before they say so."""
    text = call.request.text.strip()
    if session.notes_only or session.forgotten_at is not None or not text or text.startswith(ASIDE):
        return
    if not await tools.once("offer", session.id, str(session.segment), call.member.id):
        return
    await tools.inbox.hold(call.request, waits_for=f"go:{session.id}")
    await call.say(offer_view(session, call.request.id, text, price=await tools.next_price(session)))


async def _steer(tools: Tools, call: Call) -> None:
    """Give directions by a command, a form, or the answer to a question."""
    session = await choose(tools, call, "steer")
    if session is None:
        return
    refuse(steer_denial(call.workspace, call.member, call.person.standing))
    question = await _question(tools, session.id, call.text("question"))
    text = call.text("text")
    await tools.sessions.guide(
        session.id,
        member_id=call.member.id,
        message_id=call.request.id,
        text=f'You asked: "{question}" The answer: {text}' if question else text,
    )
    await call.say(said(f"Taken for what comes next in {session.title}."))
    if question:
        await tools.refresh(session.id, round_number=int(call.text("question").partition(":")[0]))


async def _mute_last(tools: Tools, call: Call) -> None:
    session = await choose(tools, call, "mute")
    if session is None:
        return
    mine = [item for item in await _list_guidance(tools, session.id) if item.member_id == call.member.id]
    last = next((item for item in reversed(mine) if not item.muted), None)
    if last is None:
        await call.say(said("There are no directions of yours to take out."))
        return
    await tools.sessions.mute(session.id, message_id=last.id)
    if last.id != call.request.id and not last.id.startswith("q_"):
        await _unmark(call, session, last)
    await call.say(said("Taken out: your last directions do not count any more."))


async def _unmark(call: Call, session: Session, guidance: Guidance) -> None:
    spot = replace(call.request.spot, thread=session.thread, message_id=guidance.id)
    await call.door.mark(spot, Mark.TAKEN, on=False)
    await call.door.mark(spot, Mark.MUTED)


def _direction_form(call: Call) -> Form:
    session_id = call.text("session")
    kept = {"session": session_id} if session_id else {}
    return text_form("steer", "Steer the session", "Send directions", "What to do differently", kept=kept)


async def _answer_form(tools: Tools, call: Call) -> Form | None:
    session_id, place = call.request.target, call.request.argument
    question = await _question(tools, session_id, place, workspace_id=call.workspace.id)
    if not question:
        return None
    kept = {"session": session_id, "question": place}
    return text_form("steer", "Answer the editors", "Send answer", "Your answer", kept=kept, intro=question)


async def _question(tools: Tools, session_id: str, place: str, *, workspace_id: str = "") -> str:
    """Return the question at ``round:number``, empty where there is none (any more)."""
    number, _, index = place.partition(":")
    if not number.isdigit() or not index.isdigit():
        return ""

    def read(tx: Transaction) -> str:
        session = tx.sessions.find(session_id)
        if session is None or (workspace_id and session.workspace_id != workspace_id):
            return ""
        questions = next(
            (item.questions for item in tx.sessions.list_rounds(session_id) if item.number == int(number)), ()
        )
        return questions[int(index)] if int(index) < len(questions) else ""

    return await tools.store.read(read)


async def _list_guidance(tools: Tools, session_id: str) -> list[Guidance]:
    return list(await tools.store.read(lambda tx: tx.sessions.list_guidance(session_id)))
