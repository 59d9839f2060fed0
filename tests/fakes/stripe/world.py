"""The state of the local Stripe and what can be looked up in it."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import stripe

from core.clock import Clock
from tests.fakes.stripe.agenda import Agenda
from tests.fakes.stripe.model import API_VERSION, Card, Json, copied, missing
from tests.fakes.stripe.spec import shaped

if TYPE_CHECKING:
    from tests.fakes.stripe.lines import Entry

_NAMES = {
    "billing_portal.configuration": "configuration",
    "billing_portal.session": "portal session",
    "checkout.session": "checkout.session",
}


@dataclass(frozen=True)
class Origin:
    """The request that an event comes from; empty when Stripe acted by itself."""

    request_id: str = ""
    idempotency_key: str = ""


@dataclass
class World:
    """Everything that this Stripe knows.

    Attributes:
        clock: Its time; objects carry whole seconds of it.
        account_id: The one account that there is; its test and live objects never meet.
        keys: Which secret keys are right, and whether they are live.
        objects: By id, in the order in which they were made. Other objects stand in them as ids.
        cards: How each customer's means of payment behaves, `Card.OK` when nothing is said.
        tax_percent: What automatic tax adds or contains.
        retry_days: When a failed renewal is tried again, in days after the first failure.
        after_retries: What becomes of a subscription after the last: ``canceled``, ``unpaid`` or ``past_due``.
        upcoming_days: How long before a renewal ``invoice.upcoming`` comes.
        draft_seconds: How long the invoice of a renewal stays a draft.
        refunds_settle: False leaves new refunds pending until a test says how they end.
        put_off: Prorations that wait for the next invoice, by subscription.
        checkouts: What a session was asked for and does not show: its items, its parameters, the intent of its page.
        told: Who is told of every event.
    """

    clock: Clock
    account_id: str = "acct_1LocalAtelier"
    keys: dict[str, bool] = field(default_factory=lambda: {"sk_test_local": False, "sk_live_local": True})
    objects: dict[str, Json] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    tax_percent: Decimal = Decimal(0)
    retry_days: tuple[int, ...] = (3, 5, 7)
    after_retries: str = "canceled"
    upcoming_days: int = 7
    draft_seconds: int = 3600
    refunds_settle: bool = True
    base: str = ""
    origin: Origin = Origin()
    told: list[Callable[[Json], None]] = field(default_factory=list)
    put_off: "dict[str, list[Entry]]" = field(default_factory=dict)
    checkouts: dict[str, Json] = field(default_factory=dict)
    agenda: Agenda = field(default_factory=Agenda)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _acting_at: int | None = None

    def now(self) -> int:
        """Return seconds since the epoch: of the clock, or of the matter that is being caught up with."""
        return int(self.clock.now().timestamp()) if self._acting_at is None else self._acting_at

    def catch_up(self) -> None:
        """Do everything that is due by now, each at its own moment."""
        if self._acting_at is not None:
            return
        until = self.now()
        while (matter := self.agenda.take(until)) is not None:
            self._acting_at = matter.at
            try:
                with self.acting(Origin()):
                    matter.act()
            finally:
                self._acting_at = None

    @contextmanager
    def acting(self, origin: Origin) -> Iterator[None]:
        """Let events carry the request that they come from."""
        before, self.origin = self.origin, origin
        try:
            yield
        finally:
            self.origin = before

    def next_id(self, prefix: str, *, livemode: bool = False, shows_mode: bool = False) -> str:
        """Return a new id."""
        mode = ("live_" if livemode else "test_") if shows_mode else ""
        return f"{prefix}_{mode}1L{next(self._numbers):014d}"

    def add(self, made: Json) -> Json:
        """Keep a new object and return it."""
        self.objects[made["id"]] = made
        return made

    def every(self, kind: str, *, livemode: bool) -> list[Json]:
        """Return all objects of a kind that are not deleted, oldest first."""
        return [
            one
            for one in self.objects.values()
            if one["object"] == kind and self.mode(one) == livemode and not one.get("deleted")
        ]

    def get(self, kind: str, given: str, *, livemode: bool, param: str = "id") -> Json:
        """Return an object.

        Raises:
            Refusal: ``resource_missing``, for the other mode's objects too.
        """
        found = self.objects.get(given)
        name = _NAMES.get(kind, kind)
        if found is None or found["object"] != kind or found.get("deleted"):
            raise missing(name, given, param)
        if self.mode(found) != livemode:
            refusal = missing(name, given, param)
            there, here = ("live", "test") if self.mode(found) else ("test", "live")
            refusal.message += f"; a similar object exists in {there} mode, but a {here} mode key was used"
            raise refusal
        return found

    def mode(self, one: Json) -> bool:
        """Return whether an object is live; some kinds do not carry it, but what they are about does."""
        if "livemode" in one:
            return bool(one["livemode"])
        about = self.objects.get(one.get("charge") or one.get("source") or one.get("subscription") or "")
        return about is not None and self.mode(about)

    def of(self, given: str) -> Json:
        """Return an object that is known to exist."""
        return self.objects[given]

    def emit(self, kind: str, about: Json, previous: Json | None = None) -> Json:
        """Tell that something happened, with the object as it is now; return the event."""
        data: Json = {"object": copied(about)}
        if previous is not None:
            data["previous_attributes"] = copied(previous)
        event = shaped(
            stripe.Event,
            id=self.next_id("evt"),
            api_version=API_VERSION,
            created=self.now(),
            data=data,
            livemode=self.mode(about),
            pending_webhooks=1,
            request={"id": self.origin.request_id or None, "idempotency_key": self.origin.idempotency_key or None},
            type=kind,
        )
        self.add(event)
        for tell in self.told:
            tell(event)
        return event

    def change(self, kind: str, about: Json, **fields: Any) -> Json:
        """Change fields and tell it with their previous values; nothing happens when nothing is different."""
        previous = {name: copied(about.get(name)) for name, value in fields.items() if about.get(name) != value}
        if previous:
            about.update(fields)
            self.emit(kind, about, previous)
        return about

    def card_of(self, customer_id: str | None) -> Card:
        """Return how somebody's means of payment behaves."""
        return self.cards.get(customer_id or "", Card.OK)


def listed(url: str, items: list[Json], *, has_more: bool = False) -> Json:
    """Return a list object."""
    return {"object": "list", "data": items, "has_more": has_more, "url": url}
