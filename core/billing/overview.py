"""What people can see of their money. It reads our own tables only, so it works without Stripe, and while Stripe is away."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO

from core.billing.buyers import find_live_subscription
from core.billing.catalogue import Catalogue, Product
from core.billing.model import Purchase, Spend, Subscription
from core.billing.ports import BillingStore, BillingTransaction
from core.clock import Clock
from core.credits.entitlements import get_tier
from core.credits.model import Account, Balance, Entry
from core.credits.service import Ledger
from core.credits.tiers import FREE, UNLIMITED, PriceList, Tier
from core.money import Unit, microcredits_to_credits

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CSV_PAGE = 1_000
_PAID = 3


@dataclass(frozen=True, slots=True)
class NextGrant:
    """Credits that will come by themselves."""

    at: datetime
    microcredits: int


@dataclass(frozen=True, slots=True)
class Overview:
    """The billing card.

    Attributes:
        tier: What the workspace may do; `UNLIMITED` where nothing is sold.
        balance: With lots in the order in which they are used.
        used_month: Micro-credits charged since the first of the month.
        used_total: Micro-credits charged ever.
        subscription: The one that can be managed.
        next_grant: None where none comes.
        is_frozen: Whether a disputed payment keeps everything from being sold.
        has_portal: Whether there is something to see in Stripe's portal.
        paid: The last payments that granted credits, newest first.
    """

    workspace_id: str
    tier: Tier
    balance: Balance
    used_month_microcredits: int
    used_total_microcredits: int
    subscription: Subscription | None = None
    next_grant: NextGrant | None = None
    is_frozen: bool = False
    has_portal: bool = False
    paid: tuple[Purchase, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of the ledger.

    Attributes:
        entries: Newest first.
        before: What to ask with for the page of older ones; None when this is the last.
    """

    entries: tuple[Entry, ...]
    before: int | None


@dataclass(frozen=True, slots=True)
class PlanTable:
    """Plans side by side.

    Attributes:
        tiers: Those that people can have, cheapest first.
        current: Key of the workspace's tier.
        products: What can be bought here; a tier without a product is shown but not offered.
    """

    tiers: tuple[Tier, ...]
    current: str
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """What a workspace used in a span of time, by member and project, most first."""

    workspace_id: str
    since: datetime
    until: datetime
    spend: tuple[Spend, ...]

    @property
    def total_microcredits(self) -> int:
        """All of it."""
        return sum(item.microcredits for item in self.spend)


class BillingReader:
    """Reads."""

    def __init__(
        self,
        *,
        store: BillingStore,
        prices: PriceList,
        ledger: Ledger,
        clock: Clock,
        catalogue: Catalogue | None = None,
    ) -> None:
        """Make a reader.

        Args:
            store: The database.
            prices: Tiers and packs.
            ledger: Adds balances up.
            clock: The time.
            catalogue: What is sold; None for nothing.
        """
        self._store = store
        self._prices = prices
        self._ledger = ledger
        self._clock = clock
        self._catalogue = catalogue

    async def overview(self, workspace_id: str) -> Overview:
        """Return the card of a workspace; one that is not known has nothing."""
        now = self._clock.now()

        def read(tx: BillingTransaction) -> Overview:
            tier = self._tier(tx, workspace_id)
            subscription = find_live_subscription(tx, workspace_id)
            return Overview(
                workspace_id=workspace_id,
                tier=tier,
                balance=self._ledger.balance(tx.credits, workspace_id),
                used_month_microcredits=tx.billing.used_microcredits(workspace_id, since=month_of(now)),
                used_total_microcredits=tx.billing.used_microcredits(workspace_id),
                subscription=subscription,
                next_grant=self._next_grant(tx, workspace_id, tier, subscription),
                is_frozen=any(take.is_undecided for take in tx.billing.list_takes(workspace_id)),
                has_portal=bool(tx.billing.list_customers(workspace_id)),
                paid=tuple(reversed(tx.billing.list_purchases(workspace_id)[-_PAID:])),
            )

        return await self._store.read(read)

    def _tier(self, tx: BillingTransaction, workspace_id: str) -> Tier:
        if self._catalogue is None:
            return self._prices.tier(UNLIMITED)
        workspace = tx.workspaces.find(workspace_id)
        return get_tier(self._prices, workspace.tier if workspace is not None else FREE)

    def _next_grant(
        self, tx: BillingTransaction, workspace_id: str, tier: Tier, subscription: Subscription | None
    ) -> NextGrant | None:
        if self._catalogue is None or not tier.microcredits_month:
            return None
        if subscription is not None and subscription.entitles:
            if subscription.cancel_at is None:
                return NextGrant(subscription.period_end, tier.microcredits_month)
            # the free month comes as soon as the plan is over, unless that month's came before the plan
            ends = subscription.cancel_at
            is_used = tx.credits.find_lot_by_source(free_key(workspace_id, ends)) is not None
            return NextGrant(next_month(ends) if is_used else ends, self._prices.tier(FREE).microcredits_month)
        return NextGrant(next_month(self._clock.now()), tier.microcredits_month)

    async def history(self, workspace_id: str, *, before: int | None = None, limit: int = 10) -> HistoryPage:
        """Return a page of the ledger.

        Args:
            workspace_id: Whose.
            before: Number of the entry that the page before ended with; None for the newest.
            limit: Entries of a page, at least 1.
        """

        def read(tx: BillingTransaction) -> HistoryPage:
            account = tx.credits.find_account(workspace_id) or Account(workspace_id)
            last = account.seq if before is None else min(before - 1, account.seq)
            first = max(0, last - limit)
            entries = tx.credits.list_entries(workspace_id, after_seq=first, limit=last - first) if last > first else ()
            return HistoryPage(tuple(reversed(entries)), first + 1 if first else None)

        return await self._store.read(read)

    async def history_csv(self, workspace_id: str, *, unit: Unit = Unit.CREDITS) -> str:
        """Return the whole ledger of a workspace as CSV, oldest first.

        Args:
            workspace_id: Whose.
            unit: In which unit people see amounts; in dollars it lists use alone, since there is no balance.
        """
        out = StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        in_dollars = unit is Unit.DOLLARS
        amounts = ["dollars"] if in_dollars else ["credits", "balance"]
        writer.writerow(["number", "at", "kind", *amounts, "by", "what_for", "turn"])
        after = 0
        while page := await self._page(workspace_id, after):
            for entry in page:
                writer.writerow(
                    [
                        entry.seq,
                        entry.at.isoformat(timespec="seconds"),
                        entry.kind.value,
                        *(
                            [unit.write(-entry.amount_microcredits)]
                            if in_dollars
                            else map(
                                microcredits_to_credits, (entry.amount_microcredits, entry.posted_after_microcredits)
                            )
                        ),
                        _harmless(entry.actor),
                        _harmless(entry.reason),
                        _harmless(entry.hold_id or ""),
                    ]
                )
            after = page[-1].seq
        return out.getvalue()

    async def _page(self, workspace_id: str, after: int) -> Sequence[Entry]:
        return await self._store.read(
            lambda tx: tx.credits.list_entries(workspace_id, after_seq=after, limit=_CSV_PAGE)
        )

    async def plans(self, workspace_id: str) -> PlanTable:
        """Return what can be had, side by side."""
        tier = await self._store.read(lambda tx: self._tier(tx, workspace_id))
        products = () if self._catalogue is None else self._catalogue.products
        return PlanTable(self._prices.sold(), tier.key, products)

    async def digest(self, workspace_id: str, *, since: datetime, until: datetime) -> Digest:
        """Return what was used from *since* until just before *until*."""
        return await self._store.read(lambda tx: make_digest(tx, workspace_id, since=since, until=until))


def make_digest(tx: BillingTransaction, workspace_id: str, *, since: datetime, until: datetime) -> Digest:
    """Return what was used from *since* until just before *until*."""
    return Digest(workspace_id, since, until, tuple(tx.billing.list_spend(workspace_id, since=since, until=until)))


def month_of(moment: datetime) -> datetime:
    """Return when the month of *moment* began, in UTC."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def next_month(moment: datetime) -> datetime:
    """Return when the month after that of *moment* begins."""
    return month_of(month_of(moment) + timedelta(days=32))


def free_key(workspace_id: str, moment: datetime) -> str:
    """Return the key of the free credits that a workspace gets once in the month of *moment*."""
    return f"free:{workspace_id}:{moment:%Y-%m}"


def _harmless(text: str) -> str:
    """Return *text* so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
