"""The pages that people meet in a browser: checkout, the portal and hosted invoices."""

from html import escape

from aiohttp import web

from tests.fakes.stripe import buying, portal
from tests.fakes.stripe.buying import Buyer
from tests.fakes.stripe.model import Card, Json, PageRefusal
from tests.fakes.stripe.world import World


class Pages:
    """What browsers get; forms are sent to the address of their page."""

    def __init__(self, world: World) -> None:
        self._world = world

    def add_to(self, app: web.Application) -> None:
        """Listen at the addresses of the pages."""
        app.router.add_get("/c/pay/{id}", self._checkout)
        app.router.add_post("/c/pay/{id}", self._pay)
        app.router.add_get("/i/{id}", self._invoice)
        app.router.add_post("/i/{id}", self._pay_invoice)
        app.router.add_get("/p/session/{id}", self._portal)

    def _found(self, request: web.Request, kind: str) -> Json:
        self._world.catch_up()
        found = self._world.objects.get(request.match_info["id"])
        if found is None or found["object"] != kind:
            raise web.HTTPNotFound(text="Something went wrong: this page does not exist")
        return found

    async def _checkout(self, request: web.Request) -> web.Response:
        session = self._found(request, "checkout.session")
        if session["status"] != "open":
            return _page(410, f"This page is {session['status']}.")
        rows = "".join(
            f"<li>{escape(name)}: {amount / 100:.2f} {session['currency']}</li>"
            for name, amount in buying.item_lines(self._world, session)
        )
        options = "".join(f"<option>{card.value}</option>" for card in Card)
        form = (
            f'<form method="post"><select name="card">{options}</select><input name="email"><button>Pay</button></form>'
        )
        return _page(200, f"<ul>{rows}</ul>{form}")

    async def _pay(self, request: web.Request) -> web.Response:
        session, form = self._found(request, "checkout.session"), await request.post()
        buyer = Buyer(card=Card(str(form.get("card", Card.OK))), email=str(form.get("email") or Buyer.email))
        try:
            url = buying.pay(self._world, session, buyer)
        except PageRefusal as refusal:
            return _page(402, escape(str(refusal)))
        return web.Response(status=303, headers={"Location": url})

    async def _invoice(self, request: web.Request) -> web.Response:
        invoice = self._found(request, "invoice")
        return _page(
            200, f"{escape(str(invoice['number']))}: {invoice['status']}, {invoice['amount_remaining']} to pay"
        )

    async def _pay_invoice(self, request: web.Request) -> web.Response:
        invoice, form = self._found(request, "invoice"), await request.post()
        try:
            is_paid = portal.pay_invoice(self._world, invoice, Card(str(form.get("card", Card.OK))))
        except PageRefusal as refusal:
            return _page(410, escape(str(refusal)))
        return _page(200 if is_paid else 402, invoice["status"])

    async def _portal(self, request: web.Request) -> web.Response:
        try:
            page = portal.opened(self._world, self._found(request, "billing_portal.session"))
        except PageRefusal as refusal:
            return _page(410, escape(str(refusal)))
        rows = "".join(f"<li>{one['id']}: {one['status']}</li>" for one in page.subscriptions)
        return _page(200, f"<ul>{rows}</ul>")


def _page(status: int, body: str) -> web.Response:
    text = f"<!DOCTYPE html><html><body>{body}</body></html>"
    return web.Response(status=status, text=text, content_type="text/html")
