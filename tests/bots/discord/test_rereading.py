"""What is asked of Discord about words of before a gap, and no more."""

import asyncio

import pytest

from bots.desk.requests import RequestKind
from bots.discord.limits import MESSAGES_LOOKED_UP, RECENT_MESSAGES
from bots.discord.records import Words
from core.sessions.model import ThreadRef
from tests.bots.discord.entrance import Entrance, entrance
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.model import Channel, Message
from tests.waiting import until

pytestmark = pytest.mark.loopback
DAY = 86_400.0
ONE_MESSAGE = "GET /channels/{channel_id}/messages/{message_id}"
PAGE = "GET /channels/{channel_id}/messages"


def thread_of_session(on: Entrance) -> Channel:
    """Open a thread from a message, in which a session is live."""
    discord = on.discord
    card = discord.say(discord.ann, discord.general, "the card")
    thread = discord.start_thread(discord.ann, discord.general, "Note", message=card)
    on.own(thread)
    ref = ThreadRef("discord", f"{discord.north.id}/{discord.general.id}", thread.id, card=card.id)
    on.rows.live.append((f"discord:{discord.north.id}", ref))
    return thread


def heard(on: Entrance, thread: Channel, *messages: Message, is_used: bool = False) -> None:
    """Let messages be known as what they first said."""
    on.rows.words.setdefault(thread.id, []).extend(Words(one.id, "", is_used) for one in messages)


async def looked(on: Entrance) -> None:
    """Return once nothing is looked up any more."""

    async def is_done() -> bool:
        return not any(one.get_name().startswith("discord.py: on_shard") for one in asyncio.all_tasks())

    await on.quiet()
    await until(is_done)


async def test_older_words_that_wait_are_asked_for_up_to_a_bound() -> None:
    """The newest of them first; what a turn has read, and is older than the page, is left alone."""
    async with entrance(message_content=True, starts=False) as on:
        discord = on.discord
        thread = thread_of_session(on)
        read = [discord.say(discord.ann, thread, f"read {number}") for number in range(3)]
        waiting = [discord.say(discord.ann, thread, f"waits {number}") for number in range(MESSAGES_LOOKED_UP + 5)]
        heard(on, thread, *read, is_used=True)
        heard(on, thread, *waiting)
        for one in (*read, *waiting):
            discord.delete(one)
        on.clock.move(2 * DAY)
        await on.start()
        await on.one(MESSAGES_LOOKED_UP)
        await looked(on)
        assert {one.kind for one in on.asked} == {RequestKind.DELETED}
        assert [one.spot.message_id for one in on.asked] == [one.id for one in reversed(waiting[5:])]
        assert discord.api.count(ONE_MESSAGE) == 2 * MESSAGES_LOOKED_UP  # in the thread, and under its card
        assert discord.api.count(PAGE) == 2


async def test_of_a_long_thread_only_what_should_stand_on_the_page_is_missing() -> None:
    """What a turn has read and is older than the newest messages is not asked for; what stood among them is."""
    async with entrance(message_content=True, starts=False) as on:
        discord = on.discord
        thread = thread_of_session(on)
        old = discord.say(discord.ann, thread, "old")
        for number in range(RECENT_MESSAGES):
            discord.say(discord.ben, thread, f"talk {number}")
        new = discord.say(discord.ann, thread, "new")
        discord.say(discord.ben, thread, "talk")
        heard(on, thread, old, new, is_used=True)
        discord.delete(old)
        discord.delete(new)
        await on.start()
        await discord.until(lambda: any(one.kind is RequestKind.DELETED for one in on.asked))
        await looked(on)
        assert [one.spot.message_id for one in on.asked if one.kind is RequestKind.DELETED] == [new.id]
        assert discord.api.count(ONE_MESSAGE) == 2


async def test_an_edit_that_is_known_is_not_told_again() -> None:
    """A message that says what it counts for costs nothing, and a later edit of it is told once."""
    async with entrance(message_content=True, starts=False) as on:
        discord = on.discord
        thread = thread_of_session(on)
        same, later = (discord.say(discord.ann, thread, words) for words in ("same", "later"))
        discord.edit(same, "the same")
        discord.edit(later, "first")
        known = {one.id: f"{one.edited_at.isoformat()}" for one in (same, later) if one.edited_at is not None}
        on.rows.words[thread.id] = [Words(one.id, known[one.id], is_used=False) for one in (same, later)]
        on.clock.move(60.0)
        discord.edit(later, "second")
        await on.start()
        await discord.until(lambda: any(one.kind is RequestKind.EDITED for one in on.asked))
        await looked(on)
        assert [one.text for one in on.asked if one.kind is RequestKind.EDITED] == ["second"]
        assert discord.api.count(ONE_MESSAGE) == 0


async def test_channels_are_read_once_for_all_their_sessions() -> None:
    """Three sessions of a channel cost three threads and one channel."""
    async with entrance(message_content=True, starts=False) as on:
        for _ in range(3):
            thread_of_session(on)
        await on.start()
        await on.discord.until(lambda: on.discord.api.count(PAGE) >= 4)
        await looked(on)
        assert on.discord.api.count(PAGE) == 4


async def test_a_gap_is_looked_up_when_our_own_rows_can_be_read_again() -> None:
    """Nothing else brings it back: the look is taken three times more."""
    async with entrance(message_content=True, starts=False) as on:
        thread = thread_of_session(on)
        on.discord.say(on.discord.ann, thread, "asleep")
        on.rows.failures = 3
        await on.start()
        assert (await on.one()).text == "asleep"


@pytest.mark.parametrize("failures", [4, 9], ids=["for half a minute", "and longer"])
async def test_what_could_not_be_stored_is_looked_up(failures: int) -> None:
    """Discord brings a message once: who could not keep it reads it again, for as long as that takes."""
    async with entrance(message_content=True, starts=False) as on:
        thread = thread_of_session(on)
        await on.start()
        await looked(on)
        on.desk.inbox.fails = failures
        on.discord.say(on.discord.ann, thread, "in the night")
        assert (await on.one()).text == "in the night"
        assert on.desk.inbox.fails == 0


async def test_only_discords_word_for_a_message_makes_it_gone() -> None:
    """A place that cannot be found says nothing of what was said in it."""
    async with entrance(message_content=True, starts=False) as on:
        thread = thread_of_session(on)
        word = on.discord.say(on.discord.ann, thread, "kept")
        heard(on, thread, word)
        on.discord.delete(word)
        on.discord.faults.add(Trouble.REFUSED, ONE_MESSAGE, status=404, code=10003)
        await on.start()
        await on.discord.until(lambda: on.discord.api.count(ONE_MESSAGE) > 0)
        await looked(on)
        assert [one for one in on.asked if one.kind is RequestKind.DELETED] == []
