"""The local Discord's laws of the gateway, with the unmodified discord.py."""

import asyncio
from functools import partial
from typing import Any

import aiohttp
import discord
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.permissions import Permission
from tests.fakes_discord.bot import INTENTS, Bot, running

pytestmark = pytest.mark.loopback

READS = discord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)


def contents(bot: Bot) -> list[str]:
    return [one.content for one in bot.seen]


async def test_ready_brings_the_servers_with_the_app(place: LocalDiscord) -> None:
    """Without the intent for members, the bot is the only one that is seen."""
    place.world.add_guild("strangers")
    async with running(place) as bot:
        assert sorted(one.name for one in bot.guilds) == ["north", "south"]
        north = bot.get_guild(int(place.north.id))
        assert north is not None
        assert [one.name for one in north.text_channels] == ["general"]
        assert (north.member_count, north.me.name) == (3, "atelier")
        assert place.gateway.identifies == 1
        assert [command["name"] for command in place.commands()] == ["atelier", "Edit it"]


async def test_a_reconnecting_client_hears_what_it_missed(place: LocalDiscord) -> None:
    """Closed with 4000, cut without a word, or asked to reconnect: RESUME replays the events in order, once."""
    async with running(place, Bot(READS)) as bot:
        for number, breaks in enumerate((place.gateway.drop, place.gateway.cut, place.gateway.ask_to_reconnect), 1):
            breaks()
            place.say(place.ann, place.general, f"missed {number}")
            await place.until(partial(lambda n: place.gateway.resumes == n == len(bot.seen), number))
        place.say(place.ann, place.general, "live")
        await place.until(lambda: len(bot.seen) == 4)
        assert contents(bot) == ["missed 1", "missed 2", "missed 3", "live"]
        assert place.gateway.identifies == 1


async def test_an_invalid_session_is_begun_anew_and_what_was_missed_is_gone(place: LocalDiscord) -> None:
    """Op 9 without resuming costs an IDENTIFY."""
    async with running(place, Bot(READS)) as bot:
        place.gateway.invalidate()
        await place.until(lambda: place.gateway.identifies == 2)
        await place.until(lambda: len(bot.had("shard_ready")) == 2)
        place.gateway.forget()
        place.gateway.drop()
        place.say(place.ann, place.general, "lost")
        await place.until(lambda: place.gateway.identifies == 3)
        await place.until(lambda: len(bot.had("shard_ready")) == 3)
        place.say(place.ann, place.general, "heard")
        await place.until(lambda: bot.seen)
        assert contents(bot) == ["heard"]


async def test_a_gateway_without_acks_is_a_zombie(clock: FakeClock) -> None:
    """The client gives it up and resumes."""
    async with (
        LocalDiscord(clock, heartbeat_seconds=0.02) as place,
        running(place, Bot(READS, heartbeat_timeout=0.1)) as bot,
    ):
        place.gateway.acks = False
        await place.until(lambda: place.gateway.connections > 1)
        place.gateway.acks = True
        await place.until(lambda: place.gateway.resumes)
        place.say(place.ann, place.general, "back")
        await place.until(lambda: contents(bot) == ["back"])


async def test_a_malformed_event_ends_the_client(place: LocalDiscord) -> None:
    """An adapter must be able to begin again."""
    place.world.message_content = False
    bot = Bot()
    with place.pointed():
        async with bot:
            task = asyncio.create_task(bot.start(place.token))
            await place.until(lambda: bot.had("ready"))
            place.gateway.inject("MESSAGE_CREATE", {"id": "1"})
            with pytest.raises(KeyError):
                await task
    async with running(place):
        assert place.gateway.identifies == 2


@pytest.mark.parametrize(
    ("intents", "is_granted"),
    [(READS, True), (READS, False), (discord.Intents(guilds=True, members=True), False)],
    ids=["content", "content refused", "members refused"],
)
async def test_privileged_intents_must_be_granted(
    place: LocalDiscord, intents: discord.Intents, is_granted: bool
) -> None:
    """Otherwise 4014."""
    place.world.message_content = is_granted
    if is_granted:
        async with running(place, Bot(intents)):
            return
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(place, Bot(intents)):
            pass


async def test_a_wrong_token_is_refused_at_both_doors(place: LocalDiscord) -> None:
    """401 at login, 4004 at IDENTIFY; so is the thousand-and-first IDENTIFY of a day."""
    with place.pointed(), pytest.raises(discord.LoginFailure):
        async with Bot() as bot:
            await bot.start("wrong")
    place.gateway.limit_of_identifies = 0
    with pytest.raises(discord.ConnectionClosed) as caught:
        async with running(place):
            pass
    assert caught.value.code == 4004


@pytest.mark.parametrize("reads", [False, True], ids=["without", "with"])
async def test_content_is_empty_without_the_intent(place: LocalDiscord, reads: bool) -> None:
    """Unless the bot is named, answered with a ping, or written to directly."""
    place.world.message_content = reads
    async with running(place, Bot(READS if reads else INTENTS)) as bot:
        card = await bot.get_partial_messageable(int(place.general.id)).send("card")
        mine = place.messages(place.general)[0]
        place.say(place.ann, place.general, "plain", [("a.md", b"x")])
        place.say(place.ann, place.general, f"<@{place.world.bot.id}> named", [("a.md", b"x")])
        place.say(place.ann, place.general, "answer", reply_to=mine)
        place.say(place.ann, place.general, "silent answer", reply_to=mine, pings_back=False)
        place.say(place.ann, place.direct(place.ann), "direct")
        await place.until(lambda: len(bot.seen) == 6)
        shown = [(one.content.partition(" ")[2] or one.content, len(one.attachments)) for one in bot.seen[1:]]
        hidden = [("plain", 1), ("answer", 0)] if reads else [("", 0), ("", 0)]
        assert shown == [hidden[0], ("named", 1), ("answer", 0), hidden[1], ("direct", 0)]
        answer = bot.seen[3]
        assert answer.reference is not None
        assert answer.reference.message_id == card.id
        assert isinstance(answer.author, discord.Member)


async def test_edits_and_deletions_are_told(place: LocalDiscord) -> None:
    """Edits without content, too."""
    async with running(place) as bot:
        message = place.say(place.ann, place.general, "x")
        place.edit(message, "y")
        place.delete(message)
        await place.until(lambda: bot.had("raw_message_delete"))
        assert bot.had("raw_message_edit")[0][0].data["content"] == ""
        assert bot.had("raw_message_delete")[0][0].message_id == int(message.id)


async def test_what_the_bot_does_not_see_is_not_told(place: LocalDiscord) -> None:
    """Channels without VIEW_CHANNEL, and private threads of others."""
    async with running(place, Bot(READS)) as bot:
        place.deny(place.general, place.world.bot, Permission.VIEW_CHANNEL)
        place.say(place.ann, place.general, "hidden")
        place.say(place.sue, place.southern, "seen")
        await place.until(lambda: bot.seen)
        assert contents(bot) == ["seen"]


async def test_servers_come_and_go(place: LocalDiscord) -> None:
    """An outage is told apart from a removal."""
    east = place.world.add_guild("east")
    async with running(place) as bot:
        place.invite_app(east)
        await place.until(lambda: bot.had("guild_join"))
        place.begin_outage(east)
        await place.until(lambda: bot.had("guild_unavailable"))
        place.end_outage(east)
        await place.until(lambda: bot.had("guild_available"))
        place.remove_app(east)
        await place.until(lambda: bot.had("guild_remove"))
        assert [args[0].name for args in bot.had("guild_remove")] == ["east"]


async def test_channels_and_threads_are_told(place: LocalDiscord) -> None:
    """As they are made, changed and deleted."""
    async with running(place) as bot:
        channel = place.add_channel(place.north, "news")
        thread = place.start_thread(place.ann, channel, "talk")
        place.archive(thread)
        await place.until(lambda: bot.had("raw_thread_update"))
        place.delete_channel(thread)
        place.delete_channel(channel)
        await place.until(lambda: bot.had("guild_channel_delete"))
        assert [bool(bot.had(one)) for one in ("guild_channel_create", "thread_create", "raw_thread_delete")] == [
            True
        ] * 3


async def test_shards_share_the_servers(place: LocalDiscord) -> None:
    """Each server is told to its shard alone; direct messages come to the first."""
    async with running(place, Bot(READS, shard_count=2)) as bot:
        assert sorted(one.shard_id for one in bot.guilds) == [0, 1]
        place.say(place.ann, place.general, "north")
        place.say(place.sue, place.southern, "south")
        place.say(place.ann, place.direct(place.ann), "direct")
        await place.until(lambda: len(bot.seen) == 3)
        assert sorted(contents(bot)) == ["direct", "north", "south"]


async def test_the_number_of_shards_is_proposed(place: LocalDiscord) -> None:
    """By /gateway/bot, with what is left of the day's sessions."""
    async with running(place, Bot(shard_count=None)) as bot:
        assert bot.shard_count == 1
        (call,) = place.api.made("GET /gateway/bot")
        assert call.answer["session_start_limit"]["remaining"] == 1000


async def test_identifies_come_one_after_the_other(clock: FakeClock) -> None:
    """Two at once of one bucket: the second is an invalid session."""
    async with LocalDiscord(clock, identify_seconds=5.0) as place, aiohttp.ClientSession() as session:
        assert await _identify(session, place, (0, 2)) == 0
        assert await _identify(session, place, (1, 2)) == 9
        place.gateway.max_concurrency = 2
        assert await _identify(session, place, (1, 2)) == 0
        assert (place.gateway.identifies, place.gateway.invalid_identifies) == (2, 1)


async def _identify(session: aiohttp.ClientSession, place: LocalDiscord, shard: tuple[int, int]) -> int:
    async with session.ws_connect(place.gateway_url) as socket:
        await socket.receive_json()
        data: dict[str, Any] = {"token": place.token, "intents": 1, "shard": shard, "properties": {}}
        await socket.send_json({"op": 2, "d": data})
        answer = await socket.receive_json()
        return int(answer["op"])


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"op": 3, "d": {}}, 4003),
        ({"op": 77}, 4001),
        ({"op": 2, "d": {"token": "x", "intents": 1}}, 4004),
        ({"op": 2, "d": {"token": "", "intents": 1, "shard": [2, 2]}}, 4010),
        ({"op": 2, "d": {"token": "", "intents": 1 << 30}}, 4013),
    ],
    ids=["too early", "unknown", "token", "shard", "intents"],
)
async def test_what_a_client_must_not_say_ends_the_socket(
    place: LocalDiscord, frame: dict[str, Any], code: int
) -> None:
    """With Discord's code."""
    if frame["op"] == 2 and not frame["d"]["token"]:
        frame["d"]["token"] = place.token
    async with aiohttp.ClientSession() as session, session.ws_connect(place.gateway_url) as socket:
        await socket.receive_json()
        await socket.send_json(frame)
        await socket.receive()
        assert socket.close_code == code


async def test_who_talks_too_much_is_cut_off(place: LocalDiscord) -> None:
    """More than 120 frames a minute: 4008."""
    async with aiohttp.ClientSession() as session, session.ws_connect(place.gateway_url) as socket:
        for _ in range(121):
            await socket.send_json({"op": 1, "d": None})
        async for _ in socket:
            pass
        assert socket.close_code == 4008


async def test_events_may_come_twice(place: LocalDiscord) -> None:
    """As after a resume that overlaps."""
    async with running(place, Bot(READS)) as bot:
        place.announce_again(place.say(place.ann, place.general, "x"))
        place.gateway.repeat_last("MESSAGE_CREATE")
        await place.until(lambda: len(bot.seen) == 3)
        assert len({one.id for one in bot.seen}) == 1


async def test_typing_joining_and_pins_need_their_intents(place: LocalDiscord) -> None:
    """Who did not ask is not told."""
    everything = discord.Intents.all()
    place.world.members_intent = place.world.presence_intent = True
    async with running(place, Bot(everything, chunk_guilds_at_startup=True)) as bot:
        place.type(place.ann, place.general)
        place.pin(place.general)
        place.join(place.sue, place.north)
        place.leave(place.sue, place.north)
        message = place.say(place.ann, place.general, "x")
        place.react(place.ann, message, "👍")
        place.unreact(place.ann, message, "👍")
        await place.until(lambda: bot.had("raw_reaction_remove"))
        names = {"raw_typing", "guild_channel_pins_update", "raw_member_remove", "raw_reaction_add"}
        assert names <= {name for name, _ in bot.events}
    async with running(place) as bot:
        place.type(place.ann, place.general)
        place.react(place.ann, message, "👍")
        place.say(place.ann, place.general, "end")
        await place.until(lambda: bot.seen)
        assert not bot.had("raw_typing")
        assert not bot.had("raw_reaction_add")
