"""The pages that people meet in a browser: checkout, the portal and hosted invoices."""

from html import escape

from aiohttp import web

from tests.fakes.stripe import buying
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

    def _session(self, request: web.Request) -> Json:
        self._world.catch_up()
        session = self._world.objects.get(request.match_info["id"])
        if session is None or session["object"] != "checkout.session":
            raise web.HTTPNotFound(text="Something went wrong: this page does not exist")
        return session

    async def _checkout(self, request: web.Request) -> web.Response:
        session = self._session(request)
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
        session, form = self._session(request), await request.post()
        buyer = Buyer(card=Card(str(form.get("card", Card.OK))), email=str(form.get("email") or Buyer.email))
        try:
            url = buying.pay(self._world, session, buyer)
        except PageRefusal as refusal:
            return _page(402, escape(str(refusal)))
        return web.Response(status=303, headers={"Location": url})

    async def _invoice(self, request: web.Request) -> web.Response:
        self._world.catch_up()
        invoice = self._world.objects.get(request.match_info["id"])
        if invoice is None or invoice["object"] != "invoice":
            raise web.HTTPNotFound(text="Something went wrong: this page does not exist")
        return _page(
            200, f"{escape(str(invoice['number']))}: {invoice['status']}, {invoice['amount_remaining']} to pay"
        )


def _page(status: int, body: str) -> web.Response:
    text = f"<!DOCTYPE html><html><body>{body}</body></html>"
    return web.Response(status=status, text=text, content_type="text/html")
