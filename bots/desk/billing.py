"""Billing, as people see it: the card, the ledger, the plans, who may buy; see `bots.desk.buying` for what costs money."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

from bots.desk import buying
from bots.desk.choosing import find_named, visible_sessions
from bots.desk.counter import Counter, guarded
from bots.desk.forms import MOST_CHOICES, Field, FieldKind, Form
from bots.desk.handing import send_made
from bots.desk.notices import DeskNotices
from bots.desk.people import identify
from bots.desk.reading import is_session_id
from bots.desk.requests import Actor, RequestKind
from bots.desk.threads import find_session
from bots.desk.tools import Call, Handlers, Part, Tools
from bots.views.ask import said
from bots.views.billing import card_view, history_view, plans_view, usage_view
from bots.views.buying import buyers_view, cancel_what_view
from core.billing.errors import NothingSold
from core.billing.overview import BillingReader
from core.billing.service import BillingService
from core.orchestration.ports import PostRefused
from core.sessions.errors import BadRequest
from core.sessions.model import Session
from core.sessions.ports import AuditEntry, Transaction
from core.workspaces.access import Denial, configure_denial, refuse
from core.workspaces.errors import NotAllowed
from core.workspaces.model import Member

_ENTRIES_A_PAGE = 10
_MENTION = re.compile(r"<@!?(?P<id>\w+)(?:\|[^>]*)?>")
_EXTERNAL_ID = re.compile(r"[UW][A-Z0-9]{5,}|\d{15,20}")


def billing_part(
    reader: BillingReader,
    service: BillingService | None = None,
    *,
    welcome: Callable[[str], Awaitable[object]] | None = None,
) -> Part:
    """Return the part of the desk that is about money.

    Args:
        reader: What can be seen of it.
        service: What can be done about it; None where nothing is sold: then there is one line about use, in dollars.
        welcome: Gives a workspace that is new here its free month; `core.billing.monthly.Monthly.welcome`.
    """

    def part(tools: Tools) -> Handlers:
        if welcome is not None:
            tools.greetings.append(welcome)
        notices = DeskNotices(store=tools.store, doors=tools.doors, prices=tools.prices, clock=tools.clock)
        return _handlers(Counter(tools, reader, notices, service))

    return part


def _handlers(counter: Counter) -> Handlers:
    async def billing(call: Call) -> None:
        overview, reader = await counter.card(call)
        await call.say(card_view(overview, reader) if counter.service is not None else usage_view(overview, reader))

    async def history(call: Call) -> None:
        await _history(counter, call)

    async def plans(call: Call) -> None:
        if not counter.need_service().is_open:
            raise NothingSold("nothing can be bought here")
        overview = await counter.reader.overview(call.workspace.id)
        live = overview.subscription
        view = plans_view(
            await counter.reader.plans(call.workspace.id),
            may_buy=await counter.may_buy(call),
            has_subscription=live is not None and live.cancel_at is None,
            buyers=await counter.buyers_words(call),
        )
        await call.say(view)

    async def buyers(call: Call) -> None:
        await _buyers(counter, call)

    async def buyers_form(call: Call) -> Form | None:
        return await _buyers_form(counter, call)

    async def cancel(call: Call) -> None:
        await _cancel_what(counter, call)

    more = buying.handlers(counter)
    return Handlers(
        commands={
            "billing": guarded(billing),
            "billing-history": guarded(history),
            "billing-plans": guarded(plans),
            "billing-buyers": guarded(buyers),
            "cancel": cancel,
            **more.commands,
        },
        presses=more.presses,
        forms={"billing-buyers": buyers_form},
        ways=more.ways,
    )


async def _history(counter: Counter, call: Call) -> None:
    argument = call.text("argument")
    workspace = call.workspace.id
    if argument == "csv":
        text = await counter.reader.history_csv(workspace, unit=counter.tools.unit)
        name = f"{'credits' if counter.tools.sells else 'use'}-{counter.tools.clock.now():%Y-%m-%d}.csv"
        view = said(f"Everything that came and went is in {name}, oldest first.")
        await send_made(counter.tools, call, view, name=name, media_type="text/csv", data=text.encode())
        return
    before = int(argument) if argument.isdigit() else None
    page = await counter.reader.history(workspace, before=before, limit=_ENTRIES_A_PAGE)
    await call.say(history_view(page, unit=counter.tools.unit, is_first=before is None))


async def _cancel_what(counter: Counter, call: Call) -> None:
    """Ask what somebody means who only said cancel; the session that they may mean goes with the question."""
    name = call.text("session")
    found = await find_session(counter.tools, call.request.spot.thread) if not name else None
    if name and not is_session_id(name):
        named = find_named(name, await visible_sessions(counter.tools, call))
        found = named if isinstance(named, Session) else None
    session_id = found.id if found is not None else name if is_session_id(name) else ""
    await call.say(cancel_what_view(session_id, sells=counter.service is not None))


async def _buyers(counter: Counter, call: Call) -> None:
    """Show who may buy; an admin may change it."""
    counter.need_service()
    removed = call.text("session") if call.text("argument") == "remove" else call.text("remove")
    added = call.text("add")
    told = []
    if added or removed:
        refuse(configure_denial(call.member, call.person.standing))
    for name, is_buyer in ((added, True), (removed, False)):
        if name:
            member = await _set_buyer(counter.tools, call, name, is_buyer=is_buyer)
            told.append(f"{member.name} may {'buy from now on' if is_buyer else 'not buy any more'}.")
    view = buyers_view(
        await counter.buyers(call.workspace.id),
        may_name=configure_denial(call.member, call.person.standing) is None,
        told=" ".join(told),
    )
    await call.say(view)


async def _buyers_form(counter: Counter, call: Call) -> Form | None:
    """Return the form that names a buyer: a choice of those who are known here, or a name."""
    if call.request.kind is not RequestKind.PRESS or call.request.argument or counter.service is None:
        return None
    refuse(configure_denial(call.member, call.person.standing))
    members = await counter.tools.store.read(lambda tx: tx.workspaces.list_members(call.workspace.id))
    others = [member for member in members if not member.is_buyer and not member.is_blocked]
    choices = tuple((member.external_id, member.name) for member in others[-MOST_CHOICES:])
    entry = Field(
        "add",
        "Who may buy from now on",
        FieldKind.CHOICE if choices else FieldKind.LINE,
        choices=choices,
        required=True,
        help="Members who used Atelier before; name others with billing buyers --add",
        max_length=None if choices else 100,
    )
    return Form("billing-buyers", "Name a buyer", "Name buyer", (entry,))


async def _set_buyer(tools: Tools, call: Call, name: str, *, is_buyer: bool) -> Member:
    member = await _find_member(tools, call, name)

    def work(tx: Transaction) -> Member:
        current = replace(tx.workspaces.lock_member(member.id) or member, is_buyer=is_buyer)
        tx.workspaces.save_member(current)
        action = "buyer_named" if is_buyer else "buyer_removed"
        tx.audit.add(AuditEntry(tools.clock.now(), call.member.id, action, call.workspace.id, current.id))
        return current

    return await tools.store.write(work)


async def _find_member(tools: Tools, call: Call, name: str) -> Member:
    """Return the member who is meant by an id, a mention or a name; raises `BadRequest` if nobody is, or several."""
    mention = _MENTION.fullmatch(name.strip())
    wanted = mention["id"] if mention else name.strip().removeprefix("@")
    members = await tools.store.read(lambda tx: tx.workspaces.list_members(call.workspace.id))
    found = [item for item in members if wanted in {item.id, item.external_id}]
    found = found or [item for item in members if item.name.casefold() == wanted.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise BadRequest("member", f"Several people here are called {wanted!r}; mention the one you mean.")
    if not _EXTERNAL_ID.fullmatch(wanted):
        raise BadRequest(
            "member", f"Nobody who used Atelier here is called {wanted!r}; mention them, or ask them to say hello."
        )
    return await _meet(tools, call, wanted)


async def _meet(tools: Tools, call: Call, external_id: str) -> Member:
    """Return somebody whom only the platform knows, recorded."""
    actor = Actor(call.workspace.id, external_id)
    try:
        standing = await call.door.standing(actor)
    except PostRefused as error:
        raise BadRequest("member", f"Nobody here has the id {external_id!r}.") from error
    if standing.is_bot:
        raise NotAllowed(Denial.BOT)
    return (await identify(tools, actor, standing)).member
