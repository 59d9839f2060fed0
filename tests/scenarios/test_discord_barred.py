"""Discord, as people live it: where the app may not speak any more, somebody hears what to do and nothing is lost."""

from pathlib import Path

import pytest

import samples
from core.orchestration import runtime
from core.sessions.model import Session, Status
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Message
from tests.fakes.discord.permissions import Permission
from tests.scenarios.discord_office import Office, local_discord, office, settings_of, text_of
from tests.scenarios.slack_office import jargon_in

pytestmark = pytest.mark.loopback
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
UNHURRIED, HURRY = 60.0, 2.0
MINUTE = 60.0
BARS = ["locked", "silent", "hidden"]


async def _begin(house: Office) -> Session:
    await house.set_up()
    discord = house.discord
    await discord.slash(
        discord.ben, discord.general, "atelier new", brief="tighten", file=("proposal.docx", SAMPLE), rounds=2
    )
    return await house.running(discord.general)


def _bar(house: Office, how: str) -> str:
    """Close the thread to the app; return what people are told about it."""
    discord = house.discord
    app, channel = discord.world.bot, discord.general
    match how:
        case "locked":
            discord.archive(house.thread(channel), locked=True)
            return "whoever may manage threads can unlock it"
        case "silent":
            discord.deny(channel, app, Permission.SEND_MESSAGES_IN_THREADS)
            return "Send Messages in Threads there: an admin can give it"
        case _:
            discord.deny(channel, app, Permission.VIEW_CHANNEL)
            return "an admin can give me View Channel"


def _open(house: Office, how: str) -> None:
    discord = house.discord
    app, channel = discord.world.bot, discord.general
    match how:
        case "locked":
            discord.unarchive(house.thread(channel))
        case "silent":
            discord.allow(channel, app, Permission.SEND_MESSAGES_IN_THREADS)
        case _:
            discord.allow(channel, app, Permission.VIEW_CHANNEL)


def _told(house: Office, words: str) -> list[Message]:
    return [one for one in house.discord.direct_messages(house.discord.ben) if words in shown_text(one)]


def _said_once(house: Office, *words: str) -> None:
    text = text_of(house.posts(house.discord.general))
    assert [text.count(word) for word in words] == [1] * len(words)


async def _try_again(house: Office, *, times: int) -> list[int]:
    """Do the job of what was left behind five times, as often as it is worth a call; return what Discord refused of it."""
    refused: list[int] = []
    for _ in range(times):
        house.clock.move(20 * MINUTE)
        before = len(house.discord.api.calls)
        for _ in range(5):
            await runtime.get_job("posts")()
            await house.settled()
        refused += [one.status for one in house.discord.api.calls[before:] if one.status in {403, 404}]
    return refused


@pytest.mark.parametrize("how", BARS)
async def test_a_session_that_cannot_speak_waits_and_goes_on(sqlite_url: str, how: str) -> None:
    """Mid-round: it pauses, its starter hears once what to do; once that is done, Resume goes on at once and all is posted."""
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=UNHURRIED) as house,
    ):
        session = await _begin(house)
        await discord.until(lambda: house.posts(discord.general))
        words = _bar(house, how)
        notice = await house.told(discord.ben, "is paused")
        assert words in shown_text(notice)
        assert jargon_in(shown_text(notice)) == []
        paused = await house.reaches(discord.general, Status.PAUSED)
        assert paused.id == session.id
        await _try_again(house, times=3)
        assert len(_told(house, "is paused")) == 1
        _open(house, how)
        await house.press(discord.ben, notice, "resume")
        ended = await house.ended(discord.general, seconds=60, hurried=HURRY)
        assert ended.status is Status.COMPLETED
        _said_once(house, "## Result", "### Receipt")
        assert len(_told(house, "is paused")) == 1


@pytest.mark.parametrize("how", BARS)
async def test_a_result_that_cannot_be_posted_is_told_of_and_posted_later(sqlite_url: str, how: str) -> None:
    """Its starter has the files at once, and the thread has the result when the app may speak again; once each."""
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=UNHURRIED) as house,
    ):
        session = await _begin(house)
        await discord.until(lambda: house.posts(discord.general))
        await house.parts.sessions.stop(session.id, actor="test")
        words = _bar(house, how)
        notice = await house.told(discord.ben, "is done")
        assert words in shown_text(notice)
        assert jargon_in(shown_text(notice)) == []
        await house.press(discord.ben, notice, "files")
        await house.told(discord.ben, "Files of")
        refused = await _try_again(house, times=3)
        tries = len(refused) / (2 if how == "silent" else 1)  # with its files and without them
        assert 3 <= tries <= 6, "once each time, or twice where the scheduler's own tick asks in the same moment"
        _open(house, how)
        house.clock.move(20 * MINUTE)
        await house.ended(discord.general, seconds=60)
        _said_once(house, "## Result", "### Receipt")
        assert len(_told(house, "is done")) == 1
