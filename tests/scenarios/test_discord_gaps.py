"""Discord, as people live it: what they changed or took back while nobody listened counts as if it had been heard."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import samples
from core.sessions.model import Guidance, Session, Status
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Message
from tests.fakes.discord.permissions import Permission
from tests.scenarios.discord_office import Office, local_discord, office, settings_of
from tests.waiting import until

pytestmark = pytest.mark.loopback
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
UNHURRIED, HURRY = 40.0, 2.0  # tokens a second, so that a line has time to come back; seconds, once it has
ONE_MESSAGE = "GET /channels/{channel_id}/messages/{message_id}"
PAGE = "GET /channels/{channel_id}/messages"
HOUR = 3_600.0


@dataclass
class _Said:
    """Words to a session: in its thread, and as replies to its card in the channel."""

    kept: Message
    changed: Message
    deleted: Message
    replied: Message
    unsaid: Message

    @property
    def first(self) -> list[str]:
        return ["keep the title", "make it longer", "and funnier", "name the budget", "thank the team"]


async def _begin(house: Office) -> Session:
    await house.set_up()
    discord = house.discord
    await discord.slash(
        discord.ann, discord.general, "atelier new", brief="tighten", file=("proposal.docx", SAMPLE), rounds=1
    )
    return await house.running(discord.general)


async def _speak(house: Office, session: Session) -> _Said:
    discord = house.discord
    thread, card, app = house.thread(discord.general), house.card(discord.general), discord.world.bot.mention
    said = _Said(
        discord.say(discord.ann, thread, f"{app} keep the title"),
        discord.say(discord.ann, thread, f"{app} make it longer"),
        discord.say(discord.ann, thread, f"{app} and funnier"),
        discord.say(discord.ann, discord.general, "name the budget", reply_to=card),
        discord.say(discord.ann, discord.general, "thank the team", reply_to=card),
    )
    await _counts(house, session, *said.first)
    return said


async def _counts(house: Office, session: Session, *texts: str) -> None:
    """Return once *texts*, in any order, and nothing else count for a session."""

    async def counts() -> bool:
        return sorted(one.text for one in await house.guidance(session) if not one.muted) == sorted(texts)

    await until(counts)


def _change_and_take_back(house: Office, said: _Said) -> list[str]:
    """Do what nobody hears; return what counts afterwards."""
    discord = house.discord
    discord.edit(said.changed, f"{discord.world.bot.mention} make it shorter")
    discord.edit(said.replied, "name the price")
    discord.delete(said.deleted)
    discord.delete(said.unsaid)
    late = discord.say(discord.ann, discord.general, "under the card, late", reply_to=house.card(discord.general))
    assert late.reference_id
    return ["keep the title", "make it shorter", "name the price", "under the card, late"]


def _no_words_left(house: Office, guidance: list[Guidance], said: _Said) -> None:
    """Hold that the words of what was deleted are kept nowhere."""
    for gone in (said.deleted, said.unsaid):
        (row,) = [one for one in guidance if one.id == gone.id]
        assert (row.text, row.muted) == ("", True)
    assert house.discord.api.problems == []


async def test_what_was_changed_and_taken_back_while_a_line_could_not_be_resumed(sqlite_url: str) -> None:
    """Discord refuses RESUME: edits, deletions and replies under the card of that time count, before a turn reads them."""
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=UNHURRIED) as house,
    ):
        session = await _begin(house)
        said = await _speak(house, session)
        asked = discord.api.count(ONE_MESSAGE)
        discord.gateway.forget()
        discord.gateway.drop()
        left = _change_and_take_back(house, said)
        assert not discord.gateway.sessions.is_connected
        await _counts(house, session, *left)
        assert (discord.gateway.identifies, discord.gateway.resumes) == (2, 0)
        assert [one.taken_round for one in await house.guidance(session) if one.id == said.deleted.id] == [None]
        _no_words_left(house, await house.guidance(session), said)
        looked_up = discord.api.made(ONE_MESSAGE)[asked:]
        own = {one.id for one in discord.said_by_app()}
        assert len([one for one in looked_up if one.params["message_id"] not in own]) == 4  # two, in two places each
        ended = await house.ended(discord.general, seconds=60, hurried=HURRY)
        assert ended.status is Status.COMPLETED
        await _counts(house, session, *left)


async def test_what_was_changed_and_taken_back_while_no_process_ran(database_url: str) -> None:
    """Stopped and started again, hours later: the paused session goes on with what stands there now, and looks once."""
    async with local_discord() as discord:
        settings = settings_of(database_url, discord, discord_message_content=True)
        async with office(discord, settings, rehearsal_pace=UNHURRIED) as house:
            session = await _begin(house)
            said = await _speak(house, session)
            await house.parts.sessions.pause(session.id, actor="test")
            await house.reaches(discord.general, Status.PAUSED)
        discord.world.clock.move(30 * HOUR)  # type: ignore[attr-defined]  # the clock of local_discord
        left = _change_and_take_back(house, said)
        async with office(discord, settings, rehearsal_pace=1_000.0) as house:
            await _counts(house, session, *left)
            _no_words_left(house, await house.guidance(session), said)
            await house.parts.sessions.resume(session.id, actor="test")
            ended = await house.ended(discord.general)
            assert ended.status is Status.COMPLETED
            before = await house.guidance(session)
        async with office(discord, settings) as house:
            assert await house.guidance(session) == before


async def test_where_history_may_not_be_read_nothing_is_taken_for_deleted(sqlite_url: str) -> None:
    """Discord then shows an empty page: everything still counts."""
    async with local_discord() as discord:
        settings = settings_of(sqlite_url, discord)
        async with office(discord, settings, rehearsal_pace=UNHURRIED) as house:
            session = await _begin(house)
            said = await _speak(house, session)
            await house.parts.sessions.pause(session.id, actor="test")
            await house.reaches(discord.general, Status.PAUSED)
        discord.deny(discord.general, discord.world.bot, Permission.READ_MESSAGE_HISTORY)
        async with office(discord, settings) as house:
            await _counts(house, session, *said.first)


@pytest.mark.parametrize("gone", ["its thread", "its channel"])
async def test_a_place_that_was_deleted_while_nobody_listened(sqlite_url: str, gone: str) -> None:
    """Its session is paused and its starter told, as if it had been heard; once."""
    async with local_discord() as discord:
        settings = settings_of(sqlite_url, discord)
        async with office(discord, settings, rehearsal_pace=UNHURRIED) as house:
            session = await _begin(house)
            thread = house.thread(discord.general)
            discord.gateway.forget()
            discord.gateway.drop()
            discord.delete_channel(thread if gone == "its thread" else discord.general)
            told = await house.told(discord.ann, "is paused")
            assert f"{gone.capitalize()} was deleted." in shown_text(told)
            await house.reaches(discord.general, Status.PAUSED)
            assert (await house.sessions())[-1].id == session.id
        async with office(discord, settings) as house:
            assert len([one for one in discord.direct_messages(discord.ann) if "is paused" in shown_text(one)]) == 1


@pytest.mark.parametrize("trouble", [Trouble.SERVER_ERROR, Trouble.LOST_REQUEST])
async def test_what_cannot_be_read_at_once_is_read_later(sqlite_url: str, trouble: Trouble) -> None:
    """Discord stumbles over the first look: it is taken again, and nothing is lost or taken for deleted."""
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=UNHURRIED) as house,
    ):
        session = await _begin(house)
        said = await _speak(house, session)
        discord.faults.add(trouble, PAGE, times=1, status=503)
        discord.faults.add(trouble, ONE_MESSAGE, times=1, status=503)
        discord.gateway.forget()
        discord.gateway.drop()
        left = _change_and_take_back(house, said)
        await _counts(house, session, *left)
