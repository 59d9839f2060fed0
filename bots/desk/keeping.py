"""What people do to sessions as things that are kept: rename, mark as a favourite, delete."""

from dataclasses import replace
from functools import partial

from bots.desk.forms import Form
from bots.desk.starting import discard
from bots.desk.tools import Call, Handlers, Tools
from bots.desk.verbs import controlled, named_form, tell_state
from bots.views.ask import delete_view, said
from core.sessions.errors import NotPossibleNow, SessionNotFound
from core.sessions.model import LIVE, Status


def handlers(tools: Tools) -> Handlers:
    """Return the verbs."""

    async def rename_form(call: Call) -> Form | None:
        if call.text("title"):
            return None
        return named_form(call, "rename", "Rename the session", "Rename session", "The new title")

    return Handlers(
        commands={
            "rename": partial(_rename, tools),
            "star": partial(_star, tools),
            "delete": partial(_delete, tools),
        },
        presses={"discard": partial(_discard, tools)},
        forms={"rename": rename_form},
    )


async def _rename(tools: Tools, call: Call) -> None:
    session = await controlled(tools, call, "rename")
    if session is not None:
        renamed = await tools.sessions.rename(session.id, call.text("title"), actor=call.member.id)
        await call.say(said(f"Renamed to {renamed.title}."))
        await tools.refresh(session.id)


async def _star(tools: Tools, call: Call) -> None:
    session = await controlled(tools, call, "star")
    if session is None:
        return
    if await tools.once("star", call.request.id):
        session = await tools.sessions.star(session.id, starred=not session.starred, actor=call.member.id)
    state = "is a favourite now" if session.starred else "is no favourite any more"
    await call.say(said(f"{session.title} {state}."))


async def _discard(tools: Tools, call: Call) -> None:
    session = await controlled(tools, replace(call, values={"session": call.request.target}), "stop")
    if session is None:
        return
    if session.status is Status.DRAFT:
        await discard(tools, call, session)
    else:
        await tell_state(tools, call, session)


async def _delete(tools: Tools, call: Call) -> None:
    """Ask once, then delete; a session that is gone already is a deleted one."""
    confirmed = call.text("argument") == "yes"
    try:
        session = await controlled(tools, call, "delete")
    except SessionNotFound:
        if not confirmed:
            raise
        await call.say(said("It is deleted."))
        return
    if session is None:
        return
    if not confirmed:
        if session.status in LIVE:
            raise NotPossibleNow("delete", session.status)
        await call.say(delete_view(session))
        return
    await tools.sessions.delete(session.id, actor=call.member.id)
    await call.say(said(f"{session.title} is deleted; its receipt stays."))
