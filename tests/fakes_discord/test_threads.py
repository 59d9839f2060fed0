"""The local Discord's laws of threads."""

import discord
import pytest
from discord.http import Route

from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.model import Channel, Kind
from tests.fakes.discord.people import NotShown
from tests.fakes.discord.permissions import Permission
from tests.fakes_discord.refusals import refused

pytestmark = pytest.mark.loopback


async def start(rest: discord.Client, place: LocalDiscord, name: str = "room") -> Channel:
    """Open a thread on a new message of the bot's."""
    message = await rest.get_partial_messageable(int(place.general.id)).send("card")
    body = {"name": name, "auto_archive_duration": 1440}
    route = Route(
        "POST",
        "/channels/{channel_id}/messages/{message_id}/threads",
        channel_id=place.general.id,
        message_id=message.id,
    )
    shown = await rest.http.request(route, json=body)
    assert shown["id"] == str(message.id)
    return place.world.channels[shown["id"]]


async def test_a_thread_has_the_id_of_its_message_and_comes_once(place: LocalDiscord, rest: discord.Client) -> None:
    """A second one is refused."""
    thread = await start(rest, place)
    assert (thread.kind, thread.parent_id) == (Kind.PUBLIC_THREAD, place.general.id)
    partial = rest.get_partial_messageable(int(place.general.id)).get_partial_message(int(thread.id))
    assert (await partial.fetch()).flags.has_thread
    route = Route("POST", f"/channels/{place.general.id}/messages/{thread.id}/threads")
    with refused(400, 160004):
        await rest.http.request(route, json={"name": "again"})


async def test_sending_opens_an_archived_thread_and_editing_does_not(place: LocalDiscord, rest: discord.Client) -> None:
    """Editing and reacting are refused until somebody sent."""
    thread = await start(rest, place)
    room = rest.get_partial_messageable(int(thread.id))
    message = await room.send("x")
    place.archive(thread)
    with refused(400, 50083):
        await message.edit(content="y")
    with refused(400, 50083):
        await message.add_reaction("👍")
    with refused(400, 50083):
        await message.delete()
    await room.send("open")
    await message.edit(content="y")
    assert thread.thread is not None
    assert [one.text for one in place.messages(thread)] == ["y", "open"]
    assert (thread.thread.is_archived, thread.thread.sent) == (False, 2)


async def test_a_locked_thread_is_closed_to_who_cannot_manage_it(place: LocalDiscord, rest: discord.Client) -> None:
    """People are not shown it either."""
    thread = await start(rest, place)
    place.archive(thread, locked=True)
    with refused(403, 160005):
        await rest.get_partial_messageable(int(thread.id)).send("x")
    with pytest.raises(NotShown):
        place.say(place.ben, thread, "x")
    place.say(place.ann, thread, "the owner may")


async def test_an_archived_thread_is_opened_by_an_edit(place: LocalDiscord, rest: discord.Client) -> None:
    """And found in the list of archived ones."""
    thread = await start(rest, place)
    place.archive(thread)
    route = Route("GET", "/channels/{channel_id}/threads/archived/public", channel_id=place.general.id)
    assert [one["id"] for one in (await rest.http.request(route))["threads"]] == [thread.id]
    await rest.http.edit_channel(int(thread.id), archived=False)
    assert (await rest.http.request(route))["threads"] == []
    assert [one["id"] for one in (await rest.http.get_active_threads(int(place.north.id)))["threads"]] == [thread.id]


async def test_a_private_thread_is_seen_by_its_members(place: LocalDiscord, rest: discord.Client) -> None:
    """Who is called in it comes in."""
    shown = await rest.http.start_thread_without_message(
        int(place.general.id), name="secret", auto_archive_duration=1440, type=12, invitable=False
    )
    thread = place.world.channels[str(shown["id"])]
    assert not place.world.sees(thread, place.ben)
    with pytest.raises(NotShown):
        place.say(place.ben, thread, "x")
    await rest.get_partial_messageable(int(thread.id)).send(place.ben.mention)
    assert place.world.sees(thread, place.ben)
    assert [one.user_id for one in place.pings()] == [place.ben.id]
    await rest.http.leave_thread(int(thread.id))
    with refused(403, 50001):
        await rest.get_partial_messageable(int(thread.id)).send("x")


@pytest.mark.parametrize(
    ("taken", "kind"), [(Permission.CREATE_PUBLIC_THREADS, 11), (Permission.CREATE_PRIVATE_THREADS, 12)]
)
async def test_threads_need_a_permission_each(
    place: LocalDiscord, rest: discord.Client, taken: Permission, kind: int
) -> None:
    """Public and private ones their own."""
    place.deny(place.general, place.world.bot, taken)
    with refused(403, 50013):
        await rest.http.start_thread_without_message(
            int(place.general.id),
            name="x",
            auto_archive_duration=60,
            type=kind,  # type: ignore[arg-type]
        )
    assert place.threads(place.general) == []


async def test_sending_in_threads_is_a_permission_of_its_own(place: LocalDiscord, rest: discord.Client) -> None:
    """SEND_MESSAGES has no effect there."""
    thread = await start(rest, place)
    place.deny(place.general, place.world.bot, Permission.SEND_MESSAGES)
    await rest.get_partial_messageable(int(thread.id)).send("x")
    place.allow(place.general, place.world.bot, Permission.SEND_MESSAGES)
    place.deny(place.general, place.world.bot, Permission.SEND_MESSAGES_IN_THREADS)
    with refused(403, 50013):
        await rest.get_partial_messageable(int(thread.id)).send("x")


async def test_there_is_no_thread_in_a_thread_or_a_direct_conversation(
    place: LocalDiscord, rest: discord.Client
) -> None:
    """50024."""
    thread = await start(rest, place)
    direct = place.direct(place.ann)
    for room in (thread, direct):
        message = await rest.get_partial_messageable(int(room.id)).send("x")
        with refused(400, 50024):
            await rest.http.start_thread_with_message(int(room.id), message.id, name="x", auto_archive_duration=60)


@pytest.mark.parametrize(("name", "minutes"), [("", 60), ("x" * 101, 60), ("x", 61)])
async def test_names_and_durations_have_limits(
    place: LocalDiscord, rest: discord.Client, name: str, minutes: int
) -> None:
    """A hundred characters, and four durations."""
    route = Route("POST", "/channels/{channel_id}/threads", channel_id=place.general.id)
    with refused(400, 50035):
        await rest.http.request(route, json={"name": name, "auto_archive_duration": minutes, "type": 11})
    place.api.problems.clear()  # Discord's OpenAPI refuses them, too


async def test_a_thread_that_is_gone_is_unknown(place: LocalDiscord, rest: discord.Client) -> None:
    """With its messages."""
    thread = await start(rest, place)
    place.delete_channel(thread)
    with refused(404, 10003):
        await rest.get_partial_messageable(int(thread.id)).send("x")
    with refused(403, 50013):
        await rest.http.delete_channel(int(place.general.id))
