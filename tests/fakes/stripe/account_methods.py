"""The account, its events and its balance."""

import stripe
from stripe import params

from tests.fakes.stripe.asking import LIST, Ask, answers
from tests.fakes.stripe.model import Json, Refusal
from tests.fakes.stripe.spec import sparse
from tests.fakes.stripe.world import World

_EVENTS_KEPT_SECONDS = 30 * 24 * 3600  # docs: api/events/list
_MOST_TYPES = 20


def account(world: World) -> Json:
    """Return the account that the keys belong to."""
    payments = {
        "statement_descriptor": "ATELIER",
        "statement_descriptor_kana": None,
        "statement_descriptor_kanji": None,
    }
    return sparse(
        stripe.Account,
        id=world.account_id,
        business_profile={"name": "Atelier", "url": "https://atelier.test"},
        charges_enabled=True,
        country="US",
        created=world.now(),
        default_currency="usd",
        details_submitted=True,
        email="owner@atelier.test",
        metadata={},
        payouts_enabled=True,
        settings={
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {"statement_descriptor_prefix": "ATELIER"},
            "dashboard": {"display_name": "Atelier", "timezone": "Etc/UTC"},
            "payments": payments,
        },
        type="standard",
    )


@answers("GET /v1/account", params.AccountRetrieveCurrentParams)
def retrieve_account(ask: Ask) -> Json:
    """Return the account of the key."""
    return account(ask.world)


@answers("GET /v1/accounts/{id}", params.AccountRetrieveParams)
def retrieve_account_by_id(ask: Ask) -> Json:
    """Return the account of the key, and no other."""
    if ask.id != ask.world.account_id:
        raise Refusal(f"The provided key does not have access to account '{ask.id}'", "account_invalid", status=403)
    return account(ask.world)


@answers("GET /v1/events", params.EventListParams, f"{LIST} type types")
def list_events(ask: Ask) -> Json:
    """Return the events of the last thirty days."""
    wanted = set(ask.get("types") or [])
    if len(wanted) > _MOST_TYPES:
        raise Refusal("You may pass up to 20 event types", param="types")
    if kind := ask.get("type"):
        wanted.add(kind)
    oldest = ask.world.now() - _EVENTS_KEPT_SECONDS
    found = [one for one in ask.world.every("event", livemode=ask.livemode) if one["created"] >= oldest]
    return ask.listed(one for one in found if not wanted or _is_wanted(one["type"], wanted))


def _is_wanted(kind: str, wanted: set[str]) -> bool:
    return kind in wanted or any(one.endswith("*") and kind.startswith(one[:-1]) for one in wanted)


@answers("GET /v1/events/{id}", params.EventRetrieveParams)
def retrieve_event(ask: Ask) -> Json:
    """Return an event of the last thirty days."""
    return ask.the("event")


@answers("GET /v1/balance_transactions", params.BalanceTransactionListParams, f"{LIST} source type currency")
def list_balance_transactions(ask: Ask) -> Json:
    """Return what moved the balance."""
    found = ask.world.every("balance_transaction", livemode=ask.livemode)
    for name in ("source", "type", "currency"):
        if wanted := ask.get(name):
            found = [one for one in found if one[name] == wanted]
    return ask.listed(found)


@answers("GET /v1/balance_transactions/{id}", params.BalanceTransactionRetrieveParams)
def retrieve_balance_transaction(ask: Ask) -> Json:
    """Return one movement of the balance."""
    return ask.the("balance_transaction")
