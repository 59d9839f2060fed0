"""Steps that cost money, or lead to it. Every link is for the eyes of the one who asked."""

from collections.abc import Sequence
from dataclasses import replace

from bots.views.ask import error_view, place_words, said, spoken
from bots.views.billing import cents, day
from bots.views.elements import Button, Buttons, Element, Heading, Small, Style, Text, View
from bots.views.elements import Link as Opens
from bots.views.errors import words_for_code
from bots.views.words import money
from core.billing.buyers import Link
from core.billing.catalogue import Product
from core.billing.errors import NotABuyer
from core.billing.model import Subscription
from core.billing.objects import InvoiceObject
from core.money import Unit
from core.workspaces.model import Member

_PRIVATE = "Only you see this link. Do not pass it on: whoever has it can use it."
_REUSED = "The page was open already, perhaps for a colleague: whoever pays it, it is paid once."
_PAYS_ONCE = "You hear from me here when the payment is through; what waits for credits then goes on by itself."


def pay_view(link: Link, product: Product, *, quantity: int, is_change: bool = False) -> View:
    """Return the link to a page of Stripe's for a pack or a plan.

    Args:
        link: The page.
        product: What it sells.
        quantity: How many packs.
        is_change: Whether the page confirms the change of a plan that is paid already.
    """
    if product.is_plan:
        what = f"{product.name} for {cents(product.price_cents)} a month, {money(product.microcredits)} each month"
        label = f"Confirm the change to {product.name}" if is_change else f"Take {product.name} with Stripe"
    else:
        price = cents(product.price_cents * quantity)
        what = f"{money(product.microcredits * quantity)} for {price}; they never expire"
        label = f"Pay {price} with Stripe"
    elements: list[Element] = [
        Heading("Change the plan" if product.is_plan else "Buy credits", 2),
        Text(f"{what}. Taxes come on top where they are due."),
        Opens(label, link.url),
    ]
    if is_change:
        elements.append(
            Small(
                "More credits are there at once and the difference is charged; a cheaper plan begins with the next month."
            )
        )
    elif link.reused:
        elements.append(Small(_REUSED))
    ends = f" It works until {link.expires_at:%Y-%m-%d %H:%M} UTC." if link.expires_at is not None else ""
    elements.append(Small(f"{_PRIVATE}{ends}"))
    if not is_change:
        elements.append(Small(_PAYS_ONCE))
    return View(tuple(elements), f"{label}: the link is in this message.")


def portal_view(link: Link) -> View:
    """Return the link to Stripe's portal."""
    text = "Card, address, VAT id, invoices and plan are in Stripe's portal."
    small = f"{_PRIVATE} It works for a few minutes."
    return View(
        (Text(text), Opens("Open portal", link.url), Small(small)), "The link to Stripe's portal is in this message."
    )


def invoices_view(invoices: Sequence[InvoiceObject]) -> View:
    """Return invoices, newest first, with their private pages."""
    if not invoices:
        return said("There are no invoices yet.")
    elements: list[Element] = [Heading("Invoices", 2)]
    for item in invoices:
        elements += _invoice(item)
    elements.append(Small(f"{_PRIVATE} Older invoices are in the portal."))
    elements.append(Buttons((Button("billing-portal", "Open portal", ""),)))
    return View(tuple(elements), f"Invoices: {len(invoices)}.")


def invoice_view(link: Link) -> View:
    """Return the link to one invoice."""
    return View((Opens("Open invoice", link.url), Small(_PRIVATE)), "The link to the invoice is in this message.")


def cancel_view(subscription: Subscription, name: str, *, platform: str) -> View:
    """Return the question before a subscription ends."""
    question = (
        f"Cancel {name}? It stays until {day(subscription.period_end)}, with all that belongs to it; "
        f"then {place_words(platform)} is on the free plan. Credits that were bought stay for good."
    )
    yes = Button("billing-cancel", "Cancel subscription", "", "yes", Style.DANGER)
    return said(question, buttons=(yes, Button("billing", "Keep subscription", "", "refresh")))


def cancelled_view(subscription: Subscription, name: str) -> View:
    """Return that a subscription will end."""
    ends = day(subscription.cancel_at or subscription.period_end)
    again = Button("billing-reactivate", "Reactivate", "")
    return said(f"{name} is cancelled: it ends on {ends}, and nothing more is charged.", buttons=(again,))


def reactivated_view(subscription: Subscription, name: str) -> View:
    """Return that a subscription goes on."""
    return said(f"{name} goes on; it renews on {day(subscription.period_end)}.")


def cancel_what_view(session_id: str, *, sells: bool) -> View:
    """Return the question what somebody means who only said cancel."""
    stop = Button("stop", "Stop session", session_id, style=Style.DANGER)
    if not sells:
        return said("Stop the session? Its best version is kept.", buttons=(stop,))
    manage = Button("billing", "Manage subscription", "")
    return said("Do you want to stop the session, or to manage the subscription?", buttons=(stop, manage))


def buyers_view(buyers: Sequence[Member], *, may_name: bool, told: str = "") -> View:
    """Return who may buy besides admins; admins can change it."""
    names = "\n".join(f"- {member.name}" for member in buyers)
    lines = [
        line for line in (told, "Admins may buy. Besides them:" if buyers else "Only admins may buy.", names) if line
    ]
    elements: list[Element] = [Heading("Who may buy", 2), Text("\n".join(lines))]
    if buyers:
        elements.append(Small("What is to be said about money is told to those who are named, not to every admin."))
    if may_name:
        buttons = [Button("billing-buyers", "Name a buyer", "")]
        buttons += [
            Button("billing-buyers", f"Remove {member.name}"[:75], member.external_id, "remove") for member in buyers
        ]
        elements.append(Buttons(tuple(buttons)))
    return View(tuple(elements), told or "Who may buy.")


def asked_view(told: Sequence[str], *, is_new: bool) -> View:
    """Return who knows now: the names of those who got the message, today's first or one before it."""
    who = spoken(told)
    have = "has" if len(told) == 1 else "have"
    if is_new:
        return said(f"{who} {have} your message now: what is missing, what for, and a way to buy it.")
    return said(f"{who} {have} had your message today; one is enough.")


def unasked_view(buyers: str, *, is_later: bool) -> View:
    """Return that nobody heard of it yet, and the way out.

    Args:
        buyers: Who may buy, in words.
        is_later: Whether the platform is only busy; otherwise there is nobody whom a message reaches.
    """
    if is_later:
        return said("The message could not be sent just now. It is sent as soon as that works again.", small=buyers)
    return said(
        "There is nobody here whom I can write to about it. Ask in person: whoever may buy types `/atelier billing`.",
        small=buyers,
    )


def refused_view(buyers: str, buttons: Sequence[Button]) -> View:
    """Return that somebody may not buy, who may, and the way to ask them."""
    words = words_for_code(NotABuyer.code, Unit.CREDITS)
    return error_view(replace(words, explanation=buyers, way_out=""), buttons)


def synced_view(granted: int) -> View:
    """Return what a look at Stripe brought."""
    return said("Something was missing; it is here now." if granted else "Nothing was missing.")


def wall_buttons(session_id: str, need_microcredits: int, *, may_buy: bool) -> tuple[Button, ...]:
    """Return the way out for somebody who lacks credits, or a plan."""
    if may_buy:
        return (Button("billing-buy", "Buy credits", session_id, style=Style.PRIMARY),)
    return (Button("ask-admin", "Ask an admin", session_id, str(max(0, need_microcredits)), Style.PRIMARY),)


def tier_buttons(tier: str, name: str, session_id: str, *, may_buy: bool) -> tuple[Button, ...]:
    """Return the way out for somebody whose plan does not include what they want; *tier* is the key of one that does."""
    if may_buy:
        return (Button("billing-upgrade", f"Change to {name}", session_id, tier, Style.PRIMARY),)
    return (Button("ask-admin", "Ask an admin", session_id, f"tier:{tier}", Style.PRIMARY),)


def _invoice(item: InvoiceObject) -> tuple[Element, ...]:
    name = f"Invoice {item.number}" if item.number else "Invoice"
    line = Text(f"{day(item.created)}: {cents(item.total, item.currency)}, {item.status or 'draft'}")
    return (line, Opens(f"Open {name}", item.hosted_invoice_url)) if item.hosted_invoice_url else (line,)
