"""A small app on the unmodified slack_bolt that remembers what it got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Json

MODAL: Json = {
    "type": "modal",
    "callback_id": "new",
    "title": {"type": "plain_text", "text": "New session"},
    "submit": {"type": "plain_text", "text": "Start"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "what",
            "label": {"type": "plain_text", "text": "What"},
            "element": {"type": "plain_text_input", "action_id": "brief"},
        },
        {
            "type": "input",
            "block_id": "files",
            "optional": True,
            "label": {"type": "plain_text", "text": "Files"},
            "element": {"type": "file_input", "action_id": "files"},
        },
        {
            "type": "input",
            "block_id": "team",
            "label": {"type": "plain_text", "text": "Editors"},
            "element": {
                "type": "static_select",
                "action_id": "team",
                "initial_option": {"text": {"type": "plain_text", "text": "Standard"}, "value": "standard"},
                "options": [
                    {"text": {"type": "plain_text", "text": "Standard"}, "value": "standard"},
                    {"text": {"type": "plain_text", "text": "Legal"}, "value": "legal"},
                ],
            },
        },
    ],
}
_EVENTS = (
    "app_mention",
    "app_home_opened",
    "app_uninstalled",
    "tokens_revoked",
    "agent_session_stopped",
    "channel_archive",
    "member_joined_channel",
)
BUTTONS: list[Json] = [
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "stop",
                "value": "s1",
                "text": {"type": "plain_text", "text": "Stop session"},
            }
        ],
    }
]


@dataclass
class Got:
    """What the app got.

    Attributes:
        fails: How many of the next events it answers with 500.
    """

    events: list[Json] = field(default_factory=list)
    retries: list[str] = field(default_factory=list)
    interactions: list[Json] = field(default_factory=list)
    contexts: list[tuple[str | None, str | None, bool | None]] = field(default_factory=list)
    fails: int = 0
    submission: Json = field(default_factory=dict)
    hangs: asyncio.Event | None = None

    @property
    def kinds(self) -> list[str]:
        """The events' types and subtypes."""
        return [f"{one['type']}/{one['subtype']}" if one.get("subtype") else one["type"] for one in self.events]

    async def on_event(self, event: Json, context: Any, request: Any) -> None:
        """Take an event, unless the test wants otherwise."""
        if self.hangs is not None:
            await self.hangs.wait()
        self.retries += request.headers.get("x-slack-retry-num", [])
        if self.fails:
            self.fails -= 1
            raise RuntimeError("the database is away")
        self.events.append(event)
        self.contexts.append((context.enterprise_id, context.team_id, context.is_enterprise_install))

    async def on_command(self, ack: AsyncAck, body: Json, client: AsyncWebClient) -> None:
        """Answer a command."""
        self.interactions.append(body)
        if body["text"] == "form":
            await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
            await ack()
        elif body["text"] == "fail":
            raise RuntimeError("no")
        else:
            await ack(f"Reading {body['text']}, price follows")

    async def on_action(self, ack: AsyncAck, body: Json) -> None:
        """Answer a button or a shortcut with nothing."""
        self.interactions.append(body)
        await ack()

    async def on_view(self, ack: AsyncAck, body: Json) -> None:
        """Answer a form as the test wants."""
        self.interactions.append(body)
        await ack(**self.submission)


def build_app(slack: LocalSlack, session: aiohttp.ClientSession, got: Got) -> AsyncApp:
    """Return the app; it finds its tokens in the local Slack, as it would in its database."""
    app = AsyncApp(
        client=AsyncWebClient(base_url=slack.api_url, session=session, retry_handlers=[]),
        signing_secret=slack.world.app.signing_secret,
        authorize=_authorize_in(slack),
        process_before_response=True,
    )
    listen: Any = app
    for kind in ("", "message_changed", "message_deleted", "file_share", "thread_broadcast", "bot_message"):
        listen.event({"type": "message", "subtype": kind or None})(got.on_event)
    for kind in _EVENTS:
        listen.event(kind)(got.on_event)
    listen.command("/atelier")(got.on_command)
    listen.action("stop")(got.on_action)
    listen.shortcut("edit")(got.on_action)
    listen.view("new")(got.on_view)
    listen.view_closed("new")(got.on_view)
    return app


def _authorize_in(slack: LocalSlack) -> Any:
    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult | None:
        for grant in reversed(slack.world.grants.values()):
            if not grant.is_revoked and grant.owner in {team_id, enterprise_id}:
                return AuthorizeResult(
                    enterprise_id=enterprise_id,
                    team_id=team_id,
                    bot_token=grant.token,
                    bot_id=grant.bot_id,
                    bot_user_id=grant.user_id,
                )
        return None

    return authorize


@asynccontextmanager
async def served(slack: LocalSlack, app: AsyncApp) -> AsyncIterator[None]:
    """Serve the app on a free port of this machine and tell Slack its address."""
    runner = web.AppRunner(app.web_app("/slack/events"), shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    slack.world.app.request_url = f"http://{host}:{port}/slack/events"
    try:
        yield
    finally:
        await slack.delivering.stop()
        await runner.cleanup()
