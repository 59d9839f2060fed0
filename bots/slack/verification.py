"""Only what Slack signed comes in, and what did not is neither read nor written down."""

from collections.abc import Awaitable, Callable

import structlog
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from typing_extensions import override

from bots.slack.arrivals import HTTP, SOCKET, Arrivals

_log = structlog.get_logger(__name__)
_SOCKET = "socket_mode"  # there, Slack knows us by the token with which we opened the socket


class Verification(AsyncMiddleware):
    """In place of Bolt's own, which answers 500 to a malformed timestamp and writes refused bodies into the log.

    Args:
        signing_secret: The app's. Empty, nothing that comes by HTTP is let in: anybody could sign with an empty secret.
        arrivals: Notes what comes in, for operators.
    """

    def __init__(self, signing_secret: str, arrivals: Arrivals | None = None) -> None:
        self._arrivals = arrivals
        self._verifier = SignatureVerifier(signing_secret) if signing_secret.strip() else None

    @override
    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Callable[[], Awaitable[BoltResponse]],
    ) -> BoltResponse | None:
        if req.mode != _SOCKET and not self._is_signed(req):
            _log.info("slack_request_refused", bytes=len(req.raw_body))
            self._note(req, is_refused=True)
            return BoltResponse(status=401, body={"error": "invalid request"})
        self._note(req)
        if req.body.get("type") == "app_rate_limited":  # comes bare, not as an event
            _log.warning("slack_events_lost", team=req.body.get("team_id"), since=req.body.get("minute_rate_limited"))
            return BoltResponse(status=200)
        return await next()

    def _note(self, req: AsyncBoltRequest, *, is_refused: bool = False) -> None:
        if self._arrivals is not None:
            self._arrivals.note(req.body, way=SOCKET if req.mode == _SOCKET else HTTP, is_refused=is_refused)

    def _is_signed(self, req: AsyncBoltRequest) -> bool:
        timestamp = next(iter(req.headers.get("x-slack-request-timestamp") or ()), "")
        signature = next(iter(req.headers.get("x-slack-signature") or ()), "")
        if self._verifier is None or not (timestamp.isascii() and timestamp.isdigit()) or not signature.isascii():
            return False
        return self._verifier.is_valid(req.raw_body, timestamp, signature)
