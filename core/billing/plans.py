"""Which tier a workspace has: what its subscriptions entitle it to, and the free one without any."""

from core.billing.catalogue import Catalogue
from core.billing.model import NoticeKind, Subscription
from core.billing.notices import tell
from core.billing.objects import SubscriptionObject
from core.billing.outcome import Contradiction, Outcome, done, get_owner
from core.billing.ports import BillingStore, BillingTransaction
from core.clock import Clock
from core.credits.tiers import FREE, UNLIMITED
from core.sessions.ports import AuditEntry
from core.workspaces.model import Workspace

_PAGE = 200
_TERMINAL = "terminal"


class Plans:
    """Keeps tiers in step with subscriptions."""

    def __init__(self, *, catalogue: Catalogue, clock: Clock) -> None:
        self._catalogue = catalogue
        self._clock = clock

    def read(self, found: SubscriptionObject, workspace_id: str) -> Subscription:
        """Return what we remember of a subscription.

        Raises:
            Contradiction: If it is for no plan of ours.
        """
        for item in found.items:
            product = self._catalogue.find_by_price(item.price)
            if product is not None and product.is_plan:
                ends = item.current_period_end if found.cancel_at_period_end else None
                return Subscription(
                    id=found.id,
                    workspace_id=workspace_id,
                    customer_id=found.customer,
                    tier=product.key,
                    price_id=item.price,
                    status=found.status,
                    started_at=found.start_date,
                    period_start=item.current_period_start,
                    period_end=item.current_period_end,
                    cancel_at=found.cancel_at or ends,
                )
        raise Contradiction(f"{found.id} is for no plan of ours")

    def apply(self, tx: BillingTransaction, found: SubscriptionObject) -> Outcome:
        """Take the state of a subscription; the caller makes sure that it is the newest.

        Raises:
            NotOurs, NotYet, Contradiction: See `core.billing.outcome.get_owner`; the last also if it is for no plan.
        """
        workspace_id = get_owner(tx, found.customer, found.metadata)
        tx.credits.lock_account(workspace_id)
        subscription = self.read(found, workspace_id)
        tx.billing.save_subscription(subscription)
        before, after = self.settle_tier(tx, workspace_id)
        if after == FREE and before != after and not subscription.entitles:
            tell(
                tx,
                NoticeKind.PLAN_ENDED,
                f"ended:{subscription.id}:{subscription.status}:{subscription.period_end:%Y%m%d}",
                workspace_id=workspace_id,
                now=self._clock.now(),
                tier=before,
                status=subscription.status,
            )
        return done(f"{subscription.tier} is {subscription.status}", workspace_id)

    def settle_tier(self, tx: BillingTransaction, workspace_id: str) -> tuple[str, str]:
        """Give the workspace the tier that it pays for; return the one before and the one after."""
        workspace = tx.workspaces.find(workspace_id)
        entitled = [item.tier for item in tx.billing.list_subscriptions(workspace_id) if item.entitles]
        tier = self._catalogue.best_plan(entitled)
        if workspace is None:
            return tier, tier
        if workspace.tier != tier:
            _change_tier(tx, workspace, tier, "stripe", self._clock)
        return workspace.tier, tier


async def align_tiers(store: BillingStore, catalogue: Catalogue | None, *, clock: Clock) -> int:
    """Bring every workspace of a chat platform to where the installation stands; return how many changed.

    Where nothing is sold everybody is unlimited. Where something is sold nobody is, for else who came before the shop
    would never meet it; who subscribes has what the subscription says. A server does this when it starts; any number of
    them may at once, and each workspace changes once.

    Args:
        store: The database.
        catalogue: What is sold; None for nothing.
        clock: The time.
    """
    changed, after = 0, ""
    while True:

        def work(tx: BillingTransaction, start: str = after) -> tuple[str, int]:
            found = tx.workspaces.list_all(limit=_PAGE, after=start)
            number = 0
            for workspace in found:
                if workspace.platform != _TERMINAL and _is_askew(workspace, catalogue):
                    number += _align(tx, workspace.id, catalogue, clock)
            return found[-1].id if found else "", number

        after, number = await store.write(work)
        changed += number
        if not after:
            return changed


def _is_askew(workspace: Workspace, catalogue: Catalogue | None) -> bool:
    return (workspace.tier == UNLIMITED) is not (catalogue is None)


def _align(tx: BillingTransaction, workspace_id: str, catalogue: Catalogue | None, clock: Clock) -> bool:
    """Give a workspace the tier that it should have, under the lock of whatever else changes tiers."""
    tx.credits.lock_account(workspace_id)
    workspace = tx.workspaces.find(workspace_id)
    if workspace is None or not _is_askew(workspace, catalogue):
        return False  # another process was faster
    entitled = [item.tier for item in tx.billing.list_subscriptions(workspace_id) if item.entitles]
    _change_tier(tx, workspace, UNLIMITED if catalogue is None else catalogue.best_plan(entitled), "system", clock)
    return True


def _change_tier(tx: BillingTransaction, workspace: Workspace, tier: str, actor: str, clock: Clock) -> None:
    tx.workspaces.set_tier(workspace.id, tier)
    tx.audit.add(
        AuditEntry(
            at=clock.now(),
            actor=actor,
            action="tier_changed",
            workspace_id=workspace.id,
            target=workspace.id,
            details={"before": workspace.tier, "after": tier},
        )
    )
