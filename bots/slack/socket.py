"""Socket Mode: the same listeners, fed through a connection that we open, for places without a public address."""

import asyncio
import logging

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.handshake import socket_address
from core.clock import Clock
from core.workspaces.installations import Secret

_log = structlog.get_logger(__name__)
_LOOK_SECONDS = 30.0
_QUIET_SECONDS = 900.0
_PING_SECONDS = 10.0


class SlackSocket:
    """Holds the connection as long as the process runs.

    A socket can stay connected and bring nothing any more (reported: bolt-python#1529), so what counts is when the last
    frame came in, not whether the connection stands. After a quarter of an hour without one a new connection is made:
    its greeting is a frame, so a quiet night costs four calls an hour.

    Args:
        app: See `bots.slack.events.make_slack_app`.
        app_token: ``xapp-...``, with ``connections:write``.
        client: Opens connections; see `bots.slack.clients.web_client`.
        clock: The time.
        quiet_seconds: How long a silence may be.
    """

    def __init__(
        self,
        app: AsyncApp,
        app_token: Secret,
        client: AsyncWebClient,
        clock: Clock,
        *,
        quiet_seconds: float = _QUIET_SECONDS,
    ) -> None:
        self._app = app
        self._token = app_token
        self._web = client
        self._clock = clock
        self._quiet_seconds = quiet_seconds
        self._handler: AsyncSocketModeHandler | None = None
        self._watch: asyncio.Task[None] | None = None
        self._last_frame = clock.monotonic()

    @property
    def age_seconds(self) -> float:
        """How long ago the last frame came in."""
        return self._clock.monotonic() - self._last_frame

    async def start(self) -> None:
        """Connect, and stay connected.

        Raises:
            PostRefused: If Slack does not take the token; the reason is Slack's code.
            TransientError: If Slack cannot be reached.
        """
        url = await socket_address(self._web, self._token)  # with a wrong token the SDK would try for ever
        quiet = logging.getLogger(__name__)
        quiet.setLevel(logging.WARNING)
        handler = AsyncSocketModeHandler(
            self._app, self._token.reveal(), logger=quiet, web_client=self._web, ping_interval=_PING_SECONDS
        )
        handler.client.wss_uri = url
        handler.client.on_message_listeners.append(self._hear)
        self._handler = handler
        self._last_frame = self._clock.monotonic()
        await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt's
        self._watch = asyncio.create_task(self._keep_watch())

    async def aclose(self) -> None:
        """Disconnect; what was not acknowledged comes again."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._handler is not None:
            await self._handler.close_async()  # type: ignore[no-untyped-call]  # Bolt's

    async def _hear(self, _: aiohttp.WSMessage) -> None:
        self._last_frame = self._clock.monotonic()

    async def _keep_watch(self) -> None:
        while True:
            await self._clock.sleep(_LOOK_SECONDS)
            if self.age_seconds < self._quiet_seconds or self._handler is None:
                continue
            _log.info("slack_socket_quiet", age_seconds=round(self.age_seconds))
            self._last_frame = self._clock.monotonic()  # one try a silence, whatever comes of it
            try:
                await self._handler.client.connect_to_new_endpoint(force=True)
            except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
                _log.warning("slack_socket_not_renewed", error=type(error).__name__)
