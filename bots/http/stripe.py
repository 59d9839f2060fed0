"""Stripe's way in, and where browsers come back to after paying."""

import re

import structlog
from aiohttp import web

from core.billing.errors import BadSignature, BillingRefused, MalformedEvent
from core.billing.intake import WebhookIntake
from core.billing.service import BillingService
from core.errors import TransientError

WEBHOOK_PATH = "/stripe/webhook"
DONE_PATH = "/billing/done"
_SIGNATURE = "Stripe-Signature"
_PAGE_ID = re.compile(r"cs_(test|live)_[A-Za-z0-9]{1,200}")
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_HTML = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem;color:#222}}
@media(prefers-color-scheme:dark){{body{{background:#161616;color:#ddd}}}}</style>
<h1>{title}</h1><p>{text}</p></html>
"""

_log = structlog.get_logger(__name__)


def stripe_routes(intake: WebhookIntake, service: BillingService) -> list[web.RouteDef]:
    """Return the routes of an installation that sells."""

    async def webhook(request: web.Request) -> web.Response:
        """Store an event. 2xx only when it is stored; 400 for what Stripe never sent; else Stripe sends it again."""
        if not intake.is_open:
            raise web.HTTPNotFound
        try:
            added = await intake.receive(await request.read(), request.headers.get(_SIGNATURE, ""))
        except (BadSignature, MalformedEvent) as error:
            _log.warning("stripe_webhook_refused", reason=str(error))
            raise web.HTTPBadRequest(text=str(error)) from error
        except TransientError as error:
            _log.warning("stripe_webhook_not_stored", error=type(error).__name__)
            raise web.HTTPInternalServerError from error
        return web.json_response({"received": True, "new": added})

    async def done(request: web.Request) -> web.Response:
        """Thank a person, and take what was paid if the webhook has not come yet."""
        page_id = request.query.get("checkout", "")
        if _PAGE_ID.fullmatch(page_id):
            try:
                await service.confirm(page_id)
            except (TransientError, BillingRefused) as error:
                # the webhook or the next reconciliation takes it; nobody who has paid should see an error
                _log.warning("checkout_not_confirmed", error=type(error).__name__)
        if request.query.get("cancelled"):
            return _page("Nothing was bought", "You can close this page and go back to your chat.")
        return _page(
            "Thank you",
            "You can close this page. Your chat has a private message as soon as the payment is through; "
            "what waited for credits goes on by itself.",
        )

    return [web.post(WEBHOOK_PATH, webhook), web.get(DONE_PATH, done)]


def _page(title: str, text: str) -> web.Response:
    return web.Response(text=_HTML.format(title=title, text=text), content_type="text/html", headers=_HEADERS)
