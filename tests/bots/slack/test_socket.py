"""Socket Mode: the same listeners without an address, and a connection that is watched by what it brings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from bots.slack.clients import web_client
from bots.slack.socket import SlackSocket
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from core.workspaces.installations import Secret
from tests.bots.slack.entrance import Entrance, entrance
from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Trouble

pytestmark = pytest.mark.loopback


@dataclass
class Line:
    """A connection and the time by which it is watched."""

    room: Entrance
    socket: SlackSocket
    clock: FakeClock


@asynccontextmanager
async def line(token: str = "") -> AsyncIterator[Line]:
    """The app in the workspace north, not yet connected."""
    async with entrance(over_http=False) as room:
        clock = FakeClock()
        token = token or room.slack.world.app.app_token
        client = web_client(room.grants.http, base_url=room.slack.api_url)
        socket = SlackSocket(room.app, Secret(token), client, clock)
        try:
            yield Line(room, socket, clock)
        finally:
            await socket.aclose()


async def test_everything_arrives_as_over_http() -> None:
    """Events, commands, presses; the acknowledgement says what happens."""
    async with line() as at:
        slack, desk = at.room.slack, at.room.desk
        await at.socket.start()
        await slack.sockets.connected.wait()
        desk.words = "Reading, price follows."
        outcome = await slack.command(slack.ann, slack.general, "new Tighten")
        assert outcome.shown is not None
        assert outcome.shown.text == "Reading, price follows."
        await slack.say(slack.ann, slack.general, f"<@{at.room.north.user_id}> tighten")
        assert [one.command or one.text for one in desk.asked] == ["new", "tighten"]


async def test_a_new_address_is_followed_when_slack_asks() -> None:
    """Slack renews sockets every few hours; nothing is lost between."""
    async with line() as at:
        slack = at.room.slack
        await at.socket.start()
        await slack.sockets.connected.wait()
        await slack.sockets.refresh()
        await slack.sockets.opened_in_all(2)
        await slack.sockets.connected.wait()
        await slack.command(slack.ann, slack.general, "status")
        assert len(at.room.desk.asked) == 1


async def test_a_silent_socket_is_replaced() -> None:
    """Connected or not: after a quarter of an hour without a frame there is a new one, and a try a silence."""
    async with line() as at:
        slack = at.room.slack
        await at.socket.start()
        await slack.sockets.connected.wait()
        await at.clock.sleepers()
        slack.sockets.is_deaf = True
        await at.clock.advance(870)
        assert slack.sockets.opened == 1
        assert at.socket.age_seconds >= 800
        await at.clock.advance(30)
        await slack.sockets.opened_in_all(2)
        assert at.socket.age_seconds < 30


async def test_what_comes_in_counts_as_life() -> None:
    """Each frame begins the silence anew."""
    async with line() as at:
        slack = at.room.slack
        await at.socket.start()
        await slack.sockets.connected.wait()
        await at.clock.sleepers()
        await at.clock.advance(600)
        await slack.command(slack.ann, slack.general, "status")
        assert at.socket.age_seconds == 0
        await at.clock.advance(600)
        assert slack.sockets.opened == 1


async def test_a_renewal_that_fails_is_tried_after_the_next_silence() -> None:
    """It is no end: the SDK keeps what stands."""
    async with line() as at:
        slack = at.room.slack
        await at.socket.start()
        await slack.sockets.connected.wait()
        await at.clock.sleepers()
        slack.faults.add(Trouble.REFUSED, "apps.connections.open", error="internal_error")
        await at.clock.advance(900)
        await slack.until(lambda: slack.api.count("apps.connections.open") == 2)
        assert slack.sockets.opened == 1
        await at.clock.sleepers()
        await at.clock.advance(930)
        await slack.sockets.opened_in_all(2)


async def test_a_wrong_token_is_said_at_once() -> None:
    """Instead of tries without end; a Slack that is away may be back later."""
    async with line("xapp-wrong") as at:
        with pytest.raises(PostRefused, match="invalid_auth"):
            await at.socket.start()
    async with line() as at:
        at.room.slack.faults.add(Trouble.SERVER_ERROR, "apps.connections.open")
        with pytest.raises(TransientError):
            await at.socket.start()
