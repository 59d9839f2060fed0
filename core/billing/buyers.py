"""Who asks, what they get, and what they may."""

from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from core.billing.model import Customer, Subscription
from core.billing.ports import BillingTransaction
from core.clock import Clock
from core.sessions.ports import AuditEntry


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who asks for something that costs money, or leads to it.

    Attributes:
        member_id: Who.
        is_admin: What the platform says of them at this moment: a Slack admin or owner, a Discord manager.
    """

    workspace_id: str
    member_id: str
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A page of Stripe's, for one person's eyes.

    Attributes:
        url: Whoever has it can use it: never in a channel, a log or a trace.
        product: Key of what it sells; empty for the portal.
        expires_at: When it stops working; None for minutes.
        reused: Whether it was open before, perhaps asked for by somebody else.
    """

    url: str
    product: str = ""
    expires_at: datetime | None = None
    reused: bool = False

    @override
    def __repr__(self) -> str:
        return f"Link(product={self.product!r})"


def may_buy(tx: BillingTransaction, buyer: Buyer) -> bool:
    """Return whether somebody may buy: the platform's admins and those whom they named, unless they are blocked."""
    member = tx.workspaces.find_member(buyer.member_id)
    if member is not None and (member.is_blocked or member.workspace_id != buyer.workspace_id):
        return False
    return buyer.is_admin or (member is not None and member.is_buyer)


def find_live_customer(tx: BillingTransaction, workspace_id: str) -> Customer | None:
    """Return Stripe's customer of a workspace."""
    found = [item for item in tx.billing.list_customers(workspace_id) if item.deleted_at is None]
    return found[0] if found else None


def find_live_subscription(tx: BillingTransaction, workspace_id: str) -> Subscription | None:
    """Return the subscription that can be managed, the newest if there are several."""
    live = [item for item in tx.billing.list_subscriptions(workspace_id) if item.is_live]
    return live[-1] if live else None


def record(tx: BillingTransaction, buyer: Buyer, action: str, *, clock: Clock, **details: str) -> None:
    """Write into the audit log who did what."""
    tx.audit.add(
        AuditEntry(
            at=clock.now(),
            actor=buyer.member_id,
            action=action,
            workspace_id=buyer.workspace_id,
            target=buyer.workspace_id,
            details=dict(details),
        )
    )
