"""Removal and revocation: tokens go, what runs is stopped, the ledger and everybody else's things stay."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bots.desk.departing import Stopping
from bots.slack.leaving import Departure, Forgotten, decode_departure, forget
from bots.slack.places import channel_ref
from core.orchestration.ports import PostRefused
from core.sessions.errors import NotPossibleNow
from core.sessions.model import Session, Status, ThreadRef
from core.sessions.service import SessionService
from core.workspaces.installations import Secret, Tokens, seal
from core.workspaces.model import Member, Workspace
from storage.database import Database
from tests.bots.slack.house import House, house
from tests.bots.views.samples import SESSION
from tests.fakes.slack.model import Enterprise, Team

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
_SERVICE: type[Stopping] = SessionService  # mypy: the service is what `forget` asks for


@pytest.fixture
async def home(store: Database) -> AsyncIterator[House]:
    """The app in two workspaces and an organisation, with a running, a waiting and an ended session in each."""
    async with house(store) as opened:
        slack = opened.slack
        for person, where in ((slack.ann, slack.north), (slack.sue, slack.south), (slack.eve, slack.grid)):
            await opened.install(person, where)
            await _work(opened, where)
        yield opened


async def _work(home: House, where: Team | Enterprise) -> None:
    workspace = f"slack-ent:{where.id}" if isinstance(where, Enterprise) else f"slack:{where.id}"
    teams = ("T0EAST", "T0WEST") if isinstance(where, Enterprise) else (where.id,)
    now = home.clock.now()
    member = Member(f"{workspace}/U1", workspace, "U1", "Someone", now)
    rows = [
        _session(workspace, team, status)
        for team in teams
        for status in (Status.RUNNING, Status.WAITING, Status.COMPLETED)
    ]

    def save(tx: Any) -> None:
        tx.workspaces.save(Workspace(workspace, "slack", where.name, now, tier="pro"))
        tx.workspaces.save_member(member)
        for row in rows:
            tx.sessions.add(row)

    await home.store.write(save)


def _session(workspace: str, team: str, status: Status) -> Session:
    return replace(
        SESSION,
        id=f"s_{team}_{status}",
        workspace_id=workspace,
        member_id=f"{workspace}/U1",
        project_id=None,
        thread=ThreadRef("slack", channel_ref(team, "C1"), "1.1"),
        status=status,
    )


async def _removed(home: House) -> set[str]:
    found = await home.store.read(lambda tx: tx.workspaces.list_all())
    return {one.id for one in found if one.removed_at is not None}


async def _tenants(home: House) -> list[str]:
    found = await home.store.read(lambda tx: tx.installations.list_all())
    return [f"{one.tenant}{'/' if one.person else ''}{one.person}" for one in found]


async def _give_a_token_to(home: House, person: str) -> None:
    """Let a person of north have given their own token, too."""
    bot = await home.store.read(lambda tx: tx.installations.find("slack", "T0NORTH"))
    assert bot is not None
    theirs = seal(replace(bot, person=person), Tokens(Secret("xoxp-1")), home.cipher)
    await home.store.write(lambda tx: tx.installations.save(theirs))


def _running(*teams: str) -> set[tuple[str, str]]:
    return {(f"s_{team}_{status}", "system") for team in teams for status in (Status.RUNNING, Status.WAITING)}


async def test_an_uninstalled_team_is_forgotten(home: House) -> None:
    """Its tokens are gone, its live sessions are told to stop by the system, the rest of it stays."""
    await home.process.workspaces("T0NORTH")
    await _give_a_token_to(home, "U0BEN")
    await home.slack.uninstall(home.slack.north)
    assert await _tenants(home) == ["E0GRID", "T0SOUTH"]
    assert await _removed(home) == {"slack:T0NORTH"}
    assert set(home.stops.stopped) == _running("T0NORTH")
    assert sum(one.installations for one in home.forgotten) == 2, "two events tell of it, in any order"
    with pytest.raises(PostRefused) as caught:
        await home.process.workspaces("T0NORTH")
    assert caught.value.reason == "account_inactive"
    await home.process.workspaces("T0SOUTH")
    sessions = await home.store.read(lambda tx: tx.sessions.list_sessions(workspace_id="slack:T0NORTH"))
    assert len(sessions) == 3
    audit = await home.store.read(lambda tx: tx.audit.list_entries(workspace_id="slack:T0NORTH"))
    assert [(one.actor, one.action, one.target) for one in audit] == [
        ("system", "app_removed", "T0NORTH"),
        ("slack:T0NORTH/U0ANN", "app_installed", "T0NORTH"),
    ]


async def test_an_uninstalled_organisation_is_forgotten(home: House) -> None:
    """With all of its teams; nobody else."""
    await home.slack.command(home.slack.eve, home.slack.eastern, "x")
    await home.slack.uninstall(home.slack.grid)
    assert await _tenants(home) == ["T0NORTH", "T0SOUTH"]
    assert await _removed(home) == {"slack-ent:E0GRID"}
    assert set(home.stops.stopped) == _running("T0EAST", "T0WEST")
    for team in ("E0GRID", "T0EAST"):
        with pytest.raises(PostRefused):
            await home.process.workspaces(team)


async def test_the_apps_own_token_is_revoked(home: House) -> None:
    """Only the app's own token is deleted, and the work stops."""
    await _give_a_token_to(home, "U0BEN")
    grant = home.slack.world.bot_of(home.slack.north)
    assert grant is not None
    await home.slack.revoke(grant)
    assert await _tenants(home) == ["E0GRID", "T0NORTH/U0BEN", "T0SOUTH"]
    assert await _removed(home) == {"slack:T0NORTH"}
    assert set(home.stops.stopped) == _running("T0NORTH")


async def test_a_persons_token_is_revoked(home: House) -> None:
    """Only that person's token is deleted; the work goes on."""
    await _give_a_token_to(home, "U0BEN")
    await _give_a_token_to(home, "U0GIL")
    grant = home.slack.world.bot_of(home.slack.north)
    assert grant is not None
    tokens = {"oauth": ["U0BEN"], "bot": []}
    for delivery in home.slack.events.tell(grant, home.slack.north, {"type": "tokens_revoked", "tokens": tokens}):
        await delivery.tried.wait()
    assert await _tenants(home) == ["E0GRID", "T0NORTH", "T0NORTH/U0GIL", "T0SOUTH"]
    assert await _removed(home) == set()
    assert home.stops.stopped == []


async def test_an_organisation_takes_a_team_away(home: House) -> None:
    """Only what runs in that team stops; the organisation's installation and its other teams stay."""
    slack = home.slack
    await slack.command(slack.eve, slack.eastern, "x")
    grant = slack.world.bot_of(slack.east)
    assert grant is not None
    event = {"type": "team_access_revoked", "team_ids": ["T0EAST"]}
    await _forget(home, slack.events.envelope(None, slack.east, grant, event))
    assert await _tenants(home) == ["E0GRID", "T0NORTH", "T0SOUTH"]
    assert await _removed(home) == set()
    assert set(home.stops.stopped) == _running("T0EAST")
    with pytest.raises(PostRefused):
        await home.process.workspaces("T0EAST")
    await home.process.workspaces("E0GRID")


async def test_a_team_taken_away_had_installed_the_app_itself(home: House) -> None:
    """What it installed for itself goes with it."""
    slack = home.slack
    await home.install(slack.eve, slack.east)
    await home.store.write(lambda tx: tx.workspaces.save(Workspace("slack:T0EAST", "slack", "East", home.clock.now())))
    departure = Departure("team_access_revoked", "E0GRID", home.clock.now(), teams=("T0EAST",))
    await forget(departure, store=home.store, sessions=home.stops, clock=home.clock, changed=home.process.drop)
    assert await _tenants(home) == ["E0GRID", "T0NORTH", "T0SOUTH"]
    assert await _removed(home) == {"slack:T0EAST"}


async def _forget(home: House, body: dict[str, Any]) -> Forgotten:
    departure = decode_departure(body)
    assert departure is not None
    return await forget(departure, store=home.store, sessions=home.stops, clock=home.clock, changed=home.process.drop)


async def test_who_came_back_is_not_forgotten(home: House) -> None:
    """An event that Slack repeats after the app was installed again is too late."""
    slack = home.slack
    async with slack.delivering.held() as held:
        await slack.uninstall(slack.north)
    home.clock.move(30)
    await home.install(slack.ann, slack.north)
    await slack.delivering.in_order(list(held))
    assert [one.is_stale for one in home.forgotten] == [True, True]
    assert await _tenants(home) == ["E0GRID", "T0NORTH", "T0SOUTH"]
    assert await _removed(home) == set()
    assert home.stops.stopped == []
    await home.process.workspaces("T0NORTH")


async def test_forgetting_twice_is_harmless(home: House) -> None:
    """A repeat finds nothing to delete, stops what still runs, and marks nothing anew; what ended is left alone."""
    at = home.clock.now()
    departure = Departure("app_uninstalled", "T0NORTH", at, is_app=True, is_bot=True)
    first = await forget(departure, store=home.store, sessions=home.stops, clock=home.clock, changed=home.process.drop)
    home.clock.move(60)
    home.stops.error = NotPossibleNow("stop", Status.COMPLETED)
    second = await forget(departure, store=home.store, sessions=home.stops, clock=home.clock, changed=home.process.drop)
    assert (first, second) == (Forgotten(1, 2), Forgotten(0, 0))
    north = await home.store.read(lambda tx: tx.workspaces.find("slack:T0NORTH"))
    assert north is not None
    assert north.removed_at == at


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, None),
        ({"event": {"type": "app_mention"}}, None),
        (
            {"event": {"type": "app_uninstalled"}, "team_id": "T1", "enterprise_id": "E1", "event_time": 60},
            {"tenant": "T1", "is_app": True, "is_bot": True},
        ),
        (
            {"event": {"type": "app_uninstalled"}, "team_id": "T1", "authorizations": [], "event_time": 60},
            {"tenant": "T1", "is_app": True, "is_bot": True},
        ),
        (
            {
                "event": {"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}},
                "team_id": "T1",
                "event_time": 60,
                "authorizations": [{"enterprise_id": "E1", "team_id": None, "is_enterprise_install": True}],
            },
            {"tenant": "E1", "people": ("U1",)},
        ),
    ],
    ids=["empty", "other", "bare", "no-authorizations", "organisation"],
)
def test_events_are_decoded(body: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """Whose installation it was is what Slack authorised, else whom it named."""
    found = decode_departure(body)
    if expected is None:
        assert found is None
    else:
        assert found == Departure(event=body["event"]["type"], at=datetime.fromtimestamp(60, UTC), **expected)
