"""What becomes of a subscription when the app leaves its workspace: nobody pays for what is gone."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from core.billing.errors import BillingRefused
from core.billing.fulfilment import Fulfilment
from core.billing.model import Audience, Checkout, CheckoutState, NoticeKind, Subscription
from core.billing.notices import tell
from core.billing.outcome import Contradiction, NotOurs, NotYet
from core.billing.ports import BillingStore, BillingTransaction, Gateway
from core.clock import Clock
from core.sessions.ports import AuditEntry

_log = structlog.get_logger(__name__)
_ACTOR = "system"


@dataclass(frozen=True, slots=True)
class _Found:
    """What a look at all workspaces found.

    Attributes:
        gone: Subscriptions of workspaces without the app that nothing was done about in this period.
        pages: Open payment pages of such workspaces.
        back: Subscriptions that are ending because the app had left, of workspaces that have it again.
    """

    gone: Sequence[Subscription]
    pages: Sequence[Checkout]
    back: Sequence[Subscription]


class Departures:
    """Looks after what workspaces without the app still pay, by the clock: a platform's event may come once or never."""

    def __init__(self, *, store: BillingStore, gateway: Gateway, fulfilment: Fulfilment, clock: Clock) -> None:
        self._store = store
        self._gateway = gateway
        self._fulfilment = fulfilment
        self._clock = clock

    async def settle(self) -> int:
        """Let plans of workspaces that the app has left end with their period; return how much was done.

        Once a subscription and period: whoever takes it up again at Stripe meanwhile keeps it. Payment pages are closed.
        Where the app came back, those who may buy are told that the plan is ending, and how it goes on.

        Raises:
            BillingUnavailable: If Stripe does not answer; what was not done is found again.
        """
        found = await self._store.read(self._find)
        for page in found.pages:
            await self._close(page)
        for subscription in found.gone:
            await self._end(subscription)
        for subscription in found.back:
            await self._store.write(lambda tx, one=subscription: self._tell_back(tx, one))  # type: ignore[misc]
        return len(found.pages) + len(found.gone) + len(found.back)

    def _find(self, tx: BillingTransaction) -> _Found:
        live = [item for item in tx.billing.list_subscriptions() if item.is_live]
        gone = [item for item in live if _is_away(tx, item.workspace_id)]
        back = [item for item in live if item.cancel_at is not None and item not in gone]
        return _Found(
            [item for item in gone if tx.billing.find_notice(_left_key(item)) is None],
            [
                item
                for item in tx.billing.list_unfinished_checkouts()
                if item.state is CheckoutState.OPEN and _is_away(tx, item.workspace_id)
            ],
            [
                item
                for item in back
                if tx.billing.find_notice(_left_key(item)) is not None
                and tx.billing.find_notice(_back_key(item)) is None
            ],
        )

    async def _close(self, page: Checkout) -> None:
        """Close a page on which somebody could still pay for a workspace that is gone, and take what became of it."""
        if page.stripe_id is None:
            return
        await self._gateway.expire_checkout(page.stripe_id)
        try:
            await self._fulfilment.checkout(page.stripe_id)
        except (Contradiction, NotOurs, NotYet) as error:
            _log.warning("departure_page_skipped", checkout=page.id, reason=str(error))

    async def _end(self, subscription: Subscription) -> None:
        try:
            if subscription.cancel_at is None:
                await self._gateway.set_cancelled(subscription.id, cancelled=True)
            await self._fulfilment.subscription(subscription.id)
        except (BillingRefused, Contradiction, NotOurs, NotYet) as error:
            # it ended while nobody told us, or is not ours to end: the reconciliation says so
            _log.warning("departure_skipped", subscription=subscription.id, reason=str(error))
        await self._store.write(lambda tx: self._tell_left(tx, subscription))

    def _tell_left(self, tx: BillingTransaction, before: Subscription) -> None:
        """Write down that it was done: nobody in the workspace can be told any more."""
        now = self._clock.now()
        is_new = tell(
            tx,
            NoticeKind.APP_LEFT,
            _left_key(before),
            workspace_id=before.workspace_id,
            now=now,
            audience=Audience.OPERATOR,
            subscription=before.id,
            tier=before.tier,
            ends_at=before.period_end.isoformat(),
        )
        if is_new and before.cancel_at is None:
            details = {"subscription": before.id, "reason": "app_removed"}
            tx.audit.add(
                AuditEntry(now, _ACTOR, "subscription_cancelled", before.workspace_id, before.workspace_id, details)
            )

    def _tell_back(self, tx: BillingTransaction, subscription: Subscription) -> None:
        ends_at = subscription.cancel_at or subscription.period_end
        tell(
            tx,
            NoticeKind.PLAN_ENDING,
            _back_key(subscription),
            workspace_id=subscription.workspace_id,
            now=self._clock.now(),
            tier=subscription.tier,
            ends_at=ends_at.isoformat(),
        )


def _is_away(tx: BillingTransaction, workspace_id: str) -> bool:
    workspace = tx.workspaces.find(workspace_id)
    return workspace is not None and workspace.removed_at is not None


def _left_key(subscription: Subscription) -> str:
    return f"left:{subscription.id}:{subscription.period_end:%Y%m%d}"


def _back_key(subscription: Subscription) -> str:
    return f"back:{subscription.id}:{subscription.period_end:%Y%m%d}"
