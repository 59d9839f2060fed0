"""What people write, through the real library, as the desk gets it."""

import pytest

from bots.commands import Place
from bots.desk.door import Mark
from bots.desk.requests import RequestKind
from bots.views.ask import said
from tests.bots.discord.entrance import Entrance, entrance
from tests.fakes.discord.model import Channel, Kind

pytestmark = pytest.mark.loopback


def bot(on: Entrance) -> str:
    return f"<@{on.discord.world.bot.id}>"


def thread_of_session(on: Entrance) -> Channel:
    """Return the thread of a session, which began with a card of ours in the general channel."""
    world = on.discord.world
    card = on.discord.say(world.bot, on.discord.general, "The card")
    thread = on.discord.start_thread(world.bot, on.discord.general, "Note", message=card)
    on.own(thread)
    return thread


async def test_a_mention_with_files_is_a_request() -> None:
    """Without its mention, other people by name; its files, or those of the message that it replies to."""
    async with entrance() as on:
        discord = on.discord
        draft = discord.say(discord.ben, discord.general, "look", files=[("draft.docx", b"draft")])
        discord.say(
            discord.ann,
            discord.general,
            f"{bot(on)} tighten this for {discord.ben.mention}",
            files=[("brief.docx", b"words"), ("facts.txt", b"facts")],
        )
        first = await on.one()
        assert (first.kind, first.text) == (RequestKind.MENTION, "tighten this for @Ben")
        assert [(one.name, one.author_id) for one in first.files] == [("brief.docx", ""), ("facts.txt", "")]
        assert (first.spot.place, first.spot.thread.thread) == (Place.CHANNEL, "")
        assert await on.door.fetch(first, first.files[0]) == b"words"
        discord.say(discord.ann, discord.general, f"{bot(on)} and this", reply_to=draft)
        second = await on.one(2)
        assert [(one.name, one.author_id) for one in second.files] == [("draft.docx", discord.ben.id)]
        assert await on.door.fetch(second, second.files[0]) == b"draft"


async def test_without_the_intent_replies_and_mentions_steer() -> None:
    """A plain reply in a session's thread is not readable; a reply to the app and a mention are."""
    async with entrance() as on:
        discord = on.discord
        thread = thread_of_session(on)
        post = discord.say(discord.world.bot, thread, "Round 1")
        discord.say(discord.ann, thread, "plain words")
        discord.say(discord.ann, thread, "shorter", reply_to=post)
        request = await on.one()
        assert (request.kind, request.text) == (RequestKind.MENTION, "shorter")
        assert (request.spot.place, request.spot.thread.thread) == (Place.THREAD, thread.id)
        assert request.spot.thread.channel == f"{discord.north.id}/{discord.general.id}"
        discord.say(discord.ann, thread, f"{bot(on)} keep the title")
        assert (await on.one(2)).text == "keep the title"
        await on.quiet()
        assert [one.text for one in on.asked] == ["shorter", "keep the title"]


async def test_a_reply_to_the_card_in_the_channel_is_said_to_its_session() -> None:
    """With a mention too, unless the card is no session's; small talk under our other messages is nobody's business."""
    async with entrance() as on:
        discord = on.discord
        thread = thread_of_session(on)
        card = discord.world.messages[thread.id]
        under = discord.say(discord.ann, discord.general, "shorter please", reply_to=card)
        request = await on.one()
        assert (request.text, request.spot.thread.thread) == ("shorter please", thread.id)
        await on.door.mark(request.spot, Mark.TAKEN)
        assert list(under.reactions) == ["✅"]
        await on.door.mark(request.spot, Mark.TAKEN)
        await on.door.mark(request.spot, Mark.TAKEN, on=False)
        assert not any(under.reactions.values())
        other = discord.say(discord.world.bot, discord.general, "Something else")
        discord.say(discord.ann, discord.general, "nice", reply_to=other)
        discord.say(discord.ann, discord.general, f"{bot(on)} write a note", reply_to=other)
        second = await on.one(2)
        assert (second.text, second.spot.thread.thread, second.spot.place) == ("write a note", "", Place.CHANNEL)
        discord.say(discord.ann, discord.general, f"{bot(on)} longer", reply_to=card)
        assert (await on.one(3)).spot.thread.thread == thread.id


async def test_a_session_that_lives_in_the_channel_itself_hears_replies() -> None:
    """Where threads cannot be opened; what is said in other threads of the channel is not for it."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        on.own(discord.general)
        post = discord.say(discord.world.bot, discord.general, "Round 1")
        other = discord.start_thread(discord.ben, discord.general, "Chat")
        discord.say(discord.ben, other, "about lunch")
        discord.say(discord.ann, discord.general, "shorter", reply_to=post)
        request = await on.one()
        assert (request.text, request.spot.thread.thread) == ("shorter", discord.general.id)


async def test_what_was_said_under_the_card_can_be_changed_and_taken_back() -> None:
    """A reply in the open channel counts for its session to the end; other words of the channel are nobody's business."""
    async with entrance() as on:
        discord = on.discord
        thread = thread_of_session(on)
        reply = discord.say(discord.ann, discord.general, "shorter", reply_to=discord.world.messages[thread.id])
        first = await on.one()
        on.rows.said[discord.general.id, reply.id] = first.spot.thread
        brief = discord.say(discord.ann, discord.general, f"{bot(on)} write a note")
        on.rows.said[discord.general.id, brief.id] = (await on.one(2)).spot.thread
        other = discord.say(discord.ben, discord.general, "lunch?", reply_to=reply)
        discord.edit(reply, "longer")
        edited = await on.one(3)
        assert (edited.kind, edited.text, edited.spot.thread) == (RequestKind.EDITED, "longer", first.spot.thread)
        discord.edit(other, "dinner?")
        for message in (other, brief, reply):
            discord.delete(message)
        deleted = await on.one(4)
        assert (deleted.kind, deleted.spot.thread) == (RequestKind.DELETED, first.spot.thread)
        assert deleted.spot.message_id == reply.id
        await on.quiet()
        assert len(on.asked) == 4


async def test_with_the_intent_plain_words_edits_and_deletions_count() -> None:
    """In threads of sessions alone; what an app writes never does."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        thread = thread_of_session(on)
        other = discord.start_thread(discord.ben, discord.general, "Chat")
        discord.say(discord.ben, other, "about lunch")
        discord.say(discord.world.bot, thread, "Round 1")
        message = discord.say(discord.ann, thread, "keep the title")
        assert (await on.one()).kind is RequestKind.SAID
        discord.edit(message, "keep the title and the date")
        second = await on.one(2)
        assert (second.kind, second.text) == (RequestKind.EDITED, "keep the title and the date")
        discord.delete(message)
        third = await on.one(3)
        assert third.kind is RequestKind.DELETED
        assert {one.spot.message_id for one in on.asked} == {message.id}
        assert {one.actor.workspace_id for one in on.asked} == {f"discord:{discord.north.id}"}
        await on.quiet()
        assert len(on.asked) == 3


async def test_an_edit_that_is_brought_twice_is_taken_once() -> None:
    """As is a message."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        thread = thread_of_session(on)
        message = discord.say(discord.ann, thread, "one")
        discord.gateway.repeat_last("MESSAGE_CREATE")
        discord.edit(message, "two")
        discord.gateway.repeat_last("MESSAGE_UPDATE")
        await on.quiet()
        assert [(one.kind, one.text) for one in on.asked] == [(RequestKind.SAID, "one"), (RequestKind.EDITED, "two")]


async def test_a_thread_that_was_archived_is_known_by_its_channel() -> None:
    """After a restart the library does not know it; what is said there opens it, and is heard."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        thread = thread_of_session(on)
        discord.archive(thread)
        await on.restart()
        message = discord.say(discord.ann, thread, "still there?")
        request = await on.one()
        assert request.spot.thread.channel == f"{discord.north.id}/{discord.general.id}"
        discord.archive(thread)
        await on.door.mark(request.spot, Mark.TAKEN)  # refused in an archived thread, and a courtesy
        discord.delete(message)
        assert (await on.one(2)).kind is RequestKind.DELETED


async def test_words_in_a_direct_conversation_are_for_the_app() -> None:
    """New work unless a session is live there or they answer one of its messages."""
    async with entrance() as on:
        discord = on.discord
        direct = discord.direct(discord.ann)
        discord.say(discord.ann, direct, "Write a note")
        await discord.until(lambda: discord.direct_messages(discord.ann)[-1].author is discord.world.bot)
        assert "Type `/atelier` in a channel" in discord.direct_messages(discord.ann)[-1].text
        assert on.asked == []
        on.rows.homes[discord.ann.id] = discord.north.id
        discord.say(discord.ann, direct, "Write a note", files=[("a.md", b"a")])
        first = await on.one()
        assert (first.kind, first.text, first.spot.place) == (RequestKind.MENTION, "Write a note", Place.DIRECT)
        assert (first.spot.thread.channel, first.spot.thread.thread) == (f"@me/{direct.id}", "")
        assert first.actor.workspace_id == f"discord:{discord.north.id}"
        ref = on.own(direct)
        answer = discord.say(discord.ann, direct, "go on", reply_to=discord.direct_messages(discord.ann)[1])
        assert (await on.one(2)).spot.thread.thread == direct.id
        on.rows.live.append((f"discord:{discord.north.id}", ref))
        discord.say(discord.ann, direct, "shorter")
        third = await on.one(3)
        assert (third.text, third.spot.thread.thread) == ("shorter", direct.id)
        discord.edit(answer, "do go on")
        assert (await on.one(4)).kind is RequestKind.EDITED
        discord.delete(answer)
        assert (await on.one(5)).kind is RequestKind.DELETED


async def test_where_there_is_one_server_a_strangers_message_is_for_it() -> None:
    """If they are a member there."""
    async with entrance(starts=False) as on:
        discord = on.discord
        discord.south.has_app = False
        await on.start()
        discord.say(discord.sue, discord.direct(discord.sue), "Write a note")
        discord.say(discord.ben, discord.direct(discord.ben), "Write a note")
        request = await on.one()
        assert request.actor.member_id == f"discord:{discord.north.id}/{discord.ben.id}"


async def test_words_are_not_lost_while_the_database_is_away() -> None:
    """Discord does not bring them again, so they are tried again here."""
    async with entrance() as on:
        on.desk.inbox.fails = 2
        on.discord.say(on.discord.ann, on.discord.general, f"{bot(on)} write a note")
        assert (await on.one()).text == "write a note"
        assert on.clock.slept[-2:] == [1.0, 5.0]


async def test_a_private_answer_to_a_mention_is_a_direct_message() -> None:
    """The next one takes its place."""
    async with entrance() as on:
        discord = on.discord
        discord.say(discord.ann, discord.general, f"{bot(on)} write a note")
        request = await on.one()
        await on.door.whisper(request, said("Reading."))
        await on.door.whisper(request, said("Started."))
        assert [one.text for one in discord.direct_messages(discord.ann)] == ["Started."]
        assert discord.said_by_app(discord.general) == []


async def test_files_that_were_given_in_a_thread_are_found() -> None:
    """Newest first, with their authors; ours and those of the request itself are not among them."""
    async with entrance(message_content=True) as on:
        discord = on.discord
        thread = discord.start_thread(discord.ben, discord.general, "Chat")
        assert thread.kind is Kind.PUBLIC_THREAD
        discord.say(discord.ben, thread, "old", files=[("old.docx", b"o")])
        discord.say(discord.ann, thread, "new", files=[("new.docx", b"n")])
        discord.say(discord.world.bot, thread, "ours", files=[("result.docx", b"r")])
        discord.say(discord.ann, thread, f"{bot(on)} work on it", files=[("mine.docx", b"m")])
        request = await on.one()
        nearby = await on.door.files_nearby(request)
        assert [(one.name, one.author_id) for one in nearby] == [("new.docx", ""), ("old.docx", discord.ben.id)]
        assert on.door.mention(discord.ben.id) == "@Ben"
        assert await on.door.fetch(request, nearby[1]) == b"o"
