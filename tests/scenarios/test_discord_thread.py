"""Discord, as people live it: watching a session, steering it, and talking beside it."""

import io
from pathlib import Path

import docx
import pytest

import samples
from core.sessions.model import ENDED, Session, Status
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Channel, Message
from tests.scenarios.discord_office import Office, button_of, field_of, labels_of, text_of
from tests.scenarios.slack_office import jargon_in

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.loopback]
PACE = 150.0
HURRY = 2.0  # seconds that pass besides, whenever it is looked whether a session is over
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
TAKEN, MUTED = "✅", "🔇"


async def _begin(house: Office, name: str, **options: str | int | bool) -> tuple[Channel, Session]:
    """Start a session of Ben's on the sample, and return once it works."""
    discord = house.discord
    channel = house.room(name)
    await discord.slash(
        discord.ben, channel, "atelier new", brief="tighten this", file=("proposal.docx", SAMPLE), **options
    )
    return channel, await house.running(channel)


async def _stop(house: Office, channel: Channel) -> None:
    for session in await house.sessions_in(channel):
        if session.status not in ENDED:
            await house.parts.sessions.stop(session.id, actor="test")
    await house.ended(channel, len(await house.sessions_in(channel)))


def _marks(message: Message) -> list[str]:
    return sorted(name for name, people in message.reactions.items() if people)


async def test_replies_and_mentions_steer_without_the_intent(discord_house: Office) -> None:
    """A reply or a mention is marked and read by the next turn; `//`, an edit, a delete and mute take it out."""
    house, discord = discord_house, discord_house.discord
    channel, session = await _begin(house, "steer")
    card, thread = house.card(channel), house.thread(channel)
    app = discord.world.bot.mention
    kept = discord.say(discord.ann, thread, f'{app} keep "At the present time"')
    plain = discord.say(discord.ann, thread, "a word among ourselves")
    aside = discord.say(discord.ann, thread, f"{app} // lunch?")
    edited = discord.say(discord.ben, channel, "make it longer", reply_to=card)
    deleted = discord.say(discord.ben, channel, "and funnier", reply_to=card)
    muted = discord.say(discord.ben, thread, f"{app} in Latin")
    await house.settled()
    assert [_marks(one) for one in (kept, plain, aside, edited, deleted, muted)] == [
        [TAKEN],
        [],
        [],
        [TAKEN],
        [TAKEN],
        [TAKEN],
    ]
    discord.edit(edited, "// never mind")
    discord.delete(deleted)
    await house.settled()
    await discord.slash(discord.ben, thread, "atelier mute")
    await house.settled()
    await house.guided(session, 'keep "At the present time"')
    assert _marks(edited) == []
    assert _marks(muted) == [MUTED]
    await house.ended(channel, hurried=HURRY)
    taken = {one.id: one.taken_round for one in await house.guidance(session)}
    assert taken[kept.id] is not None
    assert [taken.get(one.id) for one in (edited, deleted, muted)] == [None, None, None]
    files = [file for one in house.posts(channel) for file in one.attachments if file.name.endswith(".docx")]
    text = "\n".join(one.text for one in docx.Document(io.BytesIO(files[-1].content)).paragraphs)
    assert "At the present time" in text
    assert "in order to" not in text.lower()


async def test_steering_by_button_and_by_command(discord_house: Office) -> None:
    """The Steer button opens a form, whose words count as the command's do."""
    house, discord = discord_house, discord_house.discord
    channel, session = await _begin(house, "modal")
    opened = await house.press(discord.ben, house.card(channel), "steer")
    await discord.submit(discord.ben, opened, {field_of(opened, "text"): "Name the budget first"})
    await house.told(discord.ben, "Taken for what comes next")
    await discord.slash(discord.ben, house.thread(channel), "atelier steer", text="Shorter sentences")
    await house.guided(session, "Name the budget first", "Shorter sentences")
    await _stop(house, channel)


async def test_after_the_end_a_reply_is_one_private_question(discord_house: Office) -> None:
    """Nothing is taken or spent; a press goes on in the same thread, a second press does nothing more."""
    house, discord = discord_house, discord_house.discord
    channel, _ = await _begin(house, "after", rounds=1)
    session = await house.ended(channel, hurried=HURRY)
    thread = house.thread(channel)
    posted = len(house.posts(channel))
    app = discord.world.bot.mention
    first = discord.say(discord.ben, thread, f"{app} Name the budget first")
    discord.say(discord.ben, thread, f"{app} And thank the team")
    question = await house.told(discord.ben, "Continue with this?")
    await house.settled()
    assert _marks(first) == []
    assert len(house.posts(channel)) == posted
    assert await house.guidance(session) == []
    await house.press(discord.ben, question, "go")
    await house.reaches(channel, Status.RUNNING, Status.QUEUED)
    again = await house.ended(channel, hurried=HURRY)
    assert again.segment == session.segment + 1
    assert len(house.posts(channel)) > posted


async def test_the_buttons_of_the_card_do_what_they_say(discord_house: Office) -> None:
    """Pause, Resume, Files, Stop; then one more round, all comments: the card follows."""
    house, discord = discord_house, discord_house.discord
    channel, _ = await _begin(house, "buttons")
    await house.press(discord.ben, house.card(channel), "pause")
    await house.reaches(channel, Status.PAUSED)
    await discord.until(lambda: "Paused" in shown_text(house.card(channel)))
    await house.press(discord.ben, house.card(channel), "resume")
    await house.reaches(channel, Status.RUNNING)
    await discord.until(lambda: "Pause session" in labels_of(house.card(channel)))
    await house.press(discord.ben, house.card(channel), "stop")
    session = await house.ended(channel, hurried=HURRY)
    assert session.status is Status.STOPPED
    await discord.until(lambda: "Stopped" in shown_text(house.card(channel)))
    await house.press(discord.ben, house.posts(channel)[-1], "files")
    shown = await house.told(discord.ben, "Files of")
    assert shown.is_ephemeral


async def test_one_more_round_by_two_people_is_one_round(discord_house: Office) -> None:
    """The starter and a manager press at the same moment: one goes on, the other hears how it stands."""
    house, discord = discord_house, discord_house.discord
    channel, _ = await _begin(house, "more", rounds=1)
    session = await house.ended(channel, hurried=HURRY)
    button = button_of(house.card(channel), "more")
    for user in (discord.ben, discord.ann, discord.ben):
        discord.press_soon(user, house.card(channel), button)
    await house.reaches(channel, Status.RUNNING, Status.QUEUED)
    again = await house.ended(channel, hurried=HURRY)
    assert again.segment == session.segment + 1
    rounds = await house.parts.database.read(lambda tx: list(tx.sessions.list_rounds(session.id)))
    assert len([one for one in rounds if one.number]) == 2
    for user in (discord.ben, discord.ann):
        assert house.whispers(user)[-1]


async def test_who_may_press_is_looked_up_at_the_press(discord_house: Office) -> None:
    """A member's press on another's session is refused privately; a manager may."""
    house, discord = discord_house, discord_house.discord
    eve = discord.world.add_user("eve")
    discord.join(eve, discord.north)
    channel, _ = await _begin(house, "strangers")
    await house.press(eve, house.card(channel), "stop")
    await house.settled()
    assert "Only whoever started" in house.whispers(eve)[-1]
    assert (await house.sessions_in(channel))[-1].status is Status.RUNNING
    await house.press(discord.ann, house.card(channel), "stop")
    await house.ended(channel, hurried=HURRY)


async def test_a_thread_that_was_archived_is_opened_by_the_next_post(discord_house: Office) -> None:
    """And one that is deleted pauses the session; its starter is told elsewhere."""
    house, discord = discord_house, discord_house.discord
    channel, _ = await _begin(house, "archive", rounds=1)
    thread = house.thread(channel)
    discord.archive(thread)
    session = await house.ended(channel, hurried=HURRY)
    assert session.status is Status.COMPLETED
    assert "Result" in text_of(house.posts(channel))
    assert thread.thread is not None
    assert not thread.thread.is_archived

    other, _ = await _begin(house, "deleted")
    discord.delete_channel(house.thread(other))
    await house.told(discord.ben, "is paused")
    await house.reaches(other, Status.PAUSED)
    await _stop_quietly(house, other)


async def _stop_quietly(house: Office, channel: Channel) -> None:
    """Stop a session whose thread is gone: its last posts go nowhere."""
    session = (await house.sessions_in(channel))[-1]
    await house.parts.sessions.stop(session.id, actor="test")
    await house.reaches(channel, *ENDED)


@pytest.mark.parametrize(("show", "most"), [("quiet", 1), ("normal", 4), ("full", 18)])
async def test_the_message_budget(discord_house: Office, show: str, most: int) -> None:
    """A Word file, three editors, the reading and two rounds: one card, so many posts, one mention, at the end."""
    house, discord = discord_house, discord_house.discord
    channel, _ = await _begin(house, f"budget-{show}", rounds=2, show=show, **{"good-enough": 10})
    await house.ended(channel, seconds=60, hurried=HURRY)
    posts = house.posts(channel)
    assert discord.said_by_app(channel) == [house.card(channel)]
    assert 1 <= len(posts) <= most
    (ping,) = discord.pings()
    assert (ping.user_id, ping.message.channel_id) == (discord.ben.id, house.thread(channel).id)
    assert posts.index(ping.message) == len(posts) - 1 or "Result" in shown_text(ping.message)
    assert jargon_in(text_of([house.card(channel), *posts])) == []
