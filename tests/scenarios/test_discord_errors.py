"""Discord, as people live it: whatever Discord answers, everything is posted once and somebody knows what to do."""

from pathlib import Path

import pytest

import samples
from core.sessions.model import ENDED, Session, Status
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Channel
from tests.scenarios.discord_office import Office, text_of
from tests.scenarios.slack_office import jargon_in

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.loopback]
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
CREATE = "POST /channels/{channel_id}/messages"
ORIGINAL = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"
PACE, HURRY = 150.0, 2.0
MINUTE = 60.0


async def _begin(house: Office, name: str) -> tuple[Channel, Session]:
    """Start a session of Ben's of one round, and return once it works."""
    discord = house.discord
    channel = house.room(name)
    await discord.slash(
        discord.ben, channel, "atelier new", brief="tighten", file=("proposal.docx", SAMPLE), rounds=1, show="full"
    )
    return channel, await house.running(channel)


def _posted_once(house: Office, channel: Channel) -> None:
    """Hold that every post is there once: card, rounds, result, receipt."""
    posts = [house.card(channel), *house.posts(channel)]
    nonces = [one.nonce for one in posts]
    assert len(nonces) == len(set(nonces))
    text = text_of(posts)
    heads = ("## Reading", "## Round 1", "## Result", "### Receipt")
    assert {head: text.count(head) for head in heads} == dict.fromkeys(heads, 1)
    assert "Done" in shown_text(posts[0])


@pytest.mark.parametrize(
    ("trouble", "status", "times"),
    [
        (Trouble.GLOBALLY_LIMITED, 429, 3),
        (Trouble.SERVER_ERROR, 500, 1),
        (Trouble.SERVER_ERROR, 503, 3),
        (Trouble.ERROR_AFTER, 502, 1),
        (Trouble.BANNED, 429, 1),
    ],
    ids=["global limit", "500", "503", "502 after it happened", "the gatekeeper's 429"],
)
async def test_what_passes_costs_time_and_nothing_else(
    discord_house: Office, trouble: Trouble, status: int, times: int
) -> None:
    """In the middle of a session: it goes on, and every post is there once."""
    house, discord = discord_house, discord_house.discord
    channel, _ = await _begin(house, f"passes-{trouble}-{status}")
    discord.faults.add(trouble, CREATE, times=times, status=status)
    session = await house.ended(channel, seconds=60, hurried=HURRY)
    discord.faults.clear()
    assert session.status is Status.COMPLETED
    _posted_once(house, channel)


async def test_a_post_that_is_deleted_under_us_takes_nothing_along(discord_house: Office) -> None:
    """A round's card that somebody deletes while it is worked on is posted anew when there is something to say."""
    house, discord = discord_house, discord_house.discord
    channel, _ = await _begin(house, "under-us")
    await discord.until(lambda: house.posts(channel))
    discord.delete(house.posts(channel)[0])
    session = await house.ended(channel, seconds=60, hurried=HURRY)
    assert session.status is Status.COMPLETED
    _posted_once(house, channel)


async def test_a_channel_that_is_deleted_pauses_what_works_there(discord_house: Office) -> None:
    """Whoever started it hears so in direct messages, has the files there, and can end it; nothing fails."""
    house, discord = discord_house, discord_house.discord
    channel, session = await _begin(house, "deleted-channel")
    known = len(discord.direct_messages(discord.ben))
    discord.delete_channel(channel)
    notice = await house.told(discord.ben, "was deleted. Nothing is lost")
    assert jargon_in(shown_text(notice)) == []
    await house.reaches(channel, Status.PAUSED)
    await house.press(discord.ben, notice, "files")
    await house.told(discord.ben, "Files of")
    await house.press(discord.ben, notice, "stop")
    ended = await house.reaches(channel, *ENDED)
    assert (ended.id, ended.status) == (session.id, Status.STOPPED)
    told = [one for one in discord.direct_messages(discord.ben)[known:] if "is paused" in shown_text(one)]
    assert len(told) == 1


@pytest.mark.parametrize(("status", "code"), [(401, 50027), (404, 10015)], ids=["token over", "unknown webhook"])
async def test_a_token_that_discord_ends_early_moves_the_answer(discord_house: Office, status: int, code: int) -> None:
    """The answer comes by direct message, once, and what was asked is done."""
    house, discord = discord_house, discord_house.discord
    channel = house.room(f"token-{code}")
    known = len(discord.direct_messages(discord.ben))
    discord.faults.add(Trouble.REFUSED, ORIGINAL, times=5, status=status, code=code)
    await discord.slash(discord.ben, channel, "atelier new", brief="A note on lamps, for shop owners", rounds=1)
    session = await house.ended(channel, seconds=60, hurried=HURRY)
    discord.faults.clear()
    assert session.status is Status.COMPLETED
    told = [shown_text(one) for one in discord.direct_messages(discord.ben)[known:]]
    assert sum("never more than" in one for one in told) == 1
