"""Discord, as people live it: lines that break, programs that stop and die, servers that leave, and crowds."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

import samples
from bots.discord.places import workspace_ref
from core.clock import SystemClock
from core.sessions.model import ENDED, Session, Status
from core.sessions.ports import Transaction
from storage.database import Database
from storage.secrets import generate_key
from tests.fakes.discord.gateway import Gateway
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Message, walk
from tests.scenarios.discord_office import Office, button_of, local_discord, office, settings_of, text_of
from tests.scenarios.slack_office import SPEED
from tests.waiting import until

pytestmark = pytest.mark.loopback
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
HOUR = 3_600.0
CROWD = 200
UNHURRIED, HURRY = 40.0, 2.0  # tokens a second, so that a line has time to come back; seconds, once it has


def _marks(posts: list[Message]) -> list[int]:
    """Return what tells posts apart: the key of each stands in the number of its first container."""
    return [next(one["id"] for one in walk(post.components) if one.get("type") == 17) for post in posts]


def _said_once(house: Office) -> None:
    """Hold that nothing stands twice: neither a key nor a kind of post."""
    channel = house.discord.general
    posts = [house.card(channel), *house.posts(channel)]
    assert len(set(_marks(posts))) == len(posts)
    texts = [shown_text(one) for one in posts]
    assert [sum(word in text for text in texts) for word in ("Result", "Receipt")] == [1, 1]


async def _turned_once(house: Office, session: Session) -> None:
    """Hold that nobody was asked, or paid, twice for one turn."""

    def read(tx: Transaction) -> tuple[list[str], list[str]]:
        charges = [one.hold_id for one in tx.credits.list_entries(session.workspace_id) if one.hold_id]
        return [one.id for one in tx.sessions.list_turns(session.id)], charges

    turns, charges = await house.parts.database.read(read)
    assert len(set(turns)) == len(turns) > 0
    assert [name for name, number in Counter(charges).items() if number > 1] == []


def _cut(gateway: Gateway) -> None:
    gateway.cut()


def _close(gateway: Gateway) -> None:
    gateway.drop(4000)


def _lose_session(gateway: Gateway) -> None:
    gateway.drop(4000)
    gateway.forget()


def _invalidate(gateway: Gateway) -> None:
    gateway.invalidate()


def _ask_to_reconnect(gateway: Gateway) -> None:
    gateway.ask_to_reconnect()


def _send_nonsense(gateway: Gateway) -> None:
    gateway.inject("MESSAGE_CREATE", {"id": "nothing"})
    gateway.inject("GUILD_CREATE", None)
    gateway.inject_raw("{ this is no frame")


@pytest.mark.parametrize(
    "breaks",
    [(_cut, _close, _ask_to_reconnect), (_send_nonsense, _invalidate, _lose_session)],
    ids=["cut, closed, asked to reconnect", "unparsable, invalid session, session lost"],
)
async def test_a_broken_line_in_the_middle_of_a_round(
    sqlite_url: str, breaks: Sequence[Callable[[Gateway], None]]
) -> None:
    """One after the other: the session goes on, nothing is posted twice, and what was said during each gap counts."""
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=UNHURRIED) as house,
    ):
        await house.set_up()
        await discord.slash(
            discord.ann, discord.general, "atelier new", brief="tighten", file=("proposal.docx", SAMPLE), rounds=1
        )
        session = await house.running(discord.general)
        thread = house.thread(discord.general)
        app = discord.world.bot.mention
        segment, said = session.segment, ["before"]
        discord.say(discord.ann, thread, f"{app} before")
        await house.guided(session, *said)
        for number, break_line in enumerate(breaks):
            break_line(discord.gateway)
            for words in (f"meanwhile {number}", f"after {number}"):
                discord.say(discord.ann, thread, f"{app} {words}")
                said.append(words)
                await house.guided(session, *said)
        assert (await house.sessions())[0].status is Status.RUNNING
        ended = await house.ended(discord.general, seconds=60, hurried=HURRY)
        assert (ended.status, ended.segment) == (Status.COMPLETED, segment)
        _said_once(house)
        await _turned_once(house, ended)
        assert [one.user_id for one in discord.pings()] == [discord.ann.id]


async def test_a_client_that_dies_is_followed_by_another(sqlite_url: str) -> None:
    """What ends the library's client altogether ends no session; the next client hears what was missed.

    Of a session that is over by then whoever said it is asked whether it is to go on.
    """
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=UNHURRIED) as house,
    ):
        await house.set_up()
        await discord.slash(
            discord.ann, discord.general, "atelier new", brief="tighten", file=("proposal.docx", SAMPLE), rounds=1
        )
        session = await house.running(discord.general)
        thread = house.thread(discord.general)
        await house.bot.close()
        discord.gateway.sessions.open.clear()  # nothing is sent again: it has to be looked up
        discord.say(discord.ann, thread, f"{discord.world.bot.mention} keep the title")
        await house.listens(2)
        await house.guided(session, "keep the title")
        assert (await house.ended(discord.general, seconds=60, hurried=HURRY)).status is Status.COMPLETED
        _said_once(house)
        await house.bot.close()
        discord.gateway.sessions.open.clear()
        discord.say(discord.ann, thread, f"{discord.world.bot.mention} and name the price")
        await house.listens(3)
        question = await house.told(discord.ann, "Continue with this?")
        assert "and name the price" in shown_text(question)


async def test_a_restart_in_the_middle(database_url: str) -> None:
    """A program that stops and starts again goes on; buttons work hours later, and what was said meanwhile counts."""
    async with local_discord() as discord:
        settings = settings_of(database_url, discord, discord_message_content=True)
        async with office(discord, settings, rehearsal_pace=120.0) as house:
            await house.set_up()
            app = discord.world.bot.mention
            discord.say(discord.ann, discord.general, f"{app} tighten", files=[("proposal.docx", SAMPLE)])
            session = await house.running(discord.general)
            await house.press(discord.ann, house.card(discord.general), "pause")
            await house.reaches(discord.general, Status.PAUSED)
        thread = discord.world.channels[session.thread.thread]
        discord.say(discord.ann, thread, "keep it formal")
        discord.world.clock.move(5 * HOUR)  # type: ignore[attr-defined]  # the clock of local_discord
        async with office(discord, settings, rehearsal_pace=1_000.0) as house:
            await house.guided(session, "keep it formal")
            shown = await discord.until(lambda: [one for one in discord.said_by_app() if _offers(one, "resume")])
            for user in (discord.ann, discord.ann):
                discord.press_soon(user, shown[-1], button_of(shown[-1], "resume"))
            ended = await house.ended(discord.general)
            assert ended.status is Status.COMPLETED
            assert sum("Receipt" in shown_text(one) for one in house.posts(discord.general)) == 1
            await _turned_once(house, ended)


def _offers(message: Message, action: str) -> bool:
    return any(name.startswith(f"atelier:{action}:") for name in message.controls)


async def test_two_servers_never_meet(sqlite_url: str) -> None:
    """Two servers work at once: texts, sessions and buttons of one are nothing to the other."""
    async with local_discord() as discord, office(discord, settings_of(sqlite_url, discord)) as house:
        await house.set_up()
        await house.set_up(discord.sue, discord.southern)
        await asyncio.gather(
            discord.slash(discord.ann, discord.general, "atelier new", brief=f"{BRIEF} NORTHERN"),
            discord.slash(discord.sue, discord.southern, "atelier new", brief=f"{BRIEF} SOUTHERN"),
        )
        mine, theirs = await house.ended(discord.general), await house.ended(discord.southern)
        assert (mine.workspace_id, theirs.workspace_id) == (
            workspace_ref(discord.north.id),
            workspace_ref(discord.south.id),
        )
        north = [discord.general, *discord.threads(discord.general)]
        for message in discord.said_by_app():
            where = discord.world.channels[message.channel_id]
            assert ("SOUTHERN" if where in north else "NORTHERN") not in shown_text(message)
        card = house.card(discord.general)
        for command in ("status", "stop", "files", "session delete"):
            await discord.slash(discord.sue, discord.southern, f"atelier {command}", session=mine.id)
            await house.settled()
            assert "no such session" in house.whispers(discord.sue)[-1]
        assert house.card(discord.general) is card
        assert await discord.autocomplete(discord.sue, discord.southern, "atelier status", "session", "launch") != []
        proposed = await discord.autocomplete(discord.sue, discord.southern, "atelier status", "session", "")
        assert mine.id not in {one["value"] for one in proposed}


async def test_a_server_that_leaves_stops_its_sessions_and_keeps_its_ledger(sqlite_url: str) -> None:
    """Mid-session: nothing more is sent there; what was charged stays, and everything is there when it comes back."""
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=120.0) as house,
    ):
        await house.set_up()
        await discord.slash(
            discord.ann, discord.general, "atelier new", brief="tighten", file=("proposal.docx", SAMPLE)
        )
        await house.running(discord.general)
        discord.remove_app(discord.north)

        async def over() -> bool:
            return (await house.sessions())[0].status in ENDED

        await until(over)
        workspace = workspace_ref(discord.north.id)
        entries = await house.parts.database.read(lambda tx: list(tx.credits.list_entries(workspace)))
        discord.invite_app(discord.north)
        await house.settled()
        assert discord.direct_messages(discord.ann) == []
        await discord.slash(discord.ann, discord.general, "atelier new", brief=BRIEF, rounds=1)
        await house.ended(discord.general, 2)
        again = await house.parts.database.read(lambda tx: list(tx.credits.list_entries(workspace)))
        assert again[: len(entries)] == entries


async def test_two_hundred_commands_at_once(database_url: str) -> None:
    """With the real desk and the real rows: every one is acknowledged, none fails, and each is done exactly once."""
    async with (
        local_discord(checks_openapi=False) as discord,
        office(discord, settings_of(database_url, discord)) as house,
    ):
        await house.set_up()
        users = [discord.world.add_user(f"u{number}") for number in range(CROWD)]
        for user in users:
            discord.world.join(discord.north, user)
        asked = [discord.slash_soon(user, discord.general, "atelier sessions") for user in users]
        await asyncio.gather(*(one.done.wait() for one in asked))
        await house.settled()
        assert sum(one.is_answered for one in asked) == CROWD
        assert [one.refusals for one in asked if one.refusals] == []
        assert Counter(len(discord.ephemeral(user)) for user in users) == {1: CROWD}
        assert all("Your sessions" in house.whispers(user)[0] for user in users)


async def test_five_sessions_at_once_in_one_server(sqlite_url: str) -> None:
    """Each has its thread, and Discord turns nothing away."""
    async with (
        local_discord() as discord,
        office(discord, settings_of(sqlite_url, discord), rehearsal_pace=250.0) as house,
    ):
        await house.set_up()
        discord.rates.global_limit *= round(
            SPEED
        )  # it is of a second of the machine, in which so many pass for the program
        for number in range(5):
            discord.slash_soon(discord.ann, discord.general, "atelier new", file=(f"p{number}.docx", SAMPLE), rounds=2)
        await house.ended(discord.general, 5, seconds=60)
        assert [call.route for call in discord.api.calls if call.status == 429] == []
        cards = discord.said_by_app(discord.general)
        assert len(cards) == len(discord.threads(discord.general)) == 5
        assert all("Done" in shown_text(one) for one in cards)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251
    return {**kept, **settings}


@pytest.mark.slow
async def test_kill_9_in_the_middle_of_a_round(sqlite_url: str) -> None:
    """Killed and started again, the room goes on: nothing twice, nothing lost, and the old buttons work."""
    async with LocalDiscord(SystemClock()) as discord:
        environment = _environment(
            {
                "DATABASE_URL": sqlite_url,
                "SECRET_KEYS": generate_key(),
                "DISCORD_TOKEN": discord.token,
                "DISCORD_API_URL": discord.api_url,
                "DISCORD_GATEWAY_URL": discord.gateway_url,
                "DISCORD_SHARD_COUNT": "1",
                "LOG_LEVEL": "WARNING",
            }
        )

        async def start(pace: float) -> asyncio.subprocess.Process:
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.scenarios.discord_worker", str(pace)),
                env=environment,
                stdout=asyncio.subprocess.PIPE,
            )
            assert worker.stdout is not None
            await worker.stdout.readline()
            await discord.connected()
            return worker

        worker = await start(30.0)
        await discord.until(discord.commands)
        await discord.slash(discord.ann, discord.general, "atelier sessions")
        shown = await discord.until(lambda: [one for one in discord.ephemeral(discord.ann) if "may start" in one.text])
        await discord.press(discord.ann, shown[0], button_of(shown[0], "use_settings"))
        await discord.until(lambda: not any(_offers(one, "use_settings") for one in discord.ephemeral(discord.ann)))
        await discord.slash(discord.ann, discord.general, "atelier new", file=("proposal.docx", SAMPLE), rounds=2)
        await discord.until(lambda: discord.threads(discord.general), seconds=30)
        worker.kill()
        await worker.wait()
        await discord.until(lambda: not discord.gateway.sessions.is_connected)
        worker = await start(2_000.0)
        store = Database.from_url(sqlite_url)

        async def over() -> bool:
            def look(tx: Transaction) -> bool:
                found = tx.sessions.list_sessions(workspace_id=workspace_ref(discord.north.id))
                rows = [row for one in found for row in tx.outbox.list_session(one.id)]
                return all(one.status in ENDED for one in found) and all(row.state == "sent" for row in rows)

            return await store.read(look)

        try:
            await until(over, seconds=90)
            (card,) = discord.said_by_app(discord.general)
            await discord.press(discord.ann, card, button_of(card, "files"))
            await discord.until(lambda: "Files of" in text_of(discord.ephemeral(discord.ann)))
        finally:
            worker.kill()
            await worker.wait()
            await store.aclose()
        assert discord.api.problems == []
        (thread,) = discord.threads(discord.general)
        posts = discord.said_by_app(thread)
        assert len(set(_marks(posts))) == len(posts)
        assert [sum(word in shown_text(one) for one in posts) for word in ("Result", "Receipt")] == [1, 1]
