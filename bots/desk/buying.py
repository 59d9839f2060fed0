"""What costs money, or leads to it: links for one person's eyes, the subscription's end, and asking those who may."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from bots.desk.counter import Counter, buyer_of, guarded
from bots.desk.threads import find_session
from bots.desk.tools import Call, Handler, Handlers
from bots.views.buying import (
    asked_view,
    cancel_view,
    cancelled_view,
    invoice_view,
    invoices_view,
    pay_view,
    portal_view,
    reactivated_view,
    refused_view,
    synced_view,
    tier_buttons,
    unasked_view,
    wall_buttons,
)
from bots.views.elements import Button
from core.billing.buyers import Link
from core.billing.errors import NoSubscription, NotABuyer
from core.billing.model import Subscription
from core.credits.entitlements import get_tier
from core.credits.errors import InsufficientCredits, NotEntitled
from core.errors import TransientError, UserFacingError
from core.sessions.model import Status

_TIER = "tier:"
_INVOICES = 6  # as many as fit into one message of every platform; the portal has them all
Act = Callable[[Counter, Call], Awaitable[None]]


def handlers(counter: Counter) -> Handlers:
    """Return the verbs, and the ways out of what stops people who lack credits or a plan."""

    def part(act: Act, *, is_for_starters: bool = False) -> Handler:
        async def told(call: Call) -> None:
            try:
                await act(counter, call)
            except NotABuyer as error:
                await _refuse(counter, call, error)

        return guarded(told, is_for_starters=is_for_starters)

    return Handlers(
        commands={
            "billing-buy": part(_buy),
            "billing-upgrade": part(_upgrade),
            "billing-portal": part(_portal),
            "billing-invoices": part(_invoices),
            "billing-cancel": part(_cancel),
            "billing-reactivate": part(_reactivate),
            "billing-sync": part(_sync),
        },
        presses={
            "buy-again": part(_again),
            "invoice": part(_invoice),
            "add-credits": part(_add, is_for_starters=True),
            "ask-admin": part(_ask, is_for_starters=True),
        },
        ways=partial(_ways, counter),
    )


async def _buy(counter: Counter, call: Call) -> None:
    session = await counter.session(call, _session_id(call))
    quantity = call.integer("packs") or 1
    link = await counter.need_service().buy(
        buyer_of(call), quantity=quantity, session_id=session.id if session is not None else ""
    )
    await _show_page(counter, call, link, quantity=quantity)


async def _upgrade(counter: Counter, call: Call) -> None:
    await _take_plan(counter, call, call.text("plan") or call.text("argument"))


async def _again(counter: Counter, call: Call) -> None:
    """Open a page for the same thing as before: the button carries what it was."""
    product = await counter.product(call.workspace.id, call.request.argument)
    if product.is_plan:
        await _take_plan(counter, call, product.key)
    else:
        await _buy(counter, call)


async def _take_plan(counter: Counter, call: Call, tier: str) -> None:
    session = await counter.session(call, _session_id(call))
    session_id = session.id if session is not None else ""
    link = await counter.need_service().upgrade(buyer_of(call), tier, session_id=session_id)
    await _show_page(counter, call, link, quantity=1)


async def _show_page(counter: Counter, call: Call, link: Link, *, quantity: int) -> None:
    """Show a page to its asker alone; the page of a pack ends, the one that confirms a change of plan has no end."""
    product = await counter.product(call.workspace.id, link.product)
    is_change = product.is_plan and link.expires_at is None
    await call.say(pay_view(link, product, quantity=quantity, is_change=is_change))


async def _portal(counter: Counter, call: Call) -> None:
    await call.say(portal_view(await counter.need_service().portal(buyer_of(call))))


async def _invoices(counter: Counter, call: Call) -> None:
    await call.say(invoices_view(await counter.need_service().invoices(buyer_of(call), limit=_INVOICES)))


async def _invoice(counter: Counter, call: Call) -> None:
    await call.say(invoice_view(await counter.need_service().invoice_link(buyer_of(call), call.request.target)))


async def _cancel(counter: Counter, call: Call) -> None:
    """Ask once, then let the subscription end with its period; one that is cancelled already is told as it is."""
    service = await counter.check_buyer(call)
    live = await _subscription(counter, call)
    name = _name(counter, live)
    if live.cancel_at is not None:
        await call.say(cancelled_view(live, name))
    elif call.text("argument") != "yes":
        await call.say(cancel_view(live, name, platform=call.door.platform))
    else:
        await call.say(cancelled_view(await service.cancel(buyer_of(call)), name))


async def _reactivate(counter: Counter, call: Call) -> None:
    service = await counter.check_buyer(call)
    subscription = await service.reactivate(buyer_of(call))
    await call.say(reactivated_view(subscription, _name(counter, subscription)))


async def _sync(counter: Counter, call: Call) -> None:
    service = await counter.check_buyer(call)
    await call.say(synced_view(await service.sync(call.workspace.id)))


async def _add(counter: Counter, call: Call) -> None:
    """Somebody pressed the button that everybody in a thread sees: those who may buy get a page, others may ask."""
    service = counter.need_service()
    if await service.may_buy(buyer_of(call)):
        await _buy(counter, call)
        return
    await _refuse(counter, call, NotABuyer(call.workspace.id))


async def _refuse(counter: Counter, call: Call, error: NotABuyer) -> None:
    """Say who may buy, with the way to ask them for the session that it is about."""
    session_id = _session_id(call)
    session = await find_session(counter.tools, call.request.spot.thread) if not session_id else None
    buttons = await _ways(counter, call, error, session.id if session is not None else session_id)
    await call.say(refused_view(await counter.buyers_words(call), buttons))


async def _ask(counter: Counter, call: Call) -> None:
    """Tell those who may buy what is missing, once a session and day; the asker hears who knows."""
    service = counter.need_service()
    session = await counter.session(call, call.request.target)
    argument = call.request.argument
    session_id = session.id if session is not None else ""
    plan = argument.removeprefix(_TIER) if argument.startswith(_TIER) else ""
    is_new = await service.ask_admin(
        call.workspace.id,
        call.member.id,
        need_microcredits=int(argument) if argument.isdigit() else 0,
        session_id=session_id,
        plan=plan,
    )
    notice = await service.find_asked(call.member.id, session_id=session_id, plan=plan)
    names: tuple[str, ...] = ()
    is_later = False
    if notice is not None:
        try:
            names = await counter.notices.tell_names(notice, is_new=is_new)
        except TransientError:  # it stays open, and the scheduler tries again
            is_later = True
    if notice is None or not names:
        await call.say(unasked_view(await counter.buyers_words(call), is_later=is_later))
        return
    await service.mark_told(notice)
    await call.say(asked_view(names, is_new=is_new))


async def _ways(counter: Counter, call: Call, error: UserFacingError, session_id: str) -> Sequence[Button]:
    """Return the buttons that lead out of an error about money, for the one whom it met."""
    if counter.service is None or not counter.service.is_open:
        return ()
    match error:
        case InsufficientCredits():
            lacks = error.required_microcredits - max(0, error.available_microcredits)
            return wall_buttons(session_id, lacks, may_buy=await counter.may_buy(call))
        case NotEntitled() if error.lifted_by:
            name = get_tier(counter.tools.prices, error.lifted_by).name
            return tier_buttons(error.lifted_by, name, session_id, may_buy=await counter.may_buy(call))
        case NotABuyer():
            session = await counter.session(call, session_id)
            waits = session is not None and session.status in {Status.DRAFT, Status.WAITING}
            lacks = await counter.lacks(session) if session is not None and waits else 0
            return wall_buttons(session_id if waits else "", lacks, may_buy=False)
        case NoSubscription() if await counter.may_buy(call):
            return (Button("billing-plans", "Change tier", ""),)
        case _:
            return ()


def _session_id(call: Call) -> str:
    """Return the session that a button is about, empty for none."""
    return call.text("session") or call.request.target


async def _subscription(counter: Counter, call: Call) -> Subscription:
    live = (await counter.reader.overview(call.workspace.id)).subscription
    if live is None:
        raise NoSubscription(call.workspace.id)
    return live


def _name(counter: Counter, subscription: Subscription) -> str:
    return get_tier(counter.tools.prices, subscription.tier).name
