"""The shop that the settings configure."""

from bots.http.stripe import DONE_PATH
from bots.settings import Settings
from core.billing.catalogue import Catalogue, make_catalogue
from core.billing.ports import BillingStore, Wake
from core.billing.shop import Shop, open_shop
from core.billing.stripe_gateway import StripeConfig
from core.clock import Clock
from core.credits.service import Ledger
from core.credits.tiers import PriceList


def make_shop(
    settings: Settings, *, store: BillingStore, ledger: Ledger, prices: PriceList, clock: Clock, wake: Wake
) -> Shop | None:
    """Return the shop, None where nothing is sold; close it when the process ends.

    Args:
        settings: Without STRIPE_SECRET_KEY nothing is sold. Without any provider's key nothing is sold either, but what
            was paid before is still looked after.
        store: The database.
        ledger: Where credits move.
        prices: Tiers and packs.
        clock: The time.
        wake: Lets sessions that wait for credits go on; `core.sessions.service.SessionService.sweep`.

    Raises:
        ValueError: If one price stands for two products.
    """
    if settings.stripe_secret_key is None:
        return None
    secrets = settings.stripe_webhook_secret
    return open_shop(
        stripe_config(settings),
        catalogue_of(settings, prices),
        store=store,
        ledger=ledger,
        clock=clock,
        wake=wake,
        webhook_secrets=secrets.get_secret_value().split(",") if secrets is not None else (),
        may_sell=bool(settings.providers),
    )


def stripe_config(settings: Settings) -> StripeConfig:
    """Return how Stripe is asked."""
    key = settings.stripe_secret_key
    base = settings.public_url or f"http://{settings.http_host}:{settings.http_port}"
    return StripeConfig(
        secret_key=key.get_secret_value() if key is not None else "",
        api_url=settings.stripe_api_url,
        done_url=base + DONE_PATH,
        automatic_tax=settings.stripe_tax,
    )


def catalogue_of(settings: Settings, prices: PriceList) -> Catalogue:
    """Return what is sold; raises `ValueError` if one price stands for two products."""
    return make_catalogue(
        prices,
        starter=settings.stripe_starter_price_id,
        pro=settings.stripe_pro_price_id,
        credit=settings.stripe_credit_price_id,
    )
