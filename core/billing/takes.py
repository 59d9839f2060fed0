"""What refunds and disputes take back, and give back when they come to nothing.

All of one purchase are looked at together, so the order in which they are heard of does not matter: together they never
take more than the purchase granted, and what each takes depends on which of them are in force, and on nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from core.billing.grants import ACTOR
from core.billing.model import Audience, NoticeKind, Purchase, Take, TakeKind
from core.billing.notices import tell
from core.billing.objects import DisputeObject, RefundObject
from core.billing.outcome import Contradiction, Outcome, done
from core.billing.ports import BillingTransaction
from core.clock import Clock
from core.credits.service import Ledger

# Stripe's words; a dispute of a kind that only asks (``warning_...``) moves no money, nor one that was prevented
_GONE = {
    TakeKind.REFUND: frozenset({"succeeded"}),
    TakeKind.DISPUTE: frozenset({"needs_response", "under_review", "lost"}),
}


def is_gone(item: RefundObject | DisputeObject) -> bool:
    """Return whether the money is gone at this moment."""
    return item.status in _GONE[_kind(item)]


def shares(purchase: Purchase, takes: Iterable[Take]) -> dict[str, int]:
    """Return how many micro-credits each of *takes* takes: by its part of the money, rounded up, never more than all."""
    left = purchase.microcredits
    found: dict[str, int] = {}
    for take in sorted(takes, key=lambda take: take.id):
        part = -(-purchase.microcredits * take.amount_cents // max(1, purchase.amount_cents)) if take.active else 0
        found[take.id] = min(part, left)
        left -= found[take.id]
    return found


class Takes:
    """Takes back and gives back."""

    def __init__(self, *, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock

    def apply(
        self,
        tx: BillingTransaction,
        purchase: Purchase,
        refunds: Sequence[RefundObject],
        disputes: Sequence[DisputeObject],
    ) -> Outcome:
        """Take the state of everything that was refunded or disputed of a purchase.

        Args:
            tx: The transaction; the caller makes sure that the state is the newest.
            purchase: What was paid and granted.
            refunds: All refunds of it.
            disputes: All disputes of it.

        Raises:
            Contradiction: If money goes back in another currency than it came in.
        """
        tx.credits.lock_account(purchase.workspace_id)
        known = {take.id: take for take in tx.billing.list_takes(purchase.workspace_id, source_key=purchase.source_key)}
        items: list[RefundObject | DisputeObject] = [*refunds, *disputes]
        for item in items:
            if item.currency != purchase.currency:
                raise Contradiction(f"{item.id} is in {item.currency}, {purchase.root_id} in {purchase.currency}")
            fresh = Take(
                id=item.id,
                kind=_kind(item),
                source_key=purchase.source_key,
                workspace_id=purchase.workspace_id,
                amount_cents=item.amount,
                status=item.status,
                active=is_gone(item),
                at=item.created,
            )
            before = known.get(item.id, fresh)
            known[item.id] = replace(fresh, taken_microcredits=before.taken_microcredits, turn=before.turn)
        targets = shares(purchase, known.values())
        changed = [take for take in known.values() if take.taken_microcredits != targets[take.id]]
        for take in changed:
            if take.taken_microcredits:
                self._ledger.restore(tx.credits, key=_key(take), actor=ACTOR, reason=f"{take.kind} {take.status}")
        for take in changed:
            moved = replace(take, taken_microcredits=targets[take.id], turn=take.turn + 1)
            if moved.taken_microcredits:
                self._ledger.clawback(
                    tx.credits,
                    source_key=purchase.source_key,
                    amount_microcredits=moved.taken_microcredits,
                    key=_key(moved),
                    actor=ACTOR,
                    reason=str(take.kind),
                )
            known[take.id] = moved
        for take in known.values():
            tx.billing.save_take(take)
            self._tell(tx, purchase, take)
        # what was given back may let sessions go on
        given_back = any(take.taken_microcredits > targets[take.id] for take in changed)
        detail = f"{sum(targets.values())} of {purchase.microcredits} micro-credits are taken back"
        return done(detail, purchase.workspace_id, granted=given_back)

    def _tell(self, tx: BillingTransaction, purchase: Purchase, take: Take) -> None:
        if not take.active and not take.status.startswith("warning_"):
            return
        facts: dict[str, Any] = {
            "amount_cents": take.amount_cents,
            "currency": purchase.currency,
            "microcredits": take.taken_microcredits,
            "product": purchase.product,
            "status": take.status,
        }
        kind = NoticeKind.DISPUTED if take.kind is TakeKind.DISPUTE else NoticeKind.REFUNDED
        now = self._clock.now()
        if take.active:
            tell(tx, kind, f"{kind.value}:{take.id}", workspace_id=purchase.workspace_id, now=now, **facts)
        if take.kind is TakeKind.DISPUTE:
            tell(
                tx,
                kind,
                f"operator:{take.id}:{take.status}",
                workspace_id=purchase.workspace_id,
                now=now,
                audience=Audience.OPERATOR,
                **facts,
                dispute=take.id,
            )


def _key(take: Take) -> str:
    prefix = "dp" if take.kind is TakeKind.DISPUTE else "re"
    return f"{prefix}:{take.id}:{take.turn}"


def _kind(item: RefundObject | DisputeObject) -> TakeKind:
    return TakeKind.DISPUTE if isinstance(item, DisputeObject) else TakeKind.REFUND
