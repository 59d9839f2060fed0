"""Tokens that die unannounced: believed when asked twice, forgotten as after an event, and never by mistake."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest

from bots.desk.requests import Request
from bots.slack.api import SlackApi
from bots.slack.clients import OneWorkspace, open_session
from bots.slack.happenings import LEFT
from bots.slack.leaving import UNTOLD, Forgotten, forget, load_departure
from bots.slack.lost import LostTokens, Taking
from bots.slack.pacing import Pacer
from core.errors import TransientError
from core.orchestration.ports import NotInstalled
from core.workspaces.installations import Secret
from core.workspaces.model import Workspace
from storage.database import Database
from tests.bots.slack.house import House, house
from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.oauth_methods import end

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
NORTH = "T0NORTH"


@dataclass
class Watch:
    """The app in north, and what is found out there.

    Attributes:
        taken: The requests that were handed on, with their keys.
    """

    home: House
    lost: LostTokens
    api: SlackApi
    taken: dict[str, Request] = field(default_factory=dict)

    async def take(self, request: Request, *, source: str, keys: Sequence[str]) -> bool:
        assert source == "slack"
        is_new = not set(keys) & set(self.taken)
        self.taken |= dict.fromkeys(keys, request)
        return is_new

    async def ask(self) -> None:
        """Make a call in north."""
        await self.api.call(NORTH, "users.info", lambda client: client.users_info(user=self.home.slack.ann.id))

    async def leave(self) -> Forgotten:
        """Do what was found out."""
        (request,) = self.taken.values()
        assert request.action == LEFT
        departure = load_departure(request.values)
        assert (departure.event, departure.tenant, departure.is_bot) == (UNTOLD, NORTH, True)
        home = self.home
        return await forget(
            departure, store=home.store, sessions=home.stops, clock=home.clock, changed=home.process.drop
        )

    async def tenants(self) -> list[str]:
        return [one.tenant for one in await self.home.store.read(lambda tx: tx.installations.list_all())]


@pytest.fixture
async def watch(store: Database) -> AsyncIterator[Watch]:
    """The app in north, and somebody who looks after its token."""
    async with house(store) as home:
        home.slack.world.app.scopes |= {"users:read"}
        await home.install(home.slack.ann, home.slack.north)
        grant = home.slack.world.bot_of(home.slack.north)
        assert grant is not None
        grant.scopes |= {"users:read"}
        at = home.clock.now()
        await home.store.write(lambda tx: tx.workspaces.save(Workspace("slack:T0NORTH", "slack", "North", at)))
        process = home.process
        lost = LostTokens(process.credentials, home.clock, refresh=process.credentials.drop)
        opened = Watch(home, lost, SlackApi(process.workspaces, Pacer(home.clock), gone=lost))
        taking: Taking = opened.take
        lost.hand_to(taking)
        await opened.ask()
        yield opened
        await lost.aclose()


@pytest.mark.parametrize("is_disabled", [False, True], ids=["revoked", "disabled"])
async def test_a_dead_token_is_a_departure(watch: Watch, *, is_disabled: bool) -> None:
    """Asked once more Slack says the same: the token is deleted, the workspace marked, and the log says why."""
    slack = watch.home.slack
    if is_disabled:
        end(slack.world, NORTH)
    else:
        grant = slack.world.bot_of(slack.north)
        assert grant is not None
        await slack.revoke(grant, tell=False)
    with pytest.raises(NotInstalled):
        await watch.ask()
    assert await watch.leave() == Forgotten(1, 0)
    assert await watch.tenants() == []
    north = await watch.home.store.read(lambda tx: tx.workspaces.find("slack:T0NORTH"))
    assert north is not None
    assert north.removed_at is not None
    last, *_ = await watch.home.store.read(lambda tx: tx.audit.list_entries(workspace_id="slack:T0NORTH"))
    reason = "account_inactive" if is_disabled else "token_revoked"
    assert (last.action, dict(last.details)) == ("app_removed", {"event": UNTOLD, "reason": reason})
    asked = slack.api.count("auth.test")
    with pytest.raises(NotInstalled):
        await watch.ask()
    assert (slack.api.count("auth.test"), len(watch.taken)) == (asked, 1)


@pytest.mark.parametrize("code", ["account_inactive", "token_revoked", "app_uninstalled", "invalid_auth"])
async def test_one_odd_answer_stops_nothing(watch: Watch, code: str) -> None:
    """Slack takes the token back at once: the call is to be made again."""
    watch.home.slack.faults.add(Trouble.REFUSED, "users.info", error=code)
    with pytest.raises(TransientError):
        await watch.ask()
    await watch.ask()
    assert watch.taken == {}


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (Trouble.LOST_ANSWER, ""),
        (Trouble.REFUSED, "internal_error"),
        (Trouble.REFUSED, "token_expired"),
        (Trouble.REFUSED, "invalid_auth"),
    ],
    ids=["lost", "broken", "expired", "address"],
)
async def test_who_cannot_tell_decides_nothing(watch: Watch, trouble: Trouble, error: str) -> None:
    """Neither an outage, nor a renewal that is late, nor an address that Slack does not let in ends an installation."""
    watch.home.slack.faults.add(Trouble.REFUSED, "users.info", error="account_inactive")
    watch.home.slack.faults.add(trouble, "auth.test", error=error)
    with pytest.raises(TransientError):
        await watch.ask()
    assert watch.taken == {}
    await watch.ask()


async def test_many_find_out_at_once_and_it_happens_once(watch: Watch) -> None:
    """One question for all of them, and one request, also in the same hour."""
    slack = watch.home.slack
    end(slack.world, NORTH)
    asked = slack.api.count("auth.test")
    found = await asyncio.gather(*(watch.ask() for _ in range(8)), return_exceptions=True)
    assert all(isinstance(one, NotInstalled) for one in found)
    assert len(watch.taken) == 1
    assert slack.api.count("auth.test") - asked < 8


async def test_a_token_that_was_replaced_says_nothing_of_the_new_one(watch: Watch) -> None:
    """A process that remembers the token of an earlier installation takes the new one, and ends nothing."""
    home = watch.home
    client = await home.process.workspaces(NORTH)
    end(home.slack.world, NORTH)
    home.clock.move(5)
    await home.install(home.slack.ann, home.slack.north)
    assert not await watch.lost(NORTH, client, "account_inactive")
    assert watch.taken == {}


async def test_what_was_found_out_before_a_new_installation_is_stale(watch: Watch) -> None:
    """Done late, it does not touch what was installed meanwhile."""
    home = watch.home
    end(home.slack.world, NORTH)
    with pytest.raises(NotInstalled):
        await watch.ask()
    home.clock.move(5)
    await home.install(home.slack.ann, home.slack.north)
    assert await watch.leave() == Forgotten(is_stale=True)
    assert await watch.tenants() == [NORTH]


async def test_a_token_of_the_settings_tells_each_time_that_slack_takes_it() -> None:
    """Nobody installs there by OAuth: who comes back is known by the first answer after it was forgotten."""
    async with LocalSlack(FakeClock(auto=True), tiers=False) as slack, open_session() as session:
        grant = slack.world.install(slack.north, slack.ann)
        back: list[str] = []

        async def answered(tenant: str) -> None:
            back.append(tenant)

        one = OneWorkspace(Secret(grant.token), session, base_url=slack.api_url, answered=answered)
        for _ in range(2):
            await one(NORTH)
        assert back == [NORTH]
        one.drop("T0SOUTH")
        await one(NORTH)
        assert back == [NORTH]
        grant.is_revoked = True
        one.drop(NORTH)
        with pytest.raises(NotInstalled):
            await one(NORTH)
        grant.is_revoked = False
        await one(NORTH)
        assert back == [NORTH, NORTH]
