"""What a payment grants: packs from a paid page, months from a paid invoice, and from nothing else.

Each method is one transaction's work on a freshly fetched object. It may be repeated and run in any order: what is
granted is keyed by what was paid.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.billing.catalogue import CURRENCY, Catalogue, Product
from core.billing.model import SLOT_TAKEN, Checkout, CheckoutState, NoticeKind, Purchase
from core.billing.months import granted_by
from core.billing.notices import buyers_of_plan, tell
from core.billing.objects import CheckoutObject, InvoiceObject
from core.billing.outcome import Contradiction, Outcome, done, get_owner
from core.billing.ports import BillingTransaction
from core.clock import Clock
from core.credits.errors import SourceUsed
from core.credits.model import LotKind
from core.credits.service import Ledger

ACTOR = "stripe"
_NEWS: dict[CheckoutState, tuple[str, NoticeKind | None]] = {
    CheckoutState.OPEN: ("the page is open", None),
    CheckoutState.EXPIRED: ("the page expired", NoticeKind.CHECKOUT_EXPIRED),
    CheckoutState.PENDING: ("the payment takes days", NoticeKind.PAYMENT_PENDING),
    CheckoutState.FAILED: ("the payment failed", NoticeKind.CHECKOUT_FAILED),
    CheckoutState.COMPLETE: ("a subscription was bought; its credits come with its invoice", None),
}


class Grants:
    """Turns payments into credits."""

    def __init__(self, *, catalogue: Catalogue, ledger: Ledger, clock: Clock) -> None:
        self._catalogue = catalogue
        self._ledger = ledger
        self._clock = clock

    def apply_checkout(self, tx: BillingTransaction, page: CheckoutObject) -> Outcome:
        """Take the state of a payment page.

        Raises:
            NotOurs, NotYet, Contradiction: See `core.billing.outcome.get_owner`; the last also if currency, price or
                amount are not the catalogue's.
        """
        workspace_id = get_owner(tx, page.customer, page.metadata)
        tx.credits.lock_account(workspace_id)
        intent = tx.billing.find_checkout(page.client_reference_id) or tx.billing.find_checkout_by_stripe(page.id)
        if intent is not None and intent.workspace_id != workspace_id:
            raise Contradiction(f"{page.id} was begun by {intent.workspace_id} and paid by {workspace_id}")
        state = _state_of(page)
        if state is CheckoutState.COMPLETE and page.mode == "payment":
            return self._grant_pack(tx, workspace_id, intent, page)
        detail, notice = _NEWS[state]
        if self._move(tx, intent, page, state) and notice is not None:
            self._tell_buyer(tx, notice, intent, page)
        return done(detail, workspace_id)

    def _move(
        self, tx: BillingTransaction, intent: Checkout | None, page: CheckoutObject, state: CheckoutState
    ) -> bool:
        """Store where the purchase stands; True if that is news."""
        if intent is None or intent.state is CheckoutState.COMPLETE:
            return False
        if state in SLOT_TAKEN and intent.state not in SLOT_TAKEN:
            return False  # it was given up here, and its slot may be another's by now
        moved = replace(intent, state=state, stripe_id=intent.stripe_id or page.id)
        if moved != intent:
            tx.billing.save_checkout(moved)
        return moved.state is not intent.state

    def _grant_pack(
        self, tx: BillingTransaction, workspace_id: str, intent: Checkout | None, page: CheckoutObject
    ) -> Outcome:
        product, quantity = self._bought(page)
        amount = product.microcredits * quantity
        purchase = Purchase(
            source_key=f"cs:{page.id}",
            root_id=page.id,
            workspace_id=workspace_id,
            product=product.key,
            amount_cents=page.amount_total,
            currency=page.currency,
            microcredits=amount,
            at=page.created,
        )
        granted = self._grant(tx, purchase, LotKind.PACK, None, product.name)
        self._move(tx, intent, page, CheckoutState.COMPLETE)
        if granted:
            self._tell_buyer(tx, NoticeKind.CREDITS_BOUGHT, intent, page, microcredits=amount, product=product.key)
        return done("credits were bought" if granted else "granted before", workspace_id, granted=granted)

    def _bought(self, page: CheckoutObject) -> tuple[Product, int]:
        if len(page.lines) != 1:
            raise Contradiction(f"{page.id} has {len(page.lines)} lines")
        line = page.lines[0]
        product = self._catalogue.find_by_price(line.price)
        if product is None or product.is_plan:
            raise Contradiction(f"{page.id}: the price {line.price} is not one of a pack")
        expected = product.price_cents * line.quantity
        if page.currency != CURRENCY or line.quantity < 1:
            raise Contradiction(f"{page.id}: {line.quantity} in {page.currency}")
        # taxes may come on top, and nothing may come off
        if page.amount_subtotal != expected or page.amount_total < expected:
            raise Contradiction(f"{page.id}: {page.amount_subtotal} and {page.amount_total} instead of {expected}")
        return product, line.quantity

    def apply_invoice(
        self, tx: BillingTransaction, invoice: InvoiceObject, others: Sequence[InvoiceObject] = ()
    ) -> Outcome:
        """Take the state of an invoice; see `core.billing.months.granted_by` for what a paid one grants.

        Raises:
            NotOurs, NotYet, Contradiction: As `apply_checkout`.
        """
        workspace_id = get_owner(tx, invoice.customer, invoice.metadata)
        tx.credits.lock_account(workspace_id)
        if invoice.status != "paid":
            return self._warn(tx, workspace_id, invoice)
        month = granted_by(self._catalogue, invoice, others)
        if month is None:
            return done(f"nothing comes with this {invoice.billing_reason}", workspace_id)
        purchase = Purchase(
            source_key=f"in:{invoice.id}:{month.line_id}",
            root_id=invoice.id,
            workspace_id=workspace_id,
            product=month.product.key,
            amount_cents=max(0, invoice.total),
            currency=invoice.currency,
            microcredits=month.microcredits,
            at=invoice.created,
        )
        granted = self._grant(tx, purchase, LotKind.MONTHLY, month.expires_at, month.product.name)
        if granted and invoice.billing_reason != "subscription_cycle":
            first = invoice.billing_reason == "subscription_create"
            tell(
                tx,
                NoticeKind.PLAN_STARTED if first else NoticeKind.PLAN_CHANGED,
                f"plan:{invoice.id}",
                workspace_id=workspace_id,
                now=self._clock.now(),
                members=buyers_of_plan(tx, workspace_id),
                tier=month.product.key,
                microcredits=month.microcredits,
                until=month.expires_at.isoformat(),
            )
        return done("a month was granted" if granted else "granted before", workspace_id, granted=granted)

    def _warn(self, tx: BillingTransaction, workspace_id: str, invoice: InvoiceObject) -> Outcome:
        if invoice.status != "open" or not invoice.attempt_count:
            return done(f"the invoice is {invoice.status}", workspace_id)
        tell(
            tx,
            NoticeKind.PAYMENT_FAILED,
            f"unpaid:{invoice.id}:{invoice.attempt_count}",
            workspace_id=workspace_id,
            now=self._clock.now(),
            invoice=invoice.id,
            amount_cents=invoice.amount_due,
            currency=invoice.currency,
        )
        return done("a payment failed; the buyers are told", workspace_id)

    def _grant(
        self, tx: BillingTransaction, purchase: Purchase, kind: LotKind, expires_at: datetime | None, name: str
    ) -> bool:
        try:
            granted = self._ledger.grant(
                tx.credits,
                workspace_id=purchase.workspace_id,
                kind=kind,
                amount_microcredits=purchase.microcredits,
                source_key=purchase.source_key,
                actor=ACTOR,
                expires_at=expires_at,
                reason=name,
            )
        except SourceUsed as error:
            raise Contradiction(str(error)) from error
        tx.billing.add_purchase(purchase)
        return granted

    def _tell_buyer(
        self,
        tx: BillingTransaction,
        kind: NoticeKind,
        intent: Checkout | None,
        page: CheckoutObject,
        *,
        product: str = "",
        microcredits: int = 0,
    ) -> None:
        workspace_id = get_owner(tx, page.customer, page.metadata)
        tell(
            tx,
            kind,
            f"{kind.value}:{page.id}",
            workspace_id=workspace_id,
            now=self._clock.now(),
            members=() if intent is None else intent.told_ids,
            product=product or ("" if intent is None else intent.product),
            microcredits=microcredits,
            amount_cents=page.amount_total,
            currency=page.currency,
            session="" if intent is None else intent.session_id,
        )


def _state_of(page: CheckoutObject) -> CheckoutState:
    if page.status == "open":
        return CheckoutState.OPEN
    if page.status == "expired":
        return CheckoutState.EXPIRED
    if page.status == "complete" and (page.mode == "subscription" or page.payment_status == "paid"):
        return CheckoutState.COMPLETE
    if page.status == "complete" and page.payment_status == "unpaid":
        return CheckoutState.FAILED if page.payment_failed else CheckoutState.PENDING
    raise Contradiction(f"{page.id} is {page.status}, {page.mode}, {page.payment_status}")
