"""Slack's ear: every listener stores what was asked and acknowledges it, and nothing slower.

What somebody asked is committed before Slack hears that it arrived, so a process that dies loses nothing: events come
again, and what was stored is worked off by whoever lives. A form has to open within three seconds, so the process that
heard of it opens it as soon as the request is stored and acknowledged.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol

import aiohttp
import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots.commands import Place
from bots.desk.forms import Form
from bots.desk.inbox import First
from bots.desk.requests import Actor, Request, RequestKind
from bots.slack.arrivals import Arrivals
from bots.slack.authorize import tenant_in
from bots.slack.blocks import Json
from bots.slack.decode import Decoded, Install, decode_command, decode_event, decode_press, decode_shortcut
from bots.slack.errands import Errands
from bots.slack.forms import draw_form, first_field, is_more, read_submission, source_of, with_held
from bots.slack.happenings import CLOSINGS, decode_happening
from bots.slack.oauth import OAuthFlow
from bots.slack.tenants import PLATFORM, workspace_id_of
from bots.slack.text import escape
from bots.slack.verification import Verification
from bots.views.elements import View
from core.errors import AtelierError, TransientError
from core.sessions.model import ThreadRef

_log = structlog.get_logger(__name__)
_EVERYTHING = re.compile(r".*", re.DOTALL)
_FORM_SECONDS = 2.8  # docs: a trigger lives for three seconds
_BUSY = "Atelier cannot take this right now. Please try again in a minute; nothing was started."
_QUIET = frozenset({"app_mention", "message", "agent_session_stopped", "app_home_opened", *CLOSINGS})


class Taking(Protocol):
    """What `bots.desk.inbox.Inbox` does here."""

    async def take(self, request: Request, *, source: str, keys: Sequence[str], first: First | None = None) -> bool:
        """See there."""
        ...


class FrontDesk(Protocol):
    """What `bots.desk.desk.Desk` does here."""

    @property
    def inbox(self) -> Taking:
        """Where requests are stored."""
        ...

    def acknowledge(self, request: Request) -> str:
        """See there."""
        ...

    def may_open_form(self, request: Request) -> bool:
        """See there."""
        ...

    async def form_for(self, request: Request) -> Form | None:
        """See there."""
        ...

    async def home(self, actor: Actor) -> View:
        """See there."""
        ...

    async def owns_thread(self, thread: ThreadRef) -> bool:
        """See there."""
        ...


class Answering(Protocol):
    """What `bots.slack.door.SlackDoor` does here."""

    def whisper_soon(self, request: Request, text: str) -> None:
        """See there."""
        ...

    async def show_home(self, actor: Actor, view: View) -> None:
        """See there."""
        ...


def make_slack_app(
    desk: FrontDesk,
    door: Answering,
    *,
    authorize: AsyncAuthorize,
    client: AsyncWebClient,
    signing_secret: str,
    errands: Errands,
    oauth_flow: OAuthFlow | None = None,
    arrivals: Arrivals | None = None,
) -> AsyncApp:
    """Return the app with all its listeners; HTTP and Socket Mode feed the same ones.

    Args:
        desk: What people ask goes to it.
        door: Answers beside an acknowledgement.
        authorize: See `bots.slack.authorize.Authorize`.
        client: See `bots.slack.clients.web_client`; it needs no token.
        signing_secret: Empty where Socket Mode alone is used: then nothing is let in by HTTP.
        errands: What goes on beside acknowledgements; whoever made it closes it.
        oauth_flow: Where the app can be installed.
        arrivals: Notes what comes in, for operators.
    """
    quiet = logging.getLogger(__name__)
    quiet.setLevel(logging.WARNING)  # at lower levels Bolt writes bodies into the log, and spells them out unasked
    app = AsyncApp(
        logger=quiet,
        name="atelier",
        client=client,
        authorize=authorize,  # type: ignore[arg-type]  # Bolt takes objects of its own class, too
        oauth_flow=oauth_flow,
        process_before_response=True,
        signing_secret=signing_secret,
        request_verification_enabled=False,  # ours stands in the same place
        before_authorize=Verification(signing_secret, arrivals),
        raise_error_for_unhandled_request=True,  # so that `_on_error` answers it
        attaching_function_token_enabled=False,
    )
    listeners = Listeners(desk, door, errands)
    app.command(_EVERYTHING)(listeners.on_command)
    app.event(_EVERYTHING)(listeners.on_event)
    app.action(_EVERYTHING)(listeners.on_press)
    app.view_submission(_EVERYTHING)(listeners.on_submission)
    app.shortcut(_EVERYTHING)(listeners.on_shortcut)
    app.view_closed(_EVERYTHING)(listeners.on_closed)
    app.error(_on_error)
    return app


class Listeners:
    """What Bolt calls; see `make_slack_app`."""

    def __init__(self, desk: FrontDesk, door: Answering, errands: Errands) -> None:
        self._desk = desk
        self._door = door
        self._errands = errands

    async def on_command(self, ack: AsyncAck, body: Json, context: AsyncBoltContext, client: AsyncWebClient) -> None:
        """A slash command; the acknowledgement itself says what happens."""
        decoded = decode_command(body, _install(context))
        words = await self._ask(decoded, str(body.get("trigger_id", "")), client, says=True)
        await ack(escape(words))

    async def on_shortcut(self, ack: AsyncAck, body: Json, context: AsyncBoltContext, client: AsyncWebClient) -> None:
        """An entry in one of Slack's menus."""
        decoded = decode_shortcut(body, _install(context))
        if decoded is None:
            _log.info("slack_event_unknown", type="shortcut")
        else:
            words = await self._ask(decoded, str(body.get("trigger_id", "")), client, says=True)
            self._say(decoded.request, words)
        await ack()

    async def on_press(self, ack: AsyncAck, body: Json, context: AsyncBoltContext, client: AsyncWebClient) -> None:
        """A button."""
        install = _install(context)
        if is_more(body):
            self._errands.begin("more", self._show_more(body, install, client))
        elif (decoded := decode_press(body, install)) is not None:
            # what the desk answers may take the place of the message: a line beside it could come after
            words = await self._ask(decoded, str(body.get("trigger_id", "")), client, says=False)
            self._say(decoded.request, words)
        else:
            _log.info("slack_event_unknown", type="block_actions")
        await ack()

    async def on_submission(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        """A form that was sent; what is wrong with it stands in it."""
        filled = read_submission(body, _install(context))
        if filled is None:
            _log.info("slack_event_unknown", type="view_submission")
            await ack()
            return
        if filled.decoded is None:
            await ack(response_action="errors", errors=filled.errors)
            return
        try:
            words = await self._take(filled.decoded)
        except TransientError as error:
            _log.warning("slack_request_not_stored", error=type(error).__name__)
            await ack(response_action="errors", errors={first_field(body["view"]): _BUSY})
            return
        self._say(filled.decoded.request, words)
        await ack()

    async def on_closed(self, ack: AsyncAck) -> None:
        """A form that was put away: nothing was asked."""
        await ack()

    async def on_event(self, ack: AsyncAck, body: Json, context: AsyncBoltContext) -> None:
        """An event; raises `TransientError` where it could not be stored, so that Slack brings it again."""
        install = _install(context)
        decoded = decode_event(body, install)
        if decoded is not None:
            await self.hear(decoded)
        elif (happening := decode_happening(body, install)) is not None:
            await self._take(happening)
        else:
            self._notice(body["event"], install)
        await ack()

    async def hear(self, decoded: Decoded) -> None:
        """Take what somebody wrote, unless it is none of our business."""
        request = decoded.request
        if request.kind in {RequestKind.SAID, RequestKind.EDITED, RequestKind.DELETED}:
            is_ours = await self._desk.owns_thread(request.spot.thread)
            if not is_ours and (request.kind is not RequestKind.SAID or request.spot.place is not Place.DIRECT):
                return
            if not is_ours:  # in direct messages every word is meant for the app
                request = replace(request, kind=RequestKind.MENTION)
        words = await self._take(replace(decoded, request=request))
        self._say(request, words)

    def _notice(self, event: Json, install: Install) -> None:
        """See to an event with which nothing can be lost."""
        kind = str(event.get("type", ""))
        if kind == "app_home_opened" and event.get("tab") == "home":
            actor = Actor(workspace_id_of(install.tenant), str(event.get("user", "")))
            self._errands.begin("home", self._show_home(actor))
        elif kind == "app_rate_limited":
            _log.warning("slack_events_lost", team=install.tenant, since=event.get("minute_rate_limited"))
        elif kind not in _QUIET:
            _log.info("slack_event_unknown", type=kind)

    async def _show_home(self, actor: Actor) -> None:
        await self._door.show_home(actor, await self._desk.home(actor))

    async def _ask(self, decoded: Decoded, trigger: str, client: AsyncWebClient, *, says: bool) -> str:
        """Store a request and return what is to be said at once; a form of it is opened when that is acknowledged."""
        request, first = decoded.request, None
        if self._desk.may_open_form(request):
            decoded = replace(decoded, request=replace(request, wants_form=True))
            first = partial(self._open_form, trigger=trigger, client=client)
        try:
            words = await self._take(decoded, first)
        except TransientError as error:
            _log.warning("slack_request_not_stored", error=type(error).__name__)
            return _BUSY
        return words if says else ""

    async def _open_form(self, request: Request, *, trigger: str, client: AsyncWebClient) -> bool:
        """Open the form of a request, and return whether there is one that opened.

        Where it did not open in time, whoever handles the request says so, with the way out.
        """
        try:
            async with asyncio.timeout(_FORM_SECONDS):
                form = await self._desk.form_for(request)
                if form is not None:
                    await client.views_open(trigger_id=trigger, view=draw_form(form, request))
        except (AtelierError, SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            _log.info("slack_form_not_opened", error=_code(error))
            return False
        return form is not None

    async def _show_more(self, body: Json, install: Install, client: AsyncWebClient) -> None:
        """Show the rest of the form in front of somebody, with what they put in so far."""
        source, view = source_of(body, install), body.get("view") or {}
        if source is None:
            return
        try:
            async with asyncio.timeout(_FORM_SECONDS):
                form = await self._desk.form_for(source)
                if form is not None:
                    drawn = draw_form(with_held(form, view), source, shows_more=True)
                    await client.views_update(view_id=str(view.get("id", "")), hash=view.get("hash"), view=drawn)
        except (AtelierError, SlackClientError, aiohttp.ClientError, TimeoutError) as error:
            _log.info("slack_form_not_opened", error=_code(error))

    async def _take(self, decoded: Decoded, first: First | None = None) -> str:
        """Store a request and return what is to be said at once, empty for a repeat."""
        is_new = await self._desk.inbox.take(decoded.request, source=PLATFORM, keys=decoded.keys, first=first)
        return self._desk.acknowledge(decoded.request) if is_new else ""

    def _say(self, request: Request, words: str) -> None:
        if words:
            self._door.whisper_soon(request, words)


async def _on_error(error: Exception) -> BoltResponse:
    """Return what Slack hears where nothing else was answered: 200 for what nobody wants, so that it is not sent again."""
    if isinstance(error, BoltUnhandledRequestError):
        _log.info("slack_event_unknown", type=str(error.request.body.get("type", "")))
        return BoltResponse(status=200)
    if isinstance(error, TransientError):
        _log.warning("slack_event_not_taken", error=type(error).__name__)
    else:
        _log.error("slack_event_failed", error=type(error).__name__, exc_info=error)
    return BoltResponse(status=500)


def _install(context: AsyncBoltContext) -> Install:
    return Install(tenant_in(context), context.bot_user_id or "")


def _code(error: Exception) -> str:
    data: Any = error.response.data if isinstance(error, SlackApiError) else {}
    return str(data.get("error", "")) if isinstance(data, dict) and data else type(error).__name__
