"""Renewing tokens: one refresh token is used once, whoever asks and however many, and nobody waits without need."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

import pytest
import structlog

from bots.slack.credentials import Credential
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from core.sessions.ports import Store
from core.workspaces.installations import Secret, unseal
from storage.database import Database
from storage.errors import DatabaseUnavailable
from storage.secrets import SecretBox, generate_key
from tests.bots.slack.house import House, Process, house
from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.model import ApiCall

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
LIFE = 43_200
MARGIN = 7_200


@asynccontextmanager
async def home(store: Database, clock: FakeClock | None = None) -> AsyncIterator[House]:
    """The app, whose tokens end, installed in the workspace north."""
    async with house(store, clock, rotates=True) as opened:
        await opened.install(opened.slack.ann, opened.slack.north)
        opened.slack.api.calls.clear()
        yield opened


def another(one: House) -> Process:
    """Another process on the same database."""
    return Process(one.slack, one.store, one.clock, one.cipher)


async def found(process: Process, team: str = "T0NORTH") -> Credential:
    """Return the credential of a team that has one."""
    credential = await process.credentials.find(team)
    assert credential is not None
    return credential


def refreshes(one: House) -> list[str]:
    """Return how each renewal ended."""
    asked = [call for call in one.slack.api.calls if call.method == "oauth.v2.access"]
    return [call.outcome for call in asked if _is_renewal(call)]


def _is_renewal(call: ApiCall) -> bool:
    return call.arguments.get("grant_type") == "refresh_token"


async def test_a_token_is_renewed_two_hours_before_its_end(memory_store: Database) -> None:
    """Not a second earlier; and until the new one is there everybody goes on with the old one."""
    async with home(memory_store) as one:
        first = await found(one.process)
        one.clock.move(LIFE - MARGIN - 1)
        assert await found(one.process) == first
        await one.process.credentials.aclose()
        assert refreshes(one) == []
        one.clock.move(61)
        assert await found(one.process) == first, "nobody waits for Slack while the old token lives"
        await one.process.credentials.aclose()
        assert refreshes(one) == ["ok"]
        second = await found(one.process)
        assert second.token != first.token
        assert second.expires_at == one.clock.now() + timedelta(seconds=LIFE)
        one.clock.move(MARGIN)
        client = await one.process.workspaces("T0NORTH")
        assert (await client.auth_test())["team_id"] == "T0NORTH"


async def test_of_eight_and_eight_one_renews(store: Database) -> None:
    """Two processes, eight requests each, on both databases: one refresh token, one request."""
    async with home(store) as one, aclosing(another(one)) as other:
        one.clock.move(LIFE - MARGIN)
        asked = await asyncio.gather(*(found(process) for process in [one.process, other] * 8))
        assert len({credential.token for credential in asked}) == 1
        await one.process.credentials.aclose()
        await other.credentials.aclose()
        assert refreshes(one) == ["ok"]
        one.clock.move(61)
        renewed = {(await found(process)).token for process in (one.process, other)}
        assert len(renewed) == 1
        assert renewed != {asked[0].token}


async def test_of_eight_who_need_it_now_one_renews(store: Database) -> None:
    """When the old token has ended, all of a process wait for the one renewal and get its token."""
    async with home(store) as one:
        one.clock.move(LIFE)
        asked = await asyncio.gather(*(found(one.process) for _ in range(8)))
        assert len({credential.token for credential in asked}) == 1
        assert refreshes(one) == ["ok"]


async def test_another_process_waits_for_the_one_that_renews(store: Database) -> None:
    """It gets the other's token as soon as that is stored; when it takes too long it is told to come back."""
    clock = FakeClock()
    async with home(store, clock) as one, aclosing(another(one)) as other:
        clock.move(LIFE)
        one.slack.faults.add(Trouble.HANGS, "oauth.v2.access")
        renewing = asyncio.create_task(found(one.process))
        await one.slack.until(lambda: one.slack.api.count("oauth.v2.access") == 1)
        impatient = asyncio.create_task(found(other))
        for _ in range(19):
            await clock.sleepers()
            await clock.advance(0.1)
        with pytest.raises(TransientError):
            await impatient
        patient = asyncio.create_task(found(other))
        await clock.sleepers()
        one.slack.faults.released.set()
        renewed = await renewing
        await clock.advance(0.1)
        assert (await patient).token == renewed.token
        assert refreshes(one) == ["hangs"]


async def test_who_died_renewing_holds_nobody_up(memory_store: Database) -> None:
    """A claim ends after a minute; meanwhile the old token serves."""
    async with home(memory_store) as one:
        one.clock.move(LIFE - MARGIN)
        row = await one.store.read(lambda tx: tx.installations.find("slack", "T0NORTH"))
        assert row is not None
        now = one.clock.now()
        until = now + timedelta(seconds=60)
        assert await one.store.write(lambda tx: tx.installations.claim(row, by="dead", now=now, until=until))
        old = await found(one.process)
        await one.process.credentials.aclose()
        assert refreshes(one) == []
        one.clock.move(61)
        await found(one.process)
        await one.process.credentials.aclose()
        assert refreshes(one) == ["ok"]
        assert (await found(one.process)).token != old.token


@pytest.mark.parametrize("trouble", [Trouble.SERVER_ERROR, Trouble.LOST_REQUEST, Trouble.GARBAGE, Trouble.RATE_LIMITED])
async def test_a_slack_that_is_away_is_asked_again(memory_store: Database, trouble: Trouble) -> None:
    """A failure costs nobody the old token, is not repeated within the minute, and then mended."""
    async with home(memory_store) as one:
        one.clock.move(LIFE - MARGIN)
        one.slack.faults.add(trouble, "oauth.v2.access")
        for _ in range(3):
            await found(one.process)
            await one.process.credentials.aclose()
        assert refreshes(one) == [trouble.value]
        one.clock.move(61)
        await found(one.process)
        await one.process.credentials.aclose()
        assert refreshes(one) == [trouble.value, "ok"]


async def test_a_refusal_is_told_to_the_operator_and_not_repeated_at_once(memory_store: Database) -> None:
    """While the old token lives it serves; then the team counts as one without the app."""
    async with home(memory_store) as one:
        one.clock.move(LIFE - MARGIN)
        one.slack.faults.add(Trouble.REFUSED, "oauth.v2.access", error="invalid_refresh_token", times=-1)
        with structlog.testing.capture_logs() as events:
            await found(one.process)
            await one.process.credentials.aclose()
        told = [event for event in events if event["event"] == "slack_renewal_refused"]
        assert [(event["log_level"], event["tenant"], event["reason"]) for event in told] == [
            ("error", "T0NORTH", "invalid_refresh_token")
        ]
        one.clock.move(61)
        await found(one.process)
        await one.process.credentials.aclose()
        assert refreshes(one) == ["invalid_refresh_token"]
        one.clock.move(MARGIN)
        with pytest.raises(PostRefused) as caught:
            await one.process.workspaces("T0NORTH")
        assert caught.value.reason == "account_inactive"


async def test_a_new_token_is_stored_whatever_the_database_does(memory_store: Database) -> None:
    """The old refresh token is spent when Slack has answered, so the new one is not given up."""
    async with home(memory_store) as one:
        one.clock.move(LIFE)
        stubborn = _Away(one.store, times=5)
        async with aclosing(Process(one.slack, stubborn, one.clock, one.cipher)) as process:
            token = (await found(process)).token
        assert stubborn.times == 0
        row = await one.store.read(lambda tx: tx.installations.find("slack", "T0NORTH"))
        assert row is not None
        assert unseal(row, one.cipher).access == token
        assert refreshes(one) == ["ok"]


class _Away:
    """A store whose database is away for some writes, from the second on: the first one is the claim."""

    def __init__(self, store: Store, *, times: int) -> None:
        self._store = store
        self._claimed = False
        self.times = times
        self.read = store.read

    async def write(self, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - as the store's own
        if self._claimed and self.times:
            self.times -= 1
            raise DatabaseUnavailable("away")
        self._claimed = True
        return await self._store.write(work)


async def test_who_installs_during_a_renewal_keeps_the_new_token(memory_store: Database) -> None:
    """The renewal finds its claim gone and takes what the installation brought."""
    async with home(memory_store) as one:
        one.clock.move(LIFE)
        hangs = one.slack.faults.add(Trouble.HANGS, "oauth.v2.access", when=lambda asked: "grant_type" in asked)
        renewing = asyncio.create_task(found(one.process))
        await one.slack.until(lambda: hangs.hits == 1)
        await one.install(one.slack.ann, one.slack.north)
        async with aclosing(another(one)) as other:
            installed = await found(other)
        one.slack.faults.released.set()
        assert (await renewing).token == installed.token


async def test_a_key_that_is_missing_is_no_removal(memory_store: Database) -> None:
    """An operator's mistake pauses nothing for good: it is told, and later the work goes on."""
    async with home(memory_store) as one:
        async with aclosing(Process(one.slack, one.store, one.clock, SecretBox([generate_key()]))) as lost:
            with structlog.testing.capture_logs() as events, pytest.raises(TransientError):
                await lost.workspaces("T0NORTH")
            assert [event["event"] for event in events] == ["slack_token_unreadable"]
        assert (await found(one.process)).token != Secret("")
