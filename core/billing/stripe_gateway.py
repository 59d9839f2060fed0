"""Stripe, behind one door: the only file that knows its SDK. What comes back is validated here and nowhere else."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

import stripe

from core.billing.catalogue import Catalogue
from core.billing.errors import BillingRefused, BillingUnavailable, MalformedEvent
from core.billing.model import Checkout
from core.billing.objects import (
    WORKSPACE_KEY,
    CheckoutObject,
    CustomerObject,
    DisputeObject,
    EventHint,
    InvoiceObject,
    PriceObject,
    RefundObject,
    StripeObject,
    SubscriptionObject,
)
from core.billing.webhook import hint_of
from core.ids import derived_key

API_VERSION = "2026-10-28.endive"
_RETRIES = 2  # the client's own default is none
_TIMEOUT_SECONDS = 10  # the client's own default is 80
_PAGE = 100
_MOST = 2_000
_CHECKOUT_HOURS = 23  # docs: 30 minutes to 24 hours
_SUFFIX_CHARACTERS = 10  # docs: prefix, suffix and what stands between them have 22
_MISSING = 404
_CONFLICT = 409
_SERVER_FAULT = 500

T = TypeVar("T")
Kind = TypeVar("Kind", bound=StripeObject)


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeConfig:
    """How Stripe is asked.

    Attributes:
        secret_key: ``sk_test_...`` or ``sk_live_...``, or a restricted ``rk_...``.
        api_url: Another server than Stripe's; empty for Stripe's.
        done_url: Where a browser goes after paying, or after leaving the portal.
        automatic_tax: Whether Stripe Tax reckons taxes; it must be set up in the account.
        statement_suffix: What card statements show after the account's prefix, at most 10 characters; empty for nothing.
    """

    secret_key: str
    api_url: str = ""
    done_url: str
    automatic_tax: bool = False
    statement_suffix: str = "CREDITS"


class StripeGateway:
    """See `core.billing.ports.Gateway`."""

    def __init__(self, config: StripeConfig, catalogue: Catalogue) -> None:
        self._config = config
        self._catalogue = catalogue
        self._http = stripe.AIOHTTPClient(timeout=_TIMEOUT_SECONDS)
        self._client = stripe.StripeClient(
            config.secret_key,
            stripe_version=API_VERSION,
            base_addresses={"api": config.api_url} if config.api_url else None,
            http_client=self._http,
            max_network_retries=_RETRIES,
        )
        self._account = ""
        self._portal = ""

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.close_async()  # type: ignore[no-untyped-call]

    @property
    def livemode(self) -> bool:
        return "_live_" in self._config.secret_key

    async def account_id(self) -> str:
        if not self._account:
            self._account = (await _ask(self._client.v1.accounts.retrieve_current_async())).id
        return self._account

    async def create_customer(self, workspace_id: str, *, key: str) -> CustomerObject:
        # nothing but the workspace: a repeat with the same key must have the same parameters
        params: Any = {"metadata": {WORKSPACE_KEY: workspace_id}}
        return await _one(CustomerObject, self._client.v1.customers.create_async(params, {"idempotency_key": key}))

    async def find_customer(self, customer_id: str) -> CustomerObject | None:
        return await _find(CustomerObject, self._client.v1.customers.retrieve_async(customer_id))

    async def create_checkout(self, checkout: Checkout, *, recurring: bool) -> CheckoutObject:
        # made of the stored intent and the settings only, so that every repeat asks for the same
        mark = {WORKSPACE_KEY: checkout.workspace_id, "atelier_checkout": checkout.id}
        params: Any = {
            "mode": "subscription" if recurring else "payment",
            "customer": checkout.customer_id,
            "client_reference_id": checkout.id,
            "line_items": [{"price": checkout.price_id, "quantity": checkout.quantity}],
            "metadata": mark,
            "success_url": f"{self._config.done_url}?checkout={{CHECKOUT_SESSION_ID}}",
            "cancel_url": f"{self._config.done_url}?cancelled=1",
            "expires_at": int((checkout.created_at + timedelta(hours=_CHECKOUT_HOURS)).timestamp()),
            "billing_address_collection": "required",
            "name_collection": {"business": {"enabled": True, "optional": True}},
            "tax_id_collection": {"enabled": True},
            "customer_update": {"name": "auto", "address": "auto"},
            "adaptive_pricing": {"enabled": False},  # amounts are compared with the catalogue's, which has one currency
            "automatic_tax": {"enabled": self._config.automatic_tax},
        }
        if recurring:
            params["subscription_data"] = {"metadata": mark}
        else:
            params["payment_intent_data"] = {"metadata": mark}
            if self._config.statement_suffix:
                suffix = self._config.statement_suffix[:_SUFFIX_CHARACTERS]
                params["payment_intent_data"]["statement_descriptor_suffix"] = suffix
            params["invoice_creation"] = {"enabled": True}  # a pack has an invoice too: for the buyer's books
        options: Any = {"idempotency_key": f"checkout:{checkout.id}"}
        return await _one(CheckoutObject, self._client.v1.checkout.sessions.create_async(params, options))

    async def find_checkout(self, stripe_id: str) -> CheckoutObject | None:
        params: Any = {"expand": ["line_items", "payment_intent"]}
        return await _find(CheckoutObject, self._client.v1.checkout.sessions.retrieve_async(stripe_id, params))

    async def expire_checkout(self, stripe_id: str) -> bool:
        try:
            await _ask(self._client.v1.checkout.sessions.expire_async(stripe_id))
        except BillingRefused:
            found = await self.find_checkout(stripe_id)
            return found is None or found.status == "expired"
        return True

    async def list_checkouts(self, customer_id: str) -> Sequence[CheckoutObject]:
        return await _all(
            CheckoutObject,
            self._client.v1.checkout.sessions.list_async({"customer": customer_id, "limit": _PAGE}),
        )

    async def find_subscription(self, subscription_id: str) -> SubscriptionObject | None:
        return await _find(SubscriptionObject, self._client.v1.subscriptions.retrieve_async(subscription_id))

    async def list_subscriptions(self, customer_id: str) -> Sequence[SubscriptionObject]:
        return await _all(
            SubscriptionObject,
            self._client.v1.subscriptions.list_async({"customer": customer_id, "status": "all", "limit": _PAGE}),
        )

    async def set_cancelled(self, subscription_id: str, *, cancelled: bool) -> SubscriptionObject:
        found = await self.find_subscription(subscription_id)
        if found is not None and found.schedule:
            # while a change of plan waits, Stripe refuses to be told of an end; whoever cancels does not want the change
            await _ask(self._client.v1.subscription_schedules.release_async(found.schedule))
        # without a key of ours: it sets a state, and a key would answer the next change of mind with the last one
        return await _one(
            SubscriptionObject,
            self._client.v1.subscriptions.update_async(subscription_id, {"cancel_at_period_end": cancelled}),
        )

    async def portal_url(self, customer_id: str, *, change: tuple[str, str, str] | None = None) -> str:
        params: Any = {
            "customer": customer_id,
            "return_url": self._config.done_url,
            "configuration": await self._portal_configuration(),
        }
        if change is not None:
            subscription_id, item_id, price_id = change
            params["flow_data"] = {
                "type": "subscription_update_confirm",
                "subscription_update_confirm": {
                    "subscription": subscription_id,
                    "items": [{"id": item_id, "price": price_id, "quantity": 1}],
                },
                "after_completion": {"type": "redirect", "redirect": {"return_url": self._config.done_url}},
            }
        return (await _ask(self._client.v1.billing_portal.sessions.create_async(params))).url

    async def find_invoice(self, invoice_id: str) -> InvoiceObject | None:
        return await _find(InvoiceObject, self._client.v1.invoices.retrieve_async(invoice_id))

    async def list_invoices(self, customer_id: str, *, limit: int | None = None) -> Sequence[InvoiceObject]:
        most = _MOST if limit is None else limit
        found = self._client.v1.invoices.list_async({"customer": customer_id, "limit": min(most, _PAGE)})
        return await _all(InvoiceObject, found, most=most)

    async def find_refund(self, refund_id: str) -> RefundObject | None:
        return await _find(RefundObject, self._client.v1.refunds.retrieve_async(refund_id))

    async def find_dispute(self, dispute_id: str) -> DisputeObject | None:
        return await _find(DisputeObject, self._client.v1.disputes.retrieve_async(dispute_id))

    async def find_payment(self, charge_id: str) -> str:
        charge = await _retrieved(self._client.v1.charges.retrieve_async(charge_id))
        return "" if charge is None else _id(charge.payment_intent)

    async def list_refunds(self, *, payment: str = "", since: datetime | None = None) -> Sequence[RefundObject]:
        return await _all(RefundObject, self._client.v1.refunds.list_async(_narrowed(payment, since)))

    async def list_disputes(self, *, payment: str = "", since: datetime | None = None) -> Sequence[DisputeObject]:
        return await _all(DisputeObject, self._client.v1.disputes.list_async(_narrowed(payment, since)))

    async def find_root(self, payment: str) -> str:
        # a pack's page makes an invoice too, but it is the page that granted: ask for the page first
        pages: Any = {"payment_intent": payment, "limit": 1}
        for page in (await _ask(self._client.v1.checkout.sessions.list_async(pages))).data:
            return page.id
        of_payment: Any = {"payment": {"type": "payment_intent", "payment_intent": payment}, "limit": 1}
        for part in (await _ask(self._client.v1.invoice_payments.list_async(of_payment))).data:
            return _id(part.invoice)
        return ""

    async def list_payments(self, root_id: str) -> Sequence[str]:
        if not root_id.startswith("in_"):
            page = await self.find_checkout(root_id)
            return [page.payment] if page is not None and page.payment else []
        found = await _ask(self._client.v1.invoice_payments.list_async({"invoice": root_id, "limit": _PAGE}))
        payments = [_id(part.payment.payment_intent) for part in found.data if part.payment.type == "payment_intent"]
        return [payment for payment in payments if payment]

    async def list_events(self, since: datetime) -> Sequence[EventHint]:
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": _PAGE}
        found: list[EventHint] = []
        async for item in _pages(self._client.v1.events.list_async(params), most=_MOST):
            try:
                found.append(hint_of(item))
            except MalformedEvent:
                continue
        return found[::-1]

    async def find_price(self, price_id: str) -> PriceObject | None:
        return await _find(PriceObject, self._client.v1.prices.retrieve_async(price_id, {"expand": ["product"]}))

    async def _portal_configuration(self) -> str:
        """Return the portal's configuration for our plans, made when there is none yet."""
        if self._portal:
            return self._portal
        features = await self._portal_features()
        digest = derived_key("portal", repr(features))
        active: Any = {"active": True, "limit": _PAGE}
        async for item in _pages(self._client.v1.billing_portal.configurations.list_async(active), most=_MOST):
            if item["metadata"].get("atelier_portal") == digest:
                self._portal = item["id"]
                return self._portal
        params: Any = {
            "features": features,
            "default_return_url": self._config.done_url,
            "metadata": {"atelier_portal": digest},
        }
        options: Any = {"idempotency_key": f"portal:{digest}"}
        self._portal = (await _ask(self._client.v1.billing_portal.configurations.create_async(params, options))).id
        return self._portal

    async def _portal_features(self) -> dict[str, Any]:
        prices = [await self.find_price(plan.price_id) for plan in self._catalogue.plans]
        products = [{"product": price.product, "prices": [price.id]} for price in prices if price is not None]
        return {
            "customer_update": {"enabled": True, "allowed_updates": ["address", "email", "name", "tax_id"]},
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True},
            "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
            "subscription_update": {
                "enabled": True,
                "default_allowed_updates": ["price"],
                "proration_behavior": "always_invoice",
                "products": products,
                "schedule_at_period_end": {"conditions": [{"type": "decreasing_item_amount"}]},
            },
        }


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Raise our errors instead of the SDK's."""
    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise BillingUnavailable(f"Stripe: {type(error).__name__}") from error
    except stripe.StripeError as error:
        status = error.http_status or 0
        if isinstance(error, stripe.APIError) or status >= _SERVER_FAULT or status == _CONFLICT:
            kept = status == _SERVER_FAULT
            raise BillingUnavailable(f"Stripe: {type(error).__name__} {status}", is_kept=kept) from error
        code = error.code or type(error).__name__
        param = getattr(error, "param", None) or ""
        raise BillingRefused(f"Stripe: {code} {param}".rstrip(), code=code, param=param) from error


async def _ask(call: Awaitable[T]) -> T:
    async with _translated():
        return await call


async def _retrieved(call: Awaitable[T]) -> T | None:
    """Return what is retrieved by its id, None if there is no such thing."""
    async with _translated():
        try:
            return await call
        except stripe.InvalidRequestError as error:
            if error.http_status != _MISSING:
                raise
            return None


async def _one(kind: type[Kind], call: Awaitable[Any]) -> Kind:
    return kind.model_validate((await _ask(call)).to_dict())


async def _find(kind: type[Kind], call: Awaitable[Any]) -> Kind | None:
    found = await _retrieved(call)
    return None if found is None else kind.model_validate(found.to_dict())


async def _all(kind: type[Kind], call: Awaitable[Any], *, most: int = _MOST) -> list[Kind]:
    return [kind.model_validate(item) async for item in _pages(call, most=most)]


async def _pages(call: Awaitable[Any], *, most: int) -> AsyncIterator[dict[str, Any]]:
    """Yield the objects of a list, page by page, at most *most*."""
    async with _translated():
        listed = await call
        number = 0
        async for item in listed.auto_paging_iter():
            yield item.to_dict()
            number += 1
            if number == most:
                return


def _narrowed(payment: str, since: datetime | None) -> Any:
    params: dict[str, Any] = {"limit": _PAGE}
    if payment:
        params["payment_intent"] = payment
    if since is not None:
        params["created"] = {"gte": int(since.timestamp())}
    return params


def _id(value: Any) -> str:
    """Return the id of what may be an id, an expanded object, or nothing."""
    if value is None:
        return ""
    return value if isinstance(value, str) else str(value.id)
