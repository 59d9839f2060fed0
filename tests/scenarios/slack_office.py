"""The whole program beside a local Slack, and what people see of it: nothing is faked but Slack.

    async with office(settings_of(sqlite_url, slack), slack) as house:
        await house.install(slack.north, slack.ann)
        await slack.command(slack.ann, slack.general, "new ...")

The program is the one of `atelier serve`: real settings, desk, services, engine, database and web server, with the
rehearsal model at full speed. Time runs faster than the machine's, on both sides alike, so that Slack's pace of a post
a second costs a twentieth of it.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bots.bootstrap import Choices, Parts, open_parts
from bots.http.app import HttpServer, make_app
from bots.http.health import Health
from bots.roles import routes_of
from bots.settings import Settings
from bots.slack.manifest import EVENTS, SCOPES
from bots.slack.tenants import workspace_id_of
from core.clock import SystemClock
from core.orchestration import runtime
from core.orchestration.engine import migrate_engine
from core.sessions.model import ENDED, ParkReason, Session, Status
from storage.secrets import generate_key
from tests.fakes.slack.forms import elements_of
from tests.fakes.slack.interaction import Interactions
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import AppConfig, Channel, Enterprise, Grant, Kind, Message, Person, Team, View
from tests.fakes.slack.pressing import Outcome
from tests.waiting import until

PUBLIC_URL = "https://atelier.test"
SPEED = 20.0
_TICK_SECONDS = 30.0
_TRIES = 8
_LONGEST_STEP = 0.05
_HARD_WORDS = re.compile(
    r"\b(cast|synthesizer|threshold|settle[ds]?|workspace|turns?|held|null|undefined|microcredits?)\b"
)


class QuickClock:
    """See `core.clock.Clock`: the machine's time, some times faster; while the machine is too busy for us it stands still.

    Otherwise a stall of two seconds would be forty to the program, which then believes that its heart stopped.

    Args:
        speed: How much faster.
    """

    def __init__(self, speed: float = SPEED) -> None:
        self._speed = speed
        self._start = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
        self._seen = time.monotonic()
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        seen = time.monotonic()
        self._elapsed += min(seen - self._seen, _LONGEST_STEP) * self._speed
        self._seen = seen
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        until = self.monotonic() + seconds
        await asyncio.sleep(0)
        while (left := until - self.monotonic()) > 0:  # noqa: ASYNC110 - nobody can tell us that time passed
            await asyncio.sleep(min(left / self._speed, _LONGEST_STEP))

    def move(self, seconds: float) -> None:
        """Let *seconds* pass at once."""
        self._elapsed += seconds


@dataclass(frozen=True)
class Page:
    """What a browser was shown."""

    status: int
    text: str
    location: str
    cookie: str


@dataclass
class Office:
    """The program, and a test's hands on it.

    Attributes:
        url: Where its web server listens.
    """

    slack: LocalSlack
    settings: Settings
    parts: Parts
    url: str
    expected: list[str] = field(default_factory=list)

    async def get(self, path: str, cookie: str = "") -> Page:
        """Open a page of ours."""
        headers = {"Cookie": cookie} if cookie else {}
        async with (
            aiohttp.ClientSession() as browser,
            browser.get(f"{self.url}{path}", headers=headers, allow_redirects=False) as answer,
        ):
            return Page(
                status=answer.status,
                text=await answer.text(),
                location=answer.headers.get("Location", ""),
                cookie=answer.headers.get("Set-Cookie", ""),
            )

    async def install(self, where: Team | Enterprise, person: Person, *channels: Channel) -> Page:
        """Install the app by OAuth, invite it into *channels*, and return the last page that the browser showed."""
        start = await self.get("/slack/install")
        back = urlsplit(self.slack.agree(start.location, person, where))
        page = await self.get(f"{back.path}?{back.query}", start.cookie.partition(";")[0])
        for channel in channels:
            await self.slack.invite_app(channel, person)
        return page

    async def room(self, name: str, *people: Person, kind: Kind = Kind.PUBLIC, invited: bool = True) -> Channel:
        """Open a channel of north's with *people*, the app among them unless it is not *invited*."""
        channel = self.slack.world.add_channel(self.slack.north, name, people or [self.slack.ann], kind)
        if invited:
            await self.slack.invite_app(channel, self.slack.ann)
        return channel

    def bot(self, team: Team | None = None) -> Grant:
        """Return the app's token in a workspace, north's unless another is named."""
        grant = self.slack.world.bot_of(team or self.slack.north)
        assert grant is not None
        return grant

    def named(self, team: Team | None = None) -> str:
        """Return how the app is mentioned."""
        return f"<@{self.bot(team).user_id}>"

    async def sessions(self, team: Team | None = None) -> Sequence[Session]:
        """Return a workspace's sessions, oldest first."""
        workspace_id = workspace_id_of(self._owner(team or self.slack.north))
        found = await self.parts.database.read(
            lambda tx: list(tx.sessions.list_sessions(workspace_id=workspace_id, limit=1_000))
        )
        return sorted(found, key=lambda session: session.created_at)

    async def form(self, person: Person, channel: Channel, *, is_whole: bool = False) -> View:
        """Open the form of a new session, with all its fields if it is to be whole.

        In quick time this machine may take longer than a trigger lives: then the app says how to get to the form.
        """
        await self.slack.command(person, channel, "new")
        form = await self._opened(person, channel)
        if is_whole and "field.team" not in str(form.content["blocks"]):
            await self.press(person, form, "More choices")
            form = await self._opened(person, channel)
        return form

    async def press_for_form(self, person: Person, where: Message, label: str) -> View:
        """Press a button that opens a form, and return the form."""
        await self.press(person, where, label)
        return await self._opened(person, self.slack.world.channels[where.channel])

    async def _opened(self, person: Person, channel: Channel) -> View:
        """Return the form that was asked for; see `form`."""
        for _ in range(_TRIES):
            await self.settled()
            form = self.slack.modal(person)
            if form is not None:
                return form
            await self.press(person, self.slack.ephemeral(person, channel)[-1], "Open the form")
        raise AssertionError("the form did not open")

    async def settled(self) -> None:
        """Return when nothing that somebody asked is under way any more."""
        platforms = self.parts.platforms
        assert platforms.desk is not None
        assert platforms.slack is not None
        await platforms.desk.inbox.drain()
        await platforms.slack.errands.drain()
        await platforms.slack.door.drain()

    def _owner(self, team: Team) -> str:
        """Return who installed the app for a workspace: itself, or its organisation."""
        grant = self.slack.world.bot_of(team)
        return grant.owner if grant is not None else team.id

    async def sessions_in(self, channel: Channel) -> Sequence[Session]:
        """Return the sessions that live in a channel, oldest first."""
        found = await self.sessions(self.slack.world.teams[channel.team_id])
        return [one for one in found if one.thread.channel.endswith(f"/{channel.id}")]

    async def running(self, channel: Channel) -> Session:
        """Return the newest session of a channel once it works and its card can be seen."""

        async def begun() -> bool:
            sessions = await self.sessions_in(channel)
            return bool(sessions) and sessions[-1].status is Status.RUNNING and bool(sessions[-1].thread.card)

        await until(begun)
        return (await self.sessions_in(channel))[-1]

    async def reaches(self, channel: Channel, *statuses: Status) -> Session:
        """Return the newest session of a channel once it is in one of *statuses*."""

        async def there() -> bool:
            return (await self.sessions_in(channel))[-1].status in statuses

        await until(there)
        await self.settled()
        return (await self.sessions_in(channel))[-1]

    async def waits(self, channel: Channel, reason: ParkReason, *, step_seconds: float = 5.0) -> Session:
        """Return the newest session of a channel once it waits for *reason*, letting time pass meanwhile."""

        async def parked() -> bool:
            self.pass_time(step_seconds)
            session = (await self.sessions_in(channel))[-1]
            return session.status is Status.WAITING and session.park_reason is reason

        await until(parked)
        return (await self.sessions_in(channel))[-1]

    def pass_time(self, seconds: float) -> None:
        """Let *seconds* pass at once, for the program and for Slack."""
        clock = self.slack.world.clock
        assert isinstance(clock, QuickClock)
        clock.move(seconds)

    async def ended(self, channel: Channel, number: int = 1, *, seconds: float = 15) -> Session:
        """Return the newest session of a channel once *number* of them ended and all of their posts are there."""

        async def done() -> bool:
            sessions = [one for one in await self.sessions_in(channel) if one.status in ENDED]
            return len(sessions) >= number and not await self._open_posts(sessions)

        await until(done, seconds=seconds)
        await self.settled()
        return (await self.sessions_in(channel))[-1]

    async def _open_posts(self, sessions: Sequence[Session]) -> bool:
        def work(tx: Any) -> bool:
            return any(
                row.state not in {"sent", "refused"} for one in sessions for row in tx.outbox.list_session(one.id)
            )

        return await self.parts.database.read(work)

    def card(self, channel: Channel | str) -> Message:
        """Return the one card in a channel."""
        (card,) = [one for one in self.slack.said_by_app(channel) if not one.is_reply or one.is_broadcast]
        return card

    def thread(self, channel: Channel | str, number: int = 0) -> list[Message]:
        """Return what the app said in the thread of its card, the card not counted."""
        cards = [one for one in self.slack.said_by_app(channel) if not one.is_reply or one.is_broadcast]
        top = cards[number].thread_ts or cards[number].ts
        return [one for one in self.slack.messages(channel, top) if one.by and one is not cards[number]]

    def whispers(self, person: Person) -> list[str]:
        """Return what *person* alone reads."""
        return [one.visible_text for one in self.slack.ephemeral(person)]

    async def whispered(self, person: Person, words: str, *, seconds: float = 10) -> Message:
        """Return the newest private message to *person* that holds *words*, as soon as there is one."""

        def found() -> Message | None:
            return next((one for one in reversed(self.slack.ephemeral(person)) if words in _read(one)), None)

        seen = await self.slack.until(found, seconds=seconds)
        assert seen is not None
        return seen

    async def press(self, person: Person, where: Message | View, label: str) -> Outcome:
        """Press the button that is called so."""
        blocks = where.blocks if isinstance(where, Message) else where.content["blocks"]
        for block_id, element, _ in elements_of(blocks):
            if element["type"] == "button" and element["text"]["text"] == label:
                return await self.slack.click(person, where, element["action_id"], block_id=block_id)
        raise AssertionError(f"no button {label!r}, but {buttons_of(where)}")

    async def leaf_through(self, person: Person, where: Message, label: str) -> list[str]:
        """Press a button whose answer has pages, turn them to the last, and return each as *person* alone reads it."""
        channel = self.slack.world.channels[where.channel]
        known = {one.ts for one in self.slack.ephemeral(person, channel)}
        await self.press(person, where, label)
        await self.settled()
        (page,) = [one for one in self.slack.ephemeral(person, channel) if one.ts not in known]
        pages = [page.visible_text]
        while "Show next page" in buttons_of(page):
            await self.press(person, page, "Show next page")
            await self.settled()
            assert page.visible_text not in pages, "the page was not turned"
            pages.append(page.visible_text)
        return pages

    def read_aloud(self, channel: Channel | str | None = None) -> str:
        """Return all that there is to see, as a member would read it: to be printed while a test is written."""
        lines = []
        for one in self.slack.world.messages:
            if one.is_deleted or one.is_tombstone or (channel is not None and one.channel != _id_of(channel)):
                continue
            who = self.slack.world.people[one.user].name if one.user in self.slack.world.people else one.user
            where = self.slack.world.channels[one.channel].name
            seen = f" (only {one.seen_by})" if one.seen_by else ""
            indent = "    " if one.is_reply else ""
            name = f"{who}/{one.username}" if one.username else who
            lines.append(f"{indent}--- #{where} {name}{seen} reactions={list(one.reactions)} files={one.files}")
            lines += [f"{indent}{line}" for line in _read(one).splitlines()]
            lines += [f"{indent}[{label}]" for label in buttons_of(one)]
        return "\n".join(lines)


def buttons_of(where: Message | View) -> list[str]:
    """Return the labels of the buttons that somebody sees, in order."""
    blocks = where.blocks if isinstance(where, Message) else where.content["blocks"]
    return [element["text"]["text"] for _, element, _ in elements_of(blocks) if element["type"] == "button"]


def settings_of(database_url: str, slack: LocalSlack, **more: Any) -> Settings:
    """Return the settings of a program that many workspaces of *slack* can install."""
    app = slack.world.app
    given: dict[str, Any] = {
        "_env_file": None,
        "database_url": database_url,
        "public_url": PUBLIC_URL,
        "secret_keys": generate_key(),
        "slack_client_id": app.client_id,
        "slack_client_secret": app.client_secret,
        "slack_signing_secret": app.signing_secret,
        "slack_api_url": slack.api_url.rstrip("/"),
        "slack_authorize_url": slack.authorize_url,
        **more,
    }
    return Settings(**given)


@asynccontextmanager
async def office(slack: LocalSlack, settings: Settings, **more: Any) -> AsyncIterator[Office]:
    """Start the program and end it again; Slack sends to it from now on. *more* are fields of `Choices`."""
    choices = Choices(runs_sessions=True, reaches_platforms=True, clock=slack.world.clock, **more)
    if not settings.is_sqlite:
        await asyncio.to_thread(migrate_engine, settings.engine_url)
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, choices=choices))
        await parts.registry.warm()
        health = Health({}, last_inbound=nothing, clock=parts.clock)
        app = make_app(health, parts.metrics, routes=routes_of(parts))
        server = HttpServer(app, host="127.0.0.1", port=0)
        stack.push_async_callback(server.aclose)
        url = f"http://127.0.0.1:{await server.start()}"
        if settings.slack_app_token is None:
            slack.world.app.request_url = f"{url}/slack/events"
        else:
            await parts.platforms.connect_slack(stack)
        ticking = asyncio.create_task(tick(parts))
        stack.callback(ticking.cancel)
        house = Office(slack, settings, parts, url)
        yield house
        await house.settled()
        slack.world.app.request_url = ""
    assert slack.api.problems == []


@asynccontextmanager
async def local_slack(**more: Any) -> AsyncIterator[LocalSlack]:
    """Open a Slack whose time is quick and where the app is what our manifest says; *more* are for `LocalSlack`.

    The three seconds that a trigger lives are the machine's, as those of an answer are: no machine is as quick as time.
    """
    app = AppConfig(scopes=frozenset(SCOPES), events=frozenset(EVENTS))
    machine = SystemClock()
    async with LocalSlack(QuickClock(), app=app, **more) as slack:
        slack.world.interactions = Interactions(lambda: machine.now().timestamp())
        yield slack


async def tick(parts: Parts, *, seconds: float = _TICK_SECONDS) -> None:
    """Do what the scheduler has workers do each half minute; its own clock is the machine's."""
    while True:
        await parts.clock.sleep(seconds)
        shop = ("billing_events", "billing_notices") if parts.shop is not None else ()
        for job in ("sweep", "requests", "posts", *shop):
            await runtime.get_job(job)()


async def nothing() -> dict[str, datetime]:
    """Return when each source last sent something: nobody asks."""
    return {}


def _read(message: Message) -> str:
    return message.visible_text


def _id_of(channel: Channel | str) -> str:
    return channel if isinstance(channel, str) else channel.id


def jargon_in(text: str) -> list[str]:
    """Return the words in *text* that are the core's, not people's."""
    return sorted(set(_HARD_WORDS.findall(text)))
