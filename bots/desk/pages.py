"""Everything that was said in a session, and each charge for it, privately, a page at a time."""

from bots.desk.choosing import choose
from bots.desk.tools import Call, Handlers, Tools
from bots.views.pages import comments_page, exchange_page
from bots.views.receipt import RECEIPT, receipt_post
from core.orchestration.ports import Snapshot


def handlers(tools: Tools) -> Handlers:
    """Return the readings: comments, the whole exchange, the whole receipt."""

    async def comments(call: Call) -> None:
        snapshot = await _snapshot(tools, call)
        if snapshot is not None:
            number, page = place_in(call.request.argument)
            await call.say(comments_page(snapshot, number, page))

    async def exchange(call: Call) -> None:
        snapshot = await _snapshot(tools, call)
        if snapshot is not None:
            number, page = place_in(call.request.argument)
            last = max((item.number for item in snapshot.rounds), default=0)
            await call.say(exchange_page(snapshot, last if number is None else number, page))

    async def receipt(call: Call) -> None:
        snapshot = await _snapshot(tools, call)
        if snapshot is not None:
            await call.say(receipt_post(snapshot, is_whole=True))

    return Handlers(presses={"comments": comments, "exchange": exchange, RECEIPT: receipt})


def place_in(argument: str) -> tuple[int | None, int]:
    """Return round and page of ``2``, ``2:1`` or ``all:1``; None for all rounds."""
    number, _, page = argument.partition(":")
    return int(number) if number.isdigit() else None, int(page) if page.isdigit() else 0


async def _snapshot(tools: Tools, call: Call) -> Snapshot | None:
    named = Call(call.request, call.person, call.door, values={"session": call.request.target})
    session = await choose(tools, named, "status")
    return None if session is None else await tools.snapshot(session.id)
