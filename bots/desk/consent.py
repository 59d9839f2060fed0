"""Whose file it is decides: buttons that only one person can press."""

from dataclasses import replace

from bots.desk import holding
from bots.desk.requests import RequestKind
from bots.desk.tools import Call, Handlers, Tools
from bots.views.ask import failure_view, said
from core.workspaces.access import Denial
from core.workspaces.errors import NotAllowed

_WAITS = "consent:"


def handlers(tools: Tools) -> Handlers:
    """Return the two answers, and what the asker hears of a refusal."""

    async def allow(call: Call) -> None:
        held = await holding.find(tools, call)
        if held is None:
            return
        author = await _check_author(tools, call)
        if await tools.inbox.release(replace(held, consents=(*held.consents, author))):
            await call.say(said("Thank you. The editors may read it for this one session."))
        else:
            await call.say(failure_view(None))

    async def refuse(call: Call) -> None:
        held = await holding.find(tools, call)
        if held is None:
            return
        await _check_author(tools, call)
        refusal = replace(held, kind=RequestKind.PRESS, action="refused", argument=call.member.name)
        if await tools.inbox.release(refusal):
            await call.say(said("Refused. Nobody has read the file."))
        else:
            await call.say(failure_view(None))

    async def refused(call: Call) -> None:
        await tools.inbox.let_go(call.request)
        name = call.request.argument or "Its author"
        await call.say(said(f"{name} does not want the file to be used, so nothing was started or charged."))

    return Handlers(presses={"allow": allow, "refuse": refuse, "refused": refused})


async def _check_author(tools: Tools, call: Call) -> str:
    """Return the one whose leave is needed, if it is the one who pressed; raises `NotAllowed` for anybody else."""
    found = await tools.inbox.find_held(call.request.target)
    waits_for = found[1] if found is not None else ""
    if waits_for != f"{_WAITS}{call.member.external_id}":
        raise NotAllowed(Denial.NOT_ADDRESSEE)
    return call.member.external_id
