"""The line to Discord: what breaks it, what is found again, and what is never done."""

import asyncio
from functools import partial

import discord as library
import pytest

from bots.discord.limits import RECENT_MESSAGES
from bots.discord.line import IdentifyBudget, run_gateway
from bots.discord.records import Known
from bots.errors import BadSettings
from core.sessions.model import ThreadRef
from tests.bots.discord.entrance import Entrance, entrance
from tests.bots.discord.test_messages_in import bot, thread_of_session
from tests.fakes.clock import FakeClock
from tests.fakes.discord.faults import Trouble

pytestmark = pytest.mark.loopback


async def ready(on: Entrance, number: int) -> None:
    """Return once that many clients were made and the last one listens."""
    await on.discord.until(lambda: len(on.bots) >= number and on.bots[-1].is_ready())


async def test_a_line_that_drops_is_taken_up_and_nothing_is_missed() -> None:
    """Closed, cut, or asked to reconnect: Discord sends again what was said meanwhile, and it is taken once."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        thread = thread_of_session(on)
        for number, breaks in enumerate(
            (discord.gateway.drop, discord.gateway.cut, discord.gateway.ask_to_reconnect), 1
        ):
            breaks()
            discord.say(discord.ann, thread, f"missed {number}")
            await discord.until(partial(lambda n: len(on.asked) == n == discord.gateway.resumes, number))
        assert [one.text for one in on.asked] == ["missed 1", "missed 2", "missed 3"]
        assert (discord.gateway.identifies, len(on.bots)) == (1, 1)


async def test_what_was_said_while_a_session_was_lost_is_looked_up() -> None:
    """Op 9, and a process that was away: in threads of live sessions, from their card on, once."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        discord.say(discord.ann, discord.general, "long before")
        thread = thread_of_session(on)
        ref = ThreadRef("discord", f"{discord.north.id}/{discord.general.id}", thread.id, card=thread.id)
        on.rows.live.append((f"discord:{discord.north.id}", ref))
        discord.say(discord.ann, thread, "heard")
        await on.one()
        discord.gateway.forget()
        discord.gateway.drop()
        discord.say(discord.ann, thread, "lost")
        await on.one(2)
        assert discord.gateway.identifies == 2
        await on.stop()
        discord.say(discord.ann, thread, "asleep")
        gone = discord.say(discord.ben, thread, "deleted meanwhile")
        discord.delete(gone)
        await on.start()
        await on.one(3)
        assert [one.text for one in on.asked] == ["heard", "lost", "asleep"]


async def test_what_was_said_last_is_looked_up_in_a_long_thread() -> None:
    """Of a long talk the newest messages are read, in their order: they are what was missed."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        thread = thread_of_session(on)
        ref = ThreadRef("discord", f"{discord.north.id}/{discord.general.id}", thread.id, card=thread.id)
        on.rows.live.append((f"discord:{discord.north.id}", ref))
        await on.stop()
        for number in range(RECENT_MESSAGES + 20):
            discord.say(discord.ann, thread, f"said {number}")
        await on.start()
        await on.one(RECENT_MESSAGES)
        assert [one.text for one in on.asked] == [f"said {number}" for number in range(20, RECENT_MESSAGES + 20)]


async def test_a_thread_of_a_live_session_that_is_gone_stops_nothing() -> None:
    """The others are still looked at."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        thread = thread_of_session(on)
        await on.stop()
        guild = f"{discord.north.id}/{discord.general.id}"
        on.rows.live += [
            (f"discord:{discord.north.id}", ThreadRef("discord", guild, "12345678901234567")),
            (f"discord:{discord.north.id}", ThreadRef("discord", guild, thread.id)),
        ]
        discord.say(discord.ann, thread, "asleep")
        await on.start()
        assert (await on.one()).text == "asleep"


async def test_an_event_that_cannot_be_read_is_left_out() -> None:
    """The client goes on."""
    async with entrance() as on:
        discord = on.discord
        discord.gateway.inject("MESSAGE_CREATE", {"id": "nonsense"})
        discord.gateway.inject("INTERACTION_CREATE", {"type": 2})
        discord.gateway.inject("THREAD_UPDATE", {})
        discord.gateway.inject("SOMETHING_NEW", {"a": 1})
        discord.say(discord.ann, discord.general, f"{bot(on)} write a note")
        assert (await on.one()).text == "write a note"
        assert len(on.bots) == 1


async def test_a_client_that_dies_is_followed_by_another() -> None:
    """Later each time; sessions know nothing of it."""
    async with entrance() as on:
        discord = on.discord
        for number in range(1, 4):
            discord.gateway.inject_raw("{ no json")
            await ready(on, number + 1)
        discord.say(discord.ann, discord.general, f"{bot(on)} write a note")
        assert (await on.one()).text == "write a note"
        waits = [one for one in on.clock.slept if one != 5.0]
        assert 0.5 <= waits[0] <= 1.0 <= waits[1] <= 2.0 <= waits[2] <= 4.0


async def test_an_api_that_is_away_is_waited_for() -> None:
    """At the start, too."""
    async with entrance(starts=False) as on:
        on.discord.faults.add(Trouble.REFUSED, "GET /users/@me", times=2, status=503)
        await on.start()
        assert len(on.bots) == 3


@pytest.mark.parametrize("remaining", [0, 20])
async def test_no_session_is_begun_where_discord_allows_few(remaining: int) -> None:
    """It is waited as long as Discord says: at the end of the budget the token is taken away."""
    async with entrance(starts=False) as on:
        gateway = on.discord.gateway
        gateway.identifies = gateway.limit_of_identifies - remaining
        task = asyncio.create_task(run_gateway(on.make_bot, token=on.discord.token, clock=on.clock))
        await on.discord.until(lambda: 86_400.0 in on.clock.slept)
        gateway.identifies = 0
        await ready(on, 2)
        assert gateway.identifies == 1
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_process_begins_only_so_many_sessions_a_day() -> None:
    """Then it waits until the oldest is a day old."""
    clock = FakeClock(auto=True)
    budget = IdentifyBudget(clock, most=3)
    for _ in range(3):
        clock.move(3_600)
        await budget.admit()
    assert clock.slept == []
    await budget.admit()
    assert clock.slept == [86_400 - 7_200]


async def test_an_intent_that_discord_does_not_allow_is_said_in_words() -> None:
    """And the process ends: repeating it helps nobody."""
    async with entrance(starts=False, message_content=True) as on:
        on.discord.world.message_content = False
        with pytest.raises(BadSettings, match="message content intent"):
            await run_gateway(on.make_bot, token=on.discord.token, clock=on.clock)
        with pytest.raises(BadSettings, match="DISCORD_TOKEN"):
            await run_gateway(on.make_bot, token="MTIz.x.y", clock=on.clock)


async def test_joining_says_nothing() -> None:
    """The server is recorded; nobody is written to."""
    async with entrance() as on:
        discord = on.discord
        east = discord.world.add_guild("east", discord.sue)
        discord.world.add_channel(east, "hall")
        discord.invite_app(east)
        await discord.until(lambda: on.desk.joined)
        workspace, installer = on.desk.joined[0]
        assert (workspace.id, workspace.name, installer.external_id) == (f"discord:{east.id}", "east", "")
        assert discord.said_by_app() == []


async def test_leaving_is_told_and_an_outage_is_not() -> None:
    """Also what happened while nobody listened, if Discord says so."""
    async with entrance() as on:
        discord = on.discord
        discord.begin_outage(discord.south)
        discord.remove_app(discord.north)
        await discord.until(lambda: on.desk.left)
        assert on.desk.left == [f"discord:{discord.north.id}"]
        discord.end_outage(discord.south)
        await on.stop()
        east = discord.world.add_guild("east", discord.sue)
        discord.world.install(east)
        on.rows.known = {
            one.id: Known(one.id, is_away)
            for one, is_away in ((discord.south, False), (discord.north, False), (east, True))
        }
        await on.start()
        await discord.until(lambda: len(on.desk.left) == 2 and on.desk.joined)
        assert on.desk.left[1] == f"discord:{discord.north.id}"
        assert [workspace.id for workspace, _ in on.desk.joined] == [f"discord:{east.id}"]


async def test_a_thread_or_channel_that_is_gone_is_told() -> None:
    """With a sentence that says why."""
    async with entrance() as on:
        discord = on.discord
        thread = thread_of_session(on)
        discord.delete_channel(thread)
        await discord.until(lambda: on.closed)
        discord.delete_channel(discord.general)
        await discord.until(lambda: len(on.closed) >= 2)
        workspace = f"discord:{discord.north.id}"
        assert on.closed[0] == (workspace, thread.id, "Its thread was deleted.")
        assert on.closed[-1] == (workspace, discord.general.id, "Its channel was deleted.")


async def test_shards_share_the_servers() -> None:
    """Each process hears its own; the commands are synced by the one that has the first."""
    async with entrance(starts=False, shard_ids=[1], shard_count=2) as on:
        discord = on.discord
        servers = {int(one.id) >> 22 & 1: one for one in (discord.north, discord.south)}
        assert set(servers) == {0, 1}
        await on.start()
        assert [str(one.id) for one in on.bots[0].guilds] == [servers[1].id]
        assert discord.commands() == []


async def test_one_process_is_in_2500_servers() -> None:
    """All come over one line, and of each nothing is kept but what it is: no members but the app, and no messages."""
    async with entrance(starts=False, facts={"checks_openapi": False}) as on:
        discord = on.discord
        for number in range(2_500 - len(discord.world.guilds)):
            guild = discord.world.add_guild(f"g{number}", discord.ann)
            discord.world.install(guild)
            discord.world.add_channel(guild, "general")
        await on.start()
        (client,) = on.bots
        assert isinstance(client, library.AutoShardedClient)
        assert len(client.guilds) == 2_500
        assert sum(len(guild.members) for guild in client.guilds) <= 2_500
        assert list(client.cached_messages) == []
        (session,) = discord.gateway.sessions.open.values()
        sent = [event["t"] for event in session.events]
        assert (sent.count("READY"), sent.count("GUILD_CREATE")) == (1, 2_500)
        assert (discord.gateway.identifies, on.asked, discord.said_by_app()) == (1, [], [])
        # nothing was asked for each server: the calls are those of an app in two
        assert len(discord.api.calls) < 10, [call.route for call in discord.api.calls]
        await discord.slash(discord.ann, discord.general, "atelier status")
        await on.one()


async def test_commands_are_synced_when_they_differ() -> None:
    """Another start puts nothing; what somebody changed there is put right."""
    route = "PUT /applications/{application_id}/commands"
    async with entrance() as on:
        discord = on.discord
        assert discord.api.count(route) == 1
        await on.restart()
        assert discord.api.count(route) == 1
        discord.commands()[0]["options"][0]["description"] = "Something else"
        await on.restart()
        assert discord.api.count(route) == 2
