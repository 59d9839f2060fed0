"""What happens by the calendar: free credits, and what buyers are told without having asked.

Everything is keyed by what it is about, so any number of processes may do it, as often as they like.
"""

from collections.abc import Callable
from datetime import timedelta

from core.billing.catalogue import Catalogue
from core.billing.model import NoticeKind, Subscription
from core.billing.months import GRACE
from core.billing.notices import buyers_of_plan, tell
from core.billing.overview import free_key, make_digest, month_of, next_month
from core.billing.ports import BillingStore, BillingTransaction
from core.clock import Clock
from core.credits.model import LotKind
from core.credits.service import Ledger
from core.credits.tiers import FREE, UNLIMITED
from core.workspaces.model import Workspace

_PAGE = 50
_TERMINAL = "terminal"
_LOW_PART = 5  # told when less than a fifth is left of what came last
_REMINDER = timedelta(days=7)
_DIGEST_DAYS = 7
_DIGEST_ROWS = 20


class Monthly:
    """Does what the calendar asks for."""

    def __init__(self, *, store: BillingStore, catalogue: Catalogue, ledger: Ledger, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._ledger = ledger
        self._clock = clock

    async def grant_free(self) -> int:
        """Give every workspace of the free tier its month, and return how many got one now."""
        return await self._each(self._grant_free)

    async def welcome(self, workspace_id: str) -> bool:
        """Give a workspace its free month at once, so that nobody waits for the clock; False if it has it, or pays."""

        def work(tx: BillingTransaction) -> bool:
            workspace = tx.workspaces.find(workspace_id)
            return workspace is not None and self._grant_free(tx, workspace)

        return await self._store.write(work)

    def _grant_free(self, tx: BillingTransaction, workspace: Workspace) -> bool:
        amount = self._catalogue.prices.tier(FREE).microcredits_month
        if workspace.tier != FREE or not amount:
            return False
        now = self._clock.now()
        key = free_key(workspace.id, now)
        if tx.credits.find_lot_by_source(key) is not None:
            return False  # seen without a lock, as nearly always
        return self._ledger.grant(
            tx.credits,
            workspace_id=workspace.id,
            kind=LotKind.MONTHLY,
            amount_microcredits=amount,
            source_key=key,
            actor="system",
            expires_at=next_month(now) + GRACE,
            reason=f"Free, {now:%B %Y}",
        )

    async def watch(self) -> int:
        """Tell buyers of low balances, first renewals and what last month was used for; return how many notices."""
        return await self._each(self._watch)

    def _watch(self, tx: BillingTransaction, workspace: Workspace) -> int:
        return self._watch_balance(tx, workspace) + self._remind(tx, workspace) + self._digest(tx, workspace)

    def _watch_balance(self, tx: BillingTransaction, workspace: Workspace) -> bool:
        """Tell once for what came last: the next credits make it worth telling again."""
        if workspace.tier == UNLIMITED:
            return False
        lots = tx.credits.list_lots(workspace.id, only_remaining=False)
        if not lots:
            return False
        newest = lots[-1]
        available = self._ledger.balance(tx.credits, workspace.id).available_microcredits
        if available * _LOW_PART >= newest.amount_microcredits:
            return False
        return tell(
            tx,
            NoticeKind.LOW_BALANCE,
            f"low:{newest.id}",
            workspace_id=workspace.id,
            now=self._clock.now(),
            available_microcredits=available,
            came_last_microcredits=newest.amount_microcredits,
            tier=workspace.tier,
        )

    def _remind(self, tx: BillingTransaction, workspace: Workspace) -> int:
        return sum(self._remind_of(tx, item) for item in tx.billing.list_subscriptions(workspace.id))

    def _remind_of(self, tx: BillingTransaction, subscription: Subscription) -> bool:
        """Tell of a first renewal, a week before, with the way to cancel."""
        now = self._clock.now()
        is_first = subscription.period_start - subscription.started_at < timedelta(days=1)
        is_near = timedelta(0) < subscription.period_end - now <= _REMINDER
        if not (is_first and is_near and subscription.entitles and subscription.cancel_at is None):
            return False
        product = self._catalogue.find_by_price(subscription.price_id)
        return tell(
            tx,
            NoticeKind.RENEWAL_SOON,
            f"renewal:{subscription.id}",
            workspace_id=subscription.workspace_id,
            now=now,
            members=buyers_of_plan(tx, subscription.workspace_id),
            tier=subscription.tier,
            price_cents=product.price_cents if product is not None else 0,
            renews_at=subscription.period_end.isoformat(),
        )

    def _digest(self, tx: BillingTransaction, workspace: Workspace) -> bool:
        """Tell in the first days of a month what the one before was used for, if it was used at all."""
        now = self._clock.now()
        until = month_of(now)
        since = month_of(until - timedelta(days=1))
        key = f"digest:{workspace.id}:{since:%Y-%m}"
        if now.day > _DIGEST_DAYS or tx.billing.find_notice(key) is not None:
            return False
        digest = make_digest(tx, workspace.id, since=since, until=until)
        if not digest.spend:
            return False
        return tell(
            tx,
            NoticeKind.DIGEST,
            key,
            workspace_id=workspace.id,
            now=now,
            month=f"{since:%Y-%m}",
            total_microcredits=digest.total_microcredits,
            spend=[
                {"member": item.member_id, "project": item.project_id, "microcredits": item.microcredits}
                for item in digest.spend[:_DIGEST_ROWS]
            ],
            more=max(0, len(digest.spend) - _DIGEST_ROWS),
        )

    async def _each(self, act: Callable[[BillingTransaction, Workspace], int]) -> int:
        """Do something for every workspace that is there, some at a time; return the sum."""
        total, after = 0, ""
        while True:

            def work(tx: BillingTransaction, start: str = after) -> tuple[str, int]:
                found = tx.workspaces.list_all(limit=_PAGE, after=start)
                number = sum(act(tx, item) for item in found if _is_present(item))
                return found[-1].id if found else "", number

            after, number = await self._store.write(work)
            total += number
            if not after:
                return total


def _is_present(workspace: Workspace) -> bool:
    return workspace.removed_at is None and workspace.platform != _TERMINAL
