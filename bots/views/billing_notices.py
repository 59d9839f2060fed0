"""What people are told about money without having asked: the words of each `core.billing.model.NoticeKind`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bots.views.ask import place_words
from bots.views.billing import cents, day
from bots.views.elements import Button, Buttons, Element, Heading, Small, Style, Table, Text, View
from bots.views.words import exact, left, money, places_of
from core.billing.model import Notice, NoticeKind
from core.sessions.model import Status

_STAYS = "What was bought stays."


@dataclass(frozen=True, slots=True)
class Known:
    """What a notice names, as it stands when it is told.

    Attributes:
        members, projects, products: Names by id or key.
        available_microcredits: What the workspace can spend now.
        session_title: Of the session that a notice is about; empty for none, or one that was deleted.
        session_status: Where it stands.
        may_start: Whether whoever is told may start it.
        platform: Where it is told.
    """

    members: Mapping[str, str] = field(default_factory=dict)
    projects: Mapping[str, str] = field(default_factory=dict)
    products: Mapping[str, str] = field(default_factory=dict)
    available_microcredits: int = 0
    session_title: str = ""
    session_status: Status | None = None
    may_start: bool = False
    platform: str = ""

    def product(self, key: str) -> str:
        """Return the name of a plan or pack."""
        return self.products.get(key, key)


@dataclass(frozen=True, slots=True)
class _Said:
    title: str
    text: str
    buttons: tuple[Button, ...] = ()
    table: Table | None = None
    small: str = ""


def notice_view(notice: Notice, known: Known) -> View:
    """Return a notice in words."""
    said = _WORDS[notice.kind](notice.facts, known)
    elements: list[Element] = [Heading(said.title, 2), Text(said.text)]
    if said.table is not None:
        elements.append(said.table)
    if said.small:
        elements.append(Small(said.small))
    if said.buttons:
        elements.append(Buttons(said.buttons))
    return View(tuple(elements), f"{said.title}. {said.text}")


def _bought(facts: Mapping[str, Any], known: Known) -> _Said:
    session = str(facts.get("session", ""))
    text = f"{money(facts['microcredits'])} for {_amount(facts)} are here. The balance is {left(known.available_microcredits)}."
    buttons: tuple[Button, ...] = (Button("billing", "Show billing", ""),)
    if known.may_start and known.session_status is Status.DRAFT:
        text += f" {known.session_title} can start now."
        buttons = (Button("start", "Start session", session, style=Style.PRIMARY), *buttons)
    elif known.session_title and known.session_status is not Status.DRAFT:
        text += f" {known.session_title} goes on by itself if it waited for them."
    return _Said("The payment is through", text, buttons)


def _begun(facts: Mapping[str, Any], known: Known) -> _Said:
    return _plan("Your plan has begun", facts, known)


def _changed(facts: Mapping[str, Any], known: Known) -> _Said:
    return _plan("Your plan is changed", facts, known)


def _plan(title: str, facts: Mapping[str, Any], known: Known) -> _Said:
    name = known.product(facts["tier"])
    text = (
        f"{name} is yours. {money(facts['microcredits'])} came with it, until {_day(facts['until'])}; "
        f"the balance is {left(known.available_microcredits)}."
    )
    return _Said(title, text, (Button("billing", "Show billing", ""),))


def _ended(facts: Mapping[str, Any], known: Known) -> _Said:
    text = f"{known.product(facts['tier'])} is over; {place_words(known.platform)} is on the free plan. {_STAYS}"
    return _Said("The plan ended", text, (Button("billing-plans", "Change tier", ""),))


def _pending(facts: Mapping[str, Any], known: Known) -> _Said:
    text = f"{_amount(facts)} for {known.product(facts['product'])} are on their way. With some ways of paying that takes days."
    return _Said("The payment is under way", text)


def _failed(facts: Mapping[str, Any], known: Known) -> _Said:
    text = f"{_amount(facts)} for {known.product(facts['product'])} could not be collected. Nothing was bought."
    return _Said("The payment failed", text, (_again(facts),))


def _expired(facts: Mapping[str, Any], known: Known) -> _Said:
    text = f"The page to pay {known.product(facts['product'])} on was open too long. Nothing was bought or charged."
    return _Said("The page to pay on has ended", text, (_again(facts),))


def _unpaid(facts: Mapping[str, Any], known: Known) -> _Said:
    del known
    text = (
        f"The invoice over {_amount(facts)} could not be collected. The plan and the credits stay for now, and Stripe "
        "tries again; you can pay it yourself, or give another card."
    )
    buttons = (
        Button("invoice", "Pay invoice", str(facts["invoice"]), style=Style.PRIMARY),
        Button("billing-portal", "Change card", ""),
    )
    return _Said("A payment failed", text, buttons)


def _renewal(facts: Mapping[str, Any], known: Known) -> _Said:
    text = (
        f"{known.product(facts['tier'])} renews for the first time on {_day(facts['renews_at'])}, "
        f"for {cents(facts['price_cents'])} plus taxes where they are due. To end it, cancel before that day."
    )
    buttons = (
        Button("billing-cancel", "Cancel subscription", "", style=Style.DANGER),
        Button("billing", "Show billing", ""),
    )
    return _Said("Your plan renews soon", text, buttons)


def _refunded(facts: Mapping[str, Any], known: Known) -> _Said:
    text = f"{_amount(facts)} for {known.product(facts['product'])} go back."
    return _Said("A refund", f"{text} {_taken(facts, known)}", (Button("billing", "Show billing", ""),))


def _disputed(facts: Mapping[str, Any], known: Known) -> _Said:
    text = (
        f"The bank contests {_amount(facts)} for {known.product(facts['product'])}. {_taken(facts, known)} "
        "Until it is decided nothing more can be bought here."
    )
    return _Said("A payment is disputed", text, (Button("billing", "Show billing", ""),))


def _low(facts: Mapping[str, Any], known: Known) -> _Said:
    del facts
    text = (
        f"The balance is {left(known.available_microcredits)}: less than a fifth of what came last. "
        "Sessions that find nothing left wait for credits."
    )
    buttons = (
        Button("billing-buy", "Buy credits", "", style=Style.PRIMARY),
        Button("billing-plans", "Change tier", ""),
    )
    return _Said("Credits are running low", text, buttons, small="You are told once until credits come again.")


def _digest(facts: Mapping[str, Any], known: Known) -> _Said:
    places = places_of(item["microcredits"] for item in facts["spend"])
    rows = tuple(
        (
            known.members.get(item["member"], "somebody who left" if item["member"] else "deleted sessions"),
            known.projects.get(item["project"], "no project" if not item["project"] else "a deleted project"),
            exact(item["microcredits"], places=places),
        )
        for item in facts["spend"]
    )
    more = f"{facts['more']} smaller rows are left out." if facts.get("more") else ""
    text = f"{money(facts['total_microcredits'])} were used. The balance is {left(known.available_microcredits)}."
    return _Said(
        f"What credits were used for in {facts['month']}",
        text,
        (Button("billing-history", "Show history", ""),),
        Table(("Who", "Project", "Credits"), rows, right=(2,)),
        more,
    )


def _asked(facts: Mapping[str, Any], known: Known) -> _Said:
    who = known.members.get(facts["asked_by"], "Somebody")
    session = str(facts.get("session", ""))
    what = f" for {known.session_title}" if known.session_title else ""
    plan = str(facts.get("plan", ""))
    balance = left(known.available_microcredits)
    if plan:
        name = known.product(plan)
        text = f"{who} asks for the {name} plan{what}: the plan here does not include what they want to do."
        button = Button("billing-upgrade", f"Change to {name}", session, plan, Style.PRIMARY)
        return _Said("A plan is asked for", text, (button, Button("billing-plans", "Compare plans", "")))
    need = f"{money(facts['need_microcredits'])} more" if facts["need_microcredits"] else "credits"
    text = f"{who} needs {need}{what}. The balance is {balance}."
    buttons = (
        Button("billing-buy", "Buy credits", session, style=Style.PRIMARY),
        Button("billing", "Show billing", ""),
    )
    return _Said("Credits are asked for", text, buttons, small="You are asked because you may buy here.")


def _ending(facts: Mapping[str, Any], known: Known) -> _Said:
    text = (
        f"{known.product(facts['tier'])} ends on {_day(facts['ends_at'])}: the app was removed, and nobody should pay for "
        "what is gone. The app is here again; to keep the plan, reactivate it."
    )
    buttons = (
        Button("billing-reactivate", "Reactivate", "", style=Style.PRIMARY),
        Button("billing", "Show billing", ""),
    )
    return _Said("Your plan is ending", text, buttons)


def _texts_expire(facts: Mapping[str, Any], known: Known) -> _Said:
    del known
    text = (
        f"From {_day(facts['from_at'])} on, texts and files of sessions that ended more than {facts['days']} days ago are "
        "removed here. Scores, receipts and favourites stay. Save what you need, or mark sessions with `star`."
    )
    return _Said("Older texts are going to be removed", text, (Button("billing-plans", "Compare plans", ""),))


def _operators(facts: Mapping[str, Any], known: Known) -> _Said:
    """What only whoever runs the installation is told; it is in the log, and comes here by mistake alone."""
    del facts, known
    return _Said("Something about a payment needs a look", "The operator of this installation has it in the log.")


def _amount(facts: Mapping[str, Any]) -> str:
    return cents(int(facts["amount_cents"]), str(facts.get("currency") or "usd"))


def _taken(facts: Mapping[str, Any], known: Known) -> str:
    if not facts["microcredits"]:
        return "No credits were taken back."
    now = known.available_microcredits
    rest = (
        f"the balance is {left(now)}." if now >= 0 else f"{money(-now)} are owed, which the next credits repay first."
    )
    return f"{money(facts['microcredits'])} were taken back; {rest}"


def _again(facts: Mapping[str, Any]) -> Button:
    product, session = str(facts.get("product", "")), str(facts.get("session", ""))
    return Button("buy-again", "Try again", session, product, Style.PRIMARY)


def _day(text: str) -> str:
    return day(datetime.fromisoformat(text))


_WORDS: dict[NoticeKind, Callable[[Mapping[str, Any], Known], _Said]] = {
    NoticeKind.CREDITS_BOUGHT: _bought,
    NoticeKind.PLAN_STARTED: _begun,
    NoticeKind.PLAN_CHANGED: _changed,
    NoticeKind.PLAN_ENDED: _ended,
    NoticeKind.PAYMENT_PENDING: _pending,
    NoticeKind.CHECKOUT_FAILED: _failed,
    NoticeKind.CHECKOUT_EXPIRED: _expired,
    NoticeKind.PAYMENT_FAILED: _unpaid,
    NoticeKind.RENEWAL_SOON: _renewal,
    NoticeKind.REFUNDED: _refunded,
    NoticeKind.DISPUTED: _disputed,
    NoticeKind.LOW_BALANCE: _low,
    NoticeKind.DIGEST: _digest,
    NoticeKind.ASK_ADMIN: _asked,
    NoticeKind.PLAN_ENDING: _ending,
    NoticeKind.TEXTS_EXPIRE: _texts_expire,
    NoticeKind.APP_LEFT: _operators,
    NoticeKind.FRAUD_WARNING: _operators,
    NoticeKind.QUARANTINED: _operators,
}
