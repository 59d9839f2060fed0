"""Slack, as people live it: programs that stop, die and come back, workspaces that leave, and many sessions at once."""

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

import samples
from bots.slack.tenants import workspace_id_of
from core.clock import SystemClock
from core.orchestration import runtime
from core.sessions.model import ENDED, Status
from storage.database import Database
from storage.secrets import generate_key
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Channel, Message
from tests.fakes.slack.oauth_methods import end
from tests.scenarios.slack_office import PUBLIC_URL, Office, buttons_of, local_slack, office, settings_of
from tests.waiting import until

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()


def _words(messages: list[Message]) -> str:
    return "\n".join(one.visible_text for one in messages)


def _kinds(house: Office, channel: Channel) -> list[int]:
    thread = [one.visible_text.replace(f"<@{house.slack.ann.id}>\n", "") for one in house.thread(channel)]
    return [sum(one.startswith(word) for one in thread) for word in ("Result", "Receipt")]


async def test_a_restart_in_the_middle(database_url: str) -> None:
    """A program that stops and starts again goes on: the session ends, the old buttons work, nothing comes twice."""
    async with local_slack() as slack:
        settings = settings_of(database_url, slack)
        async with office(slack, settings, rehearsal_pace=120.0) as house:
            await house.install(slack.north, slack.ann, slack.general)
            await slack.say(slack.ann, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
            session = await house.running(slack.general)
            top = session.thread.thread
            started = await house.whispered(slack.ann, "Starting")
            await house.press(slack.ann, house.card(slack.general), "Pause session")
            await house.reaches(slack.general, Status.PAUSED)
        async with office(slack, settings, rehearsal_pace=1_000.0) as house:
            said = await slack.say(slack.ann, slack.general, "keep it formal", thread_ts=top)
            await house.settled()
            assert list(said.reactions) == ["white_check_mark"]
            await slack.until(lambda: "Resume session" in str(house.card(slack.general).blocks))
            await house.press(slack.ann, house.card(slack.general), "Resume session")
            session = await house.ended(slack.general)
            assert session.status is Status.COMPLETED
            assert _kinds(house, slack.general) == [1, 1]
            await house.press(slack.ann, started, "Stop session")
            await house.whispered(slack.ann, "cannot be stopped")


async def test_two_workspaces_never_meet(sqlite_url: str) -> None:
    """Two workspaces work at once: texts, sessions and buttons of one are nothing to the other."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack)) as house:
        await house.install(slack.north, slack.ann, slack.general)
        await house.install(slack.south, slack.sue, slack.southern)
        await asyncio.gather(
            slack.command(slack.ann, slack.general, f"new {BRIEF} NORTHERN"),
            slack.command(slack.sue, slack.southern, f"new {BRIEF} SOUTHERN"),
        )
        mine, theirs = await house.ended(slack.general), await house.ended(slack.southern)
        assert (mine.workspace_id, theirs.workspace_id) == ("slack:T0NORTH", "slack:T0SOUTH")
        assert "SOUTHERN" not in _words(slack.said_by_app(slack.general))
        assert "NORTHERN" not in _words(slack.said_by_app(slack.southern))
        for call in slack.api.calls:
            if call.method == "chat.postMessage":
                assert slack.world.channels[call.arguments["channel"]].team_id == call.team_id
        for words in (f"status {mine.id}", f"stop {mine.id}", f"files {mine.id}", f"delete {mine.id}"):
            await slack.command(slack.sue, slack.southern, words)
            await house.settled()
            assert "no such session" in slack.ephemeral(slack.sue)[-1].visible_text


async def test_a_revoked_token_ends_sessions_and_keeps_the_ledger(sqlite_url: str) -> None:
    """Tokens revoked mid-session: it stops, nothing more is sent, what was charged stays, and a new install works."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=120.0) as house:
        await house.install(slack.north, slack.ann, slack.general)
        await slack.say(slack.ann, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
        session = await house.running(slack.general)
        await slack.revoke(house.bot())

        async def over() -> bool:
            return (await house.sessions())[0].status in ENDED

        await until(over)
        workspace_id = workspace_id_of(slack.north.id)
        entries = await house.parts.database.read(lambda tx: list(tx.credits.list_entries(workspace_id)))
        assert (await house.sessions())[0].id == session.id
        posted = len(slack.said_by_app())
        await slack.command(slack.ann, slack.general, "status")
        await house.settled()
        assert len(slack.said_by_app()) == posted
        await house.install(slack.north, slack.ann)
        await slack.command(slack.ann, slack.general, f"new {BRIEF} --rounds 1")
        await house.ended(slack.general, 2)
        again = await house.parts.database.read(lambda tx: list(tx.credits.list_entries(workspace_id)))
        assert again[: len(entries)] == entries


async def test_uninstalling_and_coming_back(sqlite_url: str) -> None:
    """Taken out mid-session: it stops; taken in again, the installer hears once, and sessions and settings are there."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=120.0) as house:
        await house.install(slack.north, slack.ann, slack.general)
        await slack.command(slack.ann, slack.general, "settings --rounds 1")
        await slack.say(slack.ann, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
        await house.running(slack.general)
        await slack.uninstall(slack.north)
        await house.settled()

        async def over() -> bool:
            return (await house.sessions())[0].status in ENDED

        await until(over)
        slack.world.clock.move(2)  # type: ignore[attr-defined]  # whoever installs in the same second came before
        await house.install(slack.north, slack.ann, slack.general)
        assert len([one for one in slack.direct_messages(slack.ann) if "Atelier is here" in one.visible_text]) == 2
        await slack.command(slack.ann, slack.general, "sessions")
        await house.whispered(slack.ann, "1 session")
        await slack.command(slack.ann, slack.general, f"new {BRIEF}")
        session = await house.ended(slack.general, 2)
        assert session.cast.stop.max_rounds == 1


async def test_socket_mode_has_the_same_listeners(sqlite_url: str) -> None:
    """Without a public address everything comes through a socket: command, press, mention, form."""
    async with local_slack() as slack:
        grant = slack.world.install(slack.north, slack.ann)
        slack.general.members.add(grant.user_id)
        app = slack.world.app
        settings = settings_of(
            sqlite_url,
            slack,
            public_url="",
            slack_client_id="",
            slack_client_secret=None,
            slack_signing_secret=None,
            slack_bot_token=grant.token,
            slack_app_token=app.app_token,
        )
        async with office(slack, settings) as house:
            done = await slack.command(slack.ann, slack.general, f"new {BRIEF} --rounds 1")
            assert done.text == "Reading the brief, price follows."
            session = await house.ended(slack.general)
            result = next(one for one in house.thread(slack.general) if "Result" in one.visible_text)
            await house.press(slack.ann, result, "Show files")
            await house.settled()
            assert any(one.files for one in slack.direct_messages(slack.ann))
            await slack.say(slack.ann, slack.general, f"{house.named()} status", thread_ts=session.thread.thread)
            await house.settled()
            assert "Done" in slack.ephemeral(slack.ann)[-1].visible_text
            form = await house.form(slack.ann, slack.general)
            assert form.content["blocks"]


async def test_five_sessions_at_once_in_one_workspace(sqlite_url: str) -> None:
    """On a Slack that enforces the published tiers nothing is turned away."""
    async with (
        local_slack(tiers=True) as slack,
        office(slack, settings_of(sqlite_url, slack), rehearsal_pace=250.0) as house,
    ):
        await house.install(slack.north, slack.ann, slack.general)
        options = "--rounds 2 --good-enough 10"
        await asyncio.gather(
            *(
                slack.say(
                    slack.ann, slack.general, f"{house.named()} tighten {options}", files=[(f"p{number}.docx", SAMPLE)]
                )
                for number in range(5)
            )
        )
        await house.ended(slack.general, 5, seconds=60)
        assert slack.rates.refused == {}
        cards = [one for one in slack.said_by_app(slack.general) if not one.is_reply]
        assert len(cards) == 5
        assert all("Done" in one.visible_text for one in cards)


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251
    return {**kept, **settings}


@pytest.mark.slow
async def test_kill_9_while_a_draft_streams(sqlite_url: str, tmp_path: Path) -> None:
    """Killed in the middle of a stream and started again, the room goes on: nothing twice, nothing lost."""
    async with LocalSlack(SystemClock(), tiers=False) as slack:
        grant = slack.world.install(slack.north, slack.ann)
        slack.general.members.add(grant.user_id)
        app = slack.world.app
        environment = _environment(
            {
                "DATABASE_URL": sqlite_url,
                "PUBLIC_URL": PUBLIC_URL,
                "SECRET_KEYS": generate_key(),
                "SLACK_BOT_TOKEN": grant.token,
                "SLACK_SIGNING_SECRET": app.signing_secret,
                "SLACK_API_URL": slack.api_url.rstrip("/"),
                "LOG_LEVEL": "WARNING",
            }
        )

        async def start(pace: float) -> asyncio.subprocess.Process:
            worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.scenarios.slack_worker", str(pace)),
                env=environment,
                stdout=asyncio.subprocess.PIPE,
            )
            assert worker.stdout is not None
            slack.world.app.request_url = f"{(await worker.stdout.readline()).decode().strip()}/slack/events"
            return worker

        worker = await start(20.0)
        await slack.command(slack.ann, slack.general, f"new {BRIEF} --rounds 1")
        await slack.until(lambda: slack.api.count("chat.startStream"), seconds=20)
        worker.kill()
        await worker.wait()
        worker = await start(2_000.0)
        store = Database.from_url(sqlite_url)

        async def over() -> bool:
            def look(tx: object) -> bool:
                found = tx.sessions.list_sessions(workspace_id="slack:T0NORTH")  # type: ignore[attr-defined]
                rows = [row for one in found for row in tx.outbox.list_session(one.id)]  # type: ignore[attr-defined]
                return all(one.status in ENDED for one in found) and all(row.state == "sent" for row in rows)

            return await store.read(look)

        try:
            await until(over, seconds=60)
        finally:
            worker.kill()
            await worker.wait()
            await store.aclose()
        assert slack.api.problems == []
        (card,) = [one for one in slack.said_by_app(slack.general) if not one.is_reply]
        assert "Done" in card.visible_text
        thread = [one for one in slack.messages(slack.general, card.ts) if one is not card]
        assert [sum(word in one.visible_text[:60] for one in thread) for word in ("Result", "Receipt")] == [1, 1]
        keys = [one.metadata["event_payload"]["key"] for one in thread if one.metadata]
        assert len(keys) == len(set(keys))
        assert sum(bool(one.files) for one in thread) == 1
        assert [one for one in thread if one.stream is not None] == [], "half a draft was left behind"


async def test_an_organisation_is_one_payer_with_many_workspaces(sqlite_url: str) -> None:
    """Installed for a whole Enterprise Grid, people of its workspaces work in their own channels, on one account."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack)) as house:
        await house.install(slack.grid, slack.eve, slack.eastern, slack.western)
        await slack.command(slack.eve, slack.eastern, f"new {BRIEF} --rounds 1")
        await slack.command(slack.wes, slack.western, f"new {BRIEF} --rounds 1")
        east, west = await house.ended(slack.eastern), await house.ended(slack.western)
        assert east.workspace_id == west.workspace_id == "slack-ent:E0GRID"
        for channel in (slack.eastern, slack.western):
            assert "Result" in _words(house.thread(channel))
        await slack.command(slack.wes, slack.western, f"stop {east.id}")
        await house.settled()
        assert "no such session" in slack.ephemeral(slack.wes)[-1].visible_text


async def test_outsiders_of_a_shared_channel_neither_start_nor_steer(sqlite_url: str) -> None:
    """In a Slack Connect channel people of the other company are not listened to, unless an admin allowed it."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=120.0) as house:
        await house.install(slack.north, slack.ann, slack.general)
        slack.general.shared_with.add(slack.south.id)
        slack.general.members.add(slack.sue.id)
        await slack.say(slack.sue, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
        await house.settled()
        assert await house.sessions() == []
        await slack.command(slack.ann, slack.general, f"new {BRIEF}")
        session = await house.running(slack.general)
        said = await slack.say(slack.sue, slack.general, "longer!", thread_ts=session.thread.thread)
        await house.settled()
        assert said.reactions == {}
        assert await house.parts.database.read(lambda tx: list(tx.sessions.list_guidance(session.id))) == []
        await house.parts.sessions.stop(session.id, actor="test")
        await house.ended(slack.general)


async def test_without_credits_nothing_starts(sqlite_url: str) -> None:
    """Where credits are sold and there are none, the price and the way out are said privately; nothing is posted."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), checks_balance=True) as house:
        await house.install(slack.north, slack.ann, slack.general)
        await slack.command(slack.ann, slack.general, f"new {BRIEF}")
        refusal = await house.whispered(slack.ann, "There are not enough credits")
        assert "Add credits" in refusal.visible_text
        assert buttons_of(refusal)[:2] == ["Start session", "Discard session"]
        await house.press(slack.ann, refusal, "Discard session")
        await house.settled()
        assert await house.sessions() == []
        assert slack.said_by_app(slack.general) == []


async def test_the_installer_s_message_runs_the_free_sample(sqlite_url: str) -> None:
    """From the page of the installation on: one message, whose sample button runs a session that costs nothing, once."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), checks_balance=True) as house:
        await house.install(slack.north, slack.ann, slack.general)
        (greeting,) = slack.direct_messages(slack.ann)
        await house.press(slack.ann, greeting, "Run free sample")
        direct = slack.direct(slack.ann)
        session = await house.ended(direct)
        assert session.status is Status.COMPLETED
        assert any("Result" in one.visible_text and one.files for one in slack.direct_messages(slack.ann))
        assert slack.said_by_app(slack.general) == []
        entries = await house.parts.database.read(lambda tx: list(tx.credits.list_entries(session.workspace_id)))
        assert sum(one.amount_microcredits for one in entries) >= 0
        before = len(await house.sessions())
        await house.press(slack.ann, greeting, "Run free sample")
        await house.whispered(slack.ann, "was run already")
        assert len(await house.sessions()) == before


@pytest.mark.parametrize("is_disabled", [False, True], ids=["revoked", "disabled"])
async def test_a_token_that_dies_unannounced_is_a_departure(sqlite_url: str, *, is_disabled: bool) -> None:
    """Slack refuses a token without having said so: what runs stops, and is told when the app is back, exactly once."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=60.0) as house:
        await house.install(slack.north, slack.ann, slack.general)
        await slack.say(slack.ann, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
        session = await house.running(slack.general)
        await slack.until(lambda: house.thread(slack.general))
        if is_disabled:
            end(slack.world, slack.north.id)
        else:
            await slack.revoke(house.bot(), tell=False)
        ended = await house.reaches(slack.general, Status.STOPPED)
        assert ended.id == session.id
        workspace = await house.parts.database.read(lambda tx: tx.workspaces.find(session.workspace_id))
        assert workspace is not None
        assert workspace.removed_at is not None
        before = await house.parts.database.read(lambda tx: tx.credits.session_totals(session.id))
        calls = slack.api.count("chat.postMessage")
        house.pass_time(600)
        await runtime.get_job("posts")()
        assert await house.parts.database.read(lambda tx: list(tx.outbox.list_open(session_id=session.id)))
        assert slack.api.count("chat.postMessage") == calls, "it went on posting where it is not"

        await house.install(slack.north, slack.ann, slack.general)
        house.pass_time(300)
        await house.ended(slack.general)
        house.pass_time(300)
        await house.settled()
        assert _kinds(house, slack.general) == [1, 1]
        assert "Stopped" in house.card(slack.general).visible_text
        assert len([one for one in slack.said_by_app(slack.general) if not one.is_reply]) == 1
        assert await house.parts.database.read(lambda tx: tx.credits.session_totals(session.id)) == before


async def test_one_odd_answer_stops_nothing(sqlite_url: str) -> None:
    """Slack says once that a token is dead which lives: the post is sent again, and the session goes on."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=300.0) as house:
        await house.install(slack.north, slack.ann, slack.general)
        slack.faults.add(Trouble.REFUSED, "chat.postMessage", error="account_inactive")
        await slack.say(slack.ann, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
        session = await house.ended(slack.general)
        assert session.status is Status.COMPLETED
        assert _kinds(house, slack.general) == [1, 1]


async def test_tokens_are_renewed_while_sessions_run(sqlite_url: str) -> None:
    """Where tokens rotate, a session outlives one: the new one is fetched once, and everything is posted with it."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=300.0) as house:
        slack.world.app.rotates_tokens = True
        await house.install(slack.north, slack.ann, slack.general)
        first = house.bot().token
        await slack.say(slack.ann, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
        await house.running(slack.general)
        begun = len(slack.api.calls)
        house.pass_time(11 * 3600)
        session = await house.ended(slack.general, seconds=30)
        assert session.status is Status.COMPLETED
        assert _kinds(house, slack.general) == [1, 1]
        later = slack.api.calls[begun:]
        assert [call.outcome for call in later if call.method == "oauth.v2.access"] == ["ok"]
        posts = [call.token for call in later if call.method == "chat.postMessage"]
        assert posts[-1] == house.bot().token != first
