"""Slack's routes on the web server: events and presses on one address, installations on two."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bots.slack.oauth import INSTALL_PATH, REDIRECT_PATH, OAuthFlow

_log = structlog.get_logger(__name__)
EVENTS_PATH = "/slack/events"
_Handle = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]


def slack_routes(app: AsyncApp, flow: OAuthFlow | None = None) -> list[web.RouteDef]:
    """Return the routes for `bots.http.app.make_app`; without *flow* the app cannot be installed here."""
    routes = [web.post(EVENTS_PATH, _route(app.async_dispatch))]
    if flow is not None:
        routes += [
            web.get(INSTALL_PATH, _route(flow.handle_installation)),
            web.get(REDIRECT_PATH, _route(flow.handle_callback)),
        ]
    return routes


def _route(handle: _Handle) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def serve(request: web.Request) -> web.StreamResponse:
        try:
            asked = AsyncBoltRequest(
                body=await request.text(), query=request.query_string, headers=dict(request.headers)
            )
        except (ValueError, TypeError, AttributeError):  # Bolt reads a body before it looks whether Slack signed it
            _log.info("slack_request_malformed", path=request.path)
            return web.Response(status=400)
        return _response(await handle(asked))

    return serve


def _response(answer: BoltResponse) -> web.Response:
    """Return an answer as it is: Bolt's own adapter writes cookies anew and drops what it does not know of them."""
    headers = [(name, value) for name, values in answer.headers.items() for value in values]
    if not answer.headers.get("content-type"):
        kind = "application/json" if answer.body.startswith("{") else "text/plain; charset=utf-8"
        headers.append(("Content-Type", kind))
    return web.Response(status=answer.status, body=answer.body.encode(), headers=headers)
