"""What people are told privately. A notice is a row beside what it tells of, so neither exists without the other."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Protocol

from core.billing.model import PLAN_SLOT, Audience, Notice, NoticeKind
from core.billing.ports import BillingTransaction


class BillingNotices(Protocol):
    """Delivers notices; a platform's adapter is one.

    Delivery is at least once: a process may die between the message and `mark_sent`. The notice's key is unique, so an
    adapter that can look up a message by its key can make it exactly once.
    """

    async def deliver(self, notice: Notice) -> bool:
        """Tell people; False if it cannot be told, now or here, and should be tried again.

        For `Audience.BUYERS` the adapter adds the people whom its platform knows as admins to those that are named.
        """
        ...


def tell(
    tx: BillingTransaction,
    kind: NoticeKind,
    key: str,
    *,
    workspace_id: str,
    now: datetime,
    members: Iterable[str] = (),
    audience: Audience | None = None,
    **facts: Any,
) -> bool:
    """Add a notice and return True; False if *key* was told before.

    Args:
        tx: The transaction of what it tells of.
        kind: What happened.
        key: Names the fact.
        workspace_id: Whose; empty for the operator's own.
        now: The moment.
        members: Whom to tell; those who may buy, when there are none.
        audience: Whom else.
        facts: What to say; values of JSON, no links.
    """
    named = tuple(dict.fromkeys(member for member in members if member))
    chosen = audience or (Audience.MEMBERS if named else Audience.BUYERS)
    if chosen is Audience.BUYERS:
        buyers = (member.id for member in tx.workspaces.list_members(workspace_id) if member.is_buyer)
        named = tuple(dict.fromkeys((*named, *buyers)))
    return tx.billing.add_notice(
        Notice(
            key=key,
            workspace_id=workspace_id,
            kind=kind,
            audience=chosen,
            created_at=now,
            member_ids=named,
            facts=facts,
        )
    )


def buyers_of_plan(tx: BillingTransaction, workspace_id: str) -> tuple[str, ...]:
    """Return those who took the plan last: who opened its page, and who got the same page; nobody if it came elsewise."""
    plans = (item for item in tx.billing.list_checkouts(workspace_id) if item.slot == PLAN_SLOT)
    found = next(plans, None)
    return found.told_ids if found is not None else ()
