"""Discord, as people live it: what goes wrong is said in words, and nothing happens twice."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

import samples
from core.sessions.model import Status
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Channel
from tests.fakes.discord.permissions import Permission
from tests.scenarios.discord_office import Office, text_of
from tests.scenarios.slack_office import jargon_in

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.loopback]
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
NOTES = b"Due to the fact that it rained, we stayed at home in order to read.\n\nIt was very, very nice.\n"
CREATE = "POST /channels/{channel_id}/messages"
CALLBACK = "POST /interactions/{interaction_id}/{interaction_token}/callback"
HOUR = 3_600.0


async def _refusal(house: Office, name: str, file: tuple[str, bytes]) -> str:
    """Return what somebody reads about a file that cannot be taken; nothing is made or posted."""
    discord = house.discord
    channel = house.room(name)
    await discord.slash(discord.ben, channel, "atelier new", file=file)
    await house.settled()
    assert await house.sessions_in(channel) == []
    assert discord.said_by_app(channel) == []
    words = house.whispers(discord.ben)[-1]
    assert jargon_in(words) == []
    return words


@pytest.mark.parametrize(
    ("name", "content"),
    [("broken.docx", b"PK\x03\x04 not a Word file"), ("song.mp3", b"ID3\x04" * 50), ("empty.md", b" ")],
)
async def test_files_that_cannot_be_read_are_refused_in_words(discord_house: Office, name: str, content: bytes) -> None:
    """A damaged file, another kind of file, an empty one: each says what it is about."""
    words = await _refusal(discord_house, f"file-{name[:4]}", (name, content))
    assert "Something went wrong" not in words


async def test_a_file_that_is_gone_must_be_given_again(discord_house: Office) -> None:
    """An attachment that Discord serves no more is named; nothing was started."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("gone")
    posted = discord.say(discord.ann, channel, "look", files=[("notes.md", NOTES)])
    discord.lose(posted.attachments[0])
    await discord.menu(discord.ann, posted, "Edit with Atelier")
    await house.told(discord.ann, "is not in Discord any more")
    assert await house.sessions_in(channel) == []


@pytest.mark.parametrize("waits_for", ["a permission", "another author"])
async def test_a_file_of_a_command_outlives_its_link(discord_house: Office, waits_for: str) -> None:
    """What came with a command or a form hangs on no message: it is kept while the request waits, then let go."""
    house, discord = discord_house, discord_house.discord
    channel = house.room(f"kept-{waits_for[:2]}")
    folder = Path(urlsplit(house.settings.resolved_files_url).path) / "kept"

    def kept_now() -> list[str]:
        return sorted(str(one) for one in folder.rglob("*") if one.is_file())

    kept = kept_now()
    app = discord.world.bot
    if waits_for == "a permission":
        discord.deny(channel, app, Permission.CREATE_PUBLIC_THREADS)
        await discord.slash(discord.ben, channel, "atelier new", file=("kept.md", NOTES), rounds=1)
        shown = await house.told(discord.ben, "Create Public Threads")
        discord.allow(channel, app, Permission.CREATE_PUBLIC_THREADS)
        person, action = discord.ben, "again"
    else:
        theirs = discord.say(discord.ben, channel, "mine", files=[("theirs.md", NOTES)])
        discord.say(discord.ann, channel, f"{app.mention} tighten --rounds 1", reply_to=theirs)
        shown = await house.told(discord.ben, "theirs.md")
        person, action = discord.ben, "allow"
    await house.settled()
    assert len(kept_now()) == len(kept) + (waits_for == "a permission")
    house.clock.move(48 * HOUR)
    await house.press(person, shown, action)
    session = await house.ended(channel)
    assert session.status is Status.COMPLETED
    assert kept_now() == kept


async def test_an_answer_after_the_token_ended_goes_to_direct_messages(discord_house: Office) -> None:
    """Discord takes private answers for a quarter of an hour; whoever asked hears it all the same."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("late")
    posted = discord.say(discord.ben, channel, "mine", files=[("token.md", NOTES)])
    await discord.menu(discord.ann, posted, "Edit with Atelier")
    question = await house.told(discord.ben, "token.md")
    house.clock.move(HOUR)
    await house.press(discord.ben, question, "allow")
    await house.ended(channel)
    assert "token.md" in text_of(discord.direct_messages(discord.ann))


@pytest.mark.parametrize("code", [10062, 40060])
async def test_a_first_answer_that_discord_refuses_loses_nothing(discord_house: Office, code: int) -> None:
    """An interaction that is unknown although it came in time: what was asked is done, the answer comes directly."""
    house, discord = discord_house, discord_house.discord
    channel = house.room(f"refused-{code}")
    status = 404 if code == 10062 else 400
    discord.faults.add(Trouble.REFUSED, CALLBACK, status=status, code=code)
    begun = len(discord.direct_messages(discord.ann))
    discord.slash_soon(discord.ann, channel, "atelier new", brief=BRIEF, rounds=1)
    session = await house.ended(channel)
    assert session.status is Status.COMPLETED
    assert "never more than" in text_of(discord.direct_messages(discord.ann)[begun:])


async def test_every_command_answers_its_asker_alone(discord_house: Office) -> None:
    """In people's words; long lists have a next page; the channel sees nothing."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("lists")
    await discord.slash(discord.ann, channel, "atelier new", brief=BRIEF, rounds=1)
    session = await house.ended(channel)
    said = len(discord.said_by_app(channel))
    for command in ("help", "sessions", "status", "files", "models", "home", "billing overview", "billing history"):
        shown = await discord.slash(discord.ann, channel, f"atelier {command}")
        await house.settled()
        assert shown.is_private, command
        words = house.whispers(discord.ann)[-1]
        assert "Something went wrong" not in words, command
        assert jargon_in(words) == [], command
    for command, options in (
        ("estimate", {"brief": BRIEF}),
        ("session rename", {"title": "Lights", "session": session.id}),
        ("session star", {"session": session.id}),
        ("pause", {"session": session.id}),
        ("status", {"session": "s_nobody"}),
    ):
        await discord.slash(discord.ann, channel, f"atelier {command}", **options)
        await house.settled()
        assert jargon_in(house.whispers(discord.ann)[-1]) == [], command
    assert len(discord.said_by_app(channel)) == said


async def test_the_free_sample_works_from_home(discord_house: Office) -> None:
    """`home` shows what the app's page is elsewhere; its sample runs in the presser's messages."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("home")
    await discord.slash(discord.ben, channel, "atelier home")
    shown = await house.told(discord.ben, "Your sessions")
    await house.press(discord.ben, shown, "sample")
    await house.ended(discord.direct(discord.ben))
    assert "Result" in text_of(discord.direct_messages(discord.ben))


async def test_one_message_is_one_session_however_often_discord_says_so(discord_house: Office) -> None:
    """Copies of an event, and the same event on another shard's line, make one session and one card."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("twice")
    app = discord.world.bot.mention
    message = discord.say(discord.ann, channel, f"{app} tighten this --rounds 1", files=[("notes.md", NOTES)])
    for _ in range(3):
        discord.announce_again(message)
    await house.ended(channel)
    discord.announce_again(message)
    await house.settled()
    assert len(await house.sessions_in(channel)) == 1
    assert len(discord.said_by_app(channel)) == 1


def _posted_once(house: Office, channel: Channel) -> None:
    posts = [house.card(channel), *house.posts(channel)]
    nonces = [one.nonce for one in posts]
    assert len(nonces) == len(set(nonces))
    assert sum("Receipt" in shown_text(one) for one in posts) == 1
    assert "Done" in shown_text(house.card(channel))


async def test_lost_answers_post_nothing_twice(discord_house: Office) -> None:
    """Posts whose answers were lost are recognised by their nonce, or found by their key, instead of sent again."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("lost")
    discord.faults.add(Trouble.LOST_ANSWER, CREATE, times=2)
    discord.faults.add(Trouble.ERROR_AFTER, CREATE, times=1, skip=1, status=503)
    await discord.slash(discord.ann, channel, "atelier new", brief=BRIEF, rounds=1, show="full")
    await house.ended(channel, seconds=60)
    _posted_once(house, channel)


async def test_a_storm_of_429_costs_time_and_nothing_else(discord_house: Office) -> None:
    """Every third call is turned away for a while: all posts arrive, once each."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("storm")
    discord.faults.seed(7, 0.3, (Trouble.RATE_LIMITED,))
    discord.slash_soon(discord.ann, channel, "atelier new", brief=BRIEF, rounds=1)
    session = await house.ended(channel, seconds=60)
    discord.faults.clear()
    assert session.status is Status.COMPLETED
    _posted_once(house, channel)


async def test_a_deleted_card_stops_nothing(discord_house: Office) -> None:
    """The thread stays, and the result is posted there."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("deleted-card")
    await discord.slash(discord.ben, channel, "atelier new", brief=BRIEF, rounds=1)
    await discord.until(lambda: discord.threads(channel))
    discord.delete(house.card(channel))
    session = await house.ended(channel)
    assert session.status is Status.COMPLETED
    assert "Result" in text_of(house.posts(channel))
