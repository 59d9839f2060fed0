"""What a customer does in the billing portal."""

from dataclasses import dataclass

from tests.fakes.stripe import invoicing, subscribing, switching
from tests.fakes.stripe.model import Card, Json, PageRefusal
from tests.fakes.stripe.scheduling import schedule_price
from tests.fakes.stripe.subscribing import OVER
from tests.fakes.stripe.switching import Change, Wanted
from tests.fakes.stripe.world import World

_MOST_SECONDS = 5 * 60  # docs: a link that nobody opens within five minutes is dead


def opened(world: World, session: Json) -> "PortalPage":
    """Open the link of a portal session.

    Raises:
        PageRefusal: If it is older than five minutes.
    """
    world.catch_up()
    if world.now() - session["created"] > _MOST_SECONDS:
        raise PageRefusal("This link has expired")
    return PortalPage(world, session)


@dataclass(frozen=True)
class PortalPage:
    """The portal as one customer sees it; what its configuration does not enable is refused with `PageRefusal`."""

    world: World
    session: Json

    @property
    def features(self) -> Json:
        """What the customer may do."""
        features: Json = self.world.of(self.session["configuration"])["features"]
        return features

    @property
    def subscriptions(self) -> list[Json]:
        """The customer's subscriptions that have not ended."""
        found = self.world.every("subscription", livemode=self.session["livemode"])
        return [one for one in found if one["customer"] == self.session["customer"] and one["status"] not in OVER]

    @property
    def invoices(self) -> list[Json]:
        """The customer's invoices, without drafts."""
        self._need("invoice_history")
        found = self.world.every("invoice", livemode=self.session["livemode"])
        return [one for one in found if one["customer"] == self.session["customer"] and one["status"] != "draft"]

    def cancel(self, *, feedback: str | None = None, comment: str | None = None) -> None:
        """Press "Cancel subscription": at the end of the period or now, as the configuration says."""
        feature, subscription = self._need("subscription_cancel"), self._one()
        details = {**(subscription["cancellation_details"] or {}), "feedback": feedback, "comment": comment}
        if feature["mode"] == "immediately":
            subscription["cancellation_details"] = details
            subscribing.end_now(self.world, subscription, "cancellation_requested")
            return
        if subscription["schedule"] is not None:
            subscribing.release_schedule(self.world, subscription)
        self.world.change(
            "customer.subscription.updated",
            subscription,
            cancel_at_period_end=True,
            cancel_at=subscribing.period_of(subscription)[1],
            canceled_at=self.world.now(),
            cancellation_details={**details, "reason": "cancellation_requested"},
        )

    def keep(self) -> None:
        """Press "Don't cancel subscription"."""
        self._need("subscription_cancel")
        self.world.change(
            "customer.subscription.updated",
            self._one(),
            cancel_at_period_end=False,
            cancel_at=None,
            canceled_at=None,
            cancellation_details={"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        )

    def change_plan(self, price_id: str) -> None:
        """Choose another plan among those that the configuration offers."""
        feature, subscription = self._need("subscription_update"), self._one()
        offered = {price for one in feature["products"] for price in one["prices"]}
        if price_id not in offered:
            raise PageRefusal("this plan is not offered")
        self._switch(subscription, self.world.of(price_id), feature)

    def confirm(self) -> str:
        """Press "Confirm" on a page that was opened to change to one plan; return where the browser goes then."""
        feature, flow = self._need("subscription_update"), self.session["flow"]
        if flow is None or flow["type"] != "subscription_update_confirm":
            raise PageRefusal("there is nothing to confirm")
        wanted = flow["subscription_update_confirm"]
        subscription = self.world.of(wanted["subscription"])
        if subscription["status"] in OVER:
            raise PageRefusal("this subscription has ended")
        self._switch(subscription, self.world.of(wanted["items"][0]["price"]), feature)
        redirect = flow["after_completion"].get("redirect")
        return str((redirect or {"return_url": self.session["return_url"]})["return_url"])

    def _switch(self, subscription: Json, price: Json, feature: Json) -> None:
        """Change to a plan now, or at the end of the period where the configuration says so."""
        item = subscription["items"]["data"][0]
        conditions = {one["type"] for one in feature["schedule_at_period_end"]["conditions"]}
        if "decreasing_item_amount" in conditions and price["unit_amount"] < item["price"]["unit_amount"]:
            schedule_price(self.world, subscription, price)
            return
        if subscription["schedule"] is not None:
            subscribing.release_schedule(self.world, subscription)
        wanted = Wanted(item, price, item["quantity"])
        before: Json = {}
        change = Change([wanted], feature["proration_behavior"], self.world.now())
        switching.switch(self.world, subscription, change, before)
        if subscription["cancel_at_period_end"]:
            before |= {"cancel_at_period_end": True, "cancel_at": subscription["cancel_at"]}
            subscription |= {"cancel_at_period_end": False, "cancel_at": None, "canceled_at": None}
        self.world.emit("customer.subscription.updated", subscription, before)

    def update_card(self, card: Card = Card.OK) -> None:
        """Enter another card; open invoices of subscriptions are tried with it at once."""
        self._need("payment_method_update")
        customer = self.world.of(self.session["customer"])
        self.world.cards[customer["id"]] = card
        settings = {**customer["invoice_settings"], "default_payment_method": self.world.next_id("pm")}
        self.world.change("customer.updated", customer, invoice_settings=settings)
        for invoice in self.world.every("invoice", livemode=customer["livemode"]):
            if invoice["customer"] == customer["id"] and invoice["status"] == "open":
                pay_invoice(self.world, invoice, card)

    def _need(self, feature: str) -> Json:
        self.world.catch_up()
        found: Json = self.features[feature]
        if not found["enabled"]:
            raise PageRefusal(f"{feature} is not enabled")
        return found

    def _one(self) -> Json:
        if not self.subscriptions:
            raise PageRefusal("there is no subscription")
        return self.subscriptions[0]


def pay_invoice(world: World, invoice: Json, card: Card) -> bool:
    """Pay an open invoice by hand; return whether it is paid."""
    if invoice["status"] != "open":
        raise PageRefusal(f"this invoice is {invoice['status']}")
    invoicing.collect(world, invoice, card)
    details = (invoice["parent"] or {}).get("subscription_details")
    if details:
        subscribing.recovered(world, world.of(details["subscription"]))
    return bool(invoice["status"] == "paid")
