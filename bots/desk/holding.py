"""Requests that wait for somebody: kept as the command that they stand for, and taken up by a button."""

from collections.abc import Mapping
from dataclasses import replace

from bots.desk.requests import Request, RequestKind
from bots.desk.tools import Call, Tools
from bots.parsing import Value
from bots.views.ask import failure_view
from core.workspaces.access import Denial
from core.workspaces.errors import NotAllowed


def as_command(call: Call, command: str) -> Request:
    """Return the request as the command that was understood, with its values."""
    return replace(call.request, kind=RequestKind.COMMAND, command=command, values=dict(call.values), text="")


async def release_own(tools: Tools, call: Call, values: Mapping[str, Value]) -> bool:
    """Go on with the asker's own held request, with *values* added; the button says which by its target.

    The answer goes to the button, whose address is the newest. Pressed twice, it goes on once.

    Raises:
        NotAllowed: If it is somebody else's.
    """
    held = await find(tools, call)
    if held is None:
        return False
    if held.actor.member_id != call.member.id:
        raise NotAllowed(Denial.NOT_ADDRESSEE)
    spot = call.request.spot
    # where it was asked stays; how to answer is the button's
    fresh = replace(held.spot, answer=spot.answer or held.spot.answer, is_private=spot.is_private)
    released = await tools.inbox.release(replace(held, values={**held.values, **values}, spot=fresh))
    if not released:
        await call.say(failure_view(None))
    return released


async def find(tools: Tools, call: Call) -> Request | None:
    """Return the held request that a button is about; where it does not wait any more, say so and return None."""
    found = await tools.inbox.find_held(call.request.target)
    if found is None or found[0].actor.workspace_id != call.workspace.id:
        await call.say(failure_view(None, code="choice_gone"))
        return None
    return found[0]
