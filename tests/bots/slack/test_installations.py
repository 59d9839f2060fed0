"""Our stores as slack_sdk uses them: its own words in, its own words out, and keys that never cross a workspace."""

import asyncio
from dataclasses import replace

import pytest
from slack_sdk.oauth.installation_store.models.installation import Installation

from bots.slack.installations import SlackInstallations, SlackStates, reencrypt
from bots.slack.tenants import tenant_of, tenant_of_workspace, workspace_id_of
from core.workspaces.errors import SecretUnreadable
from core.workspaces.model import Workspace
from storage.database import Database
from storage.secrets import SecretBox, generate_key
from tests.fakes.clock import FakeClock

OLD, NEW = generate_key(), generate_key()
ENDS = 1_767_268_800


def _installed(
    team: str | None = "T1", enterprise: str | None = None, user: str = "U1", **more: object
) -> Installation:
    fields: dict[str, object] = {
        "app_id": "A1",
        "enterprise_id": enterprise,
        "enterprise_name": "Grid" if enterprise else None,
        "enterprise_url": "https://grid.slack.test/" if enterprise and not team else None,
        "team_id": team,
        "team_name": f"Team {team}" if team else None,
        "bot_token": f"xoxb-{team or enterprise}",
        "bot_id": "B1",
        "bot_user_id": "U9",
        "bot_scopes": ["chat:write", "commands"],
        "bot_refresh_token": f"xoxe-{team or enterprise}",
        "bot_token_expires_at": ENDS,
        "user_id": user,
        "is_enterprise_install": team is None,
        "token_type": "bot",
        "installed_at": FakeClock().now().timestamp(),
    }
    return Installation(**{**fields, **more})  # type: ignore[arg-type]


@pytest.fixture
def kept(store: Database, clock: FakeClock) -> SlackInstallations:
    return SlackInstallations(store, SecretBox([OLD]), clock)


async def _find(kept: SlackInstallations, team: str | None, enterprise: str | None = None, **more: object) -> str:
    found = await kept.async_find_installation(enterprise_id=enterprise, team_id=team, **more)  # type: ignore[arg-type]
    return str(found.bot_token) if found else ""


async def test_what_slack_gave_comes_back(kept: SlackInstallations) -> None:
    """Every field that slack_sdk keeps is the same afterwards, for teams and for organisations."""
    for given in (_installed(), _installed(None, "E1"), _installed("T2", "E1")):
        await kept.async_save(given)
        found = await kept.async_find_installation(
            enterprise_id=given.enterprise_id,
            team_id=given.team_id,
            is_enterprise_install=given.is_enterprise_install,
        )
        assert found is not None
        assert found.custom_values.pop("installed_by") == "U1"
        assert found.to_dict() == given.to_dict()
        bot = await kept.async_find_bot(
            enterprise_id=given.enterprise_id,
            team_id=given.team_id,
            is_enterprise_install=given.is_enterprise_install,
        )
        assert bot is not None
        assert bot.bot_token == given.bot_token


async def test_each_key_finds_its_own(kept: SlackInstallations) -> None:
    """The closest installation answers; nobody's answers for a stranger, and an empty key for nobody."""
    for given in (_installed("T1"), _installed("T2", "E1"), _installed(None, "E1"), _installed("T4", "E2")):
        await kept.async_save(given)
    assert await _find(kept, "T1") == "xoxb-T1"
    assert await _find(kept, "T2", "E1") == "xoxb-T2"
    assert await _find(kept, "T2", "E1", is_enterprise_install=True) == "xoxb-E1"
    assert await _find(kept, None, "E1", is_enterprise_install=True) == "xoxb-E1"
    assert await _find(kept, "T3", "E1") == "xoxb-E1", "an organisation's installation answers for its teams"
    assert await _find(kept, "T3") == ""
    assert await _find(kept, "T5", "E2") == "", (
        "a team's own installation answers for no other team of its organisation"
    )
    assert await _find(kept, None, "E2") == ""
    assert await _find(kept, None, None) == ""


async def test_personal_tokens_are_kept_apart(kept: SlackInstallations) -> None:
    """A person's tokens come with the app's for that person; deleting one leaves the other."""
    await kept.async_save(_installed(user="U1", user_token="xoxp-1", user_scopes=["search:read"]))
    await kept.async_save(_installed(user="U2", user_token="xoxp-2", user_scopes=["search:read"]))
    assert await _find(kept, "T1", user_id="U3") == ""
    for person in ("U1", "U2"):
        found = await kept.async_find_installation(enterprise_id=None, team_id="T1", user_id=person)
        assert found is not None
        assert (found.user_id, found.user_token, found.bot_token) == (person, f"xoxp-{person[1]}", "xoxb-T1")
    await kept.async_delete_installation(enterprise_id=None, team_id="T1", user_id="U1")
    assert await _find(kept, "T1", user_id="U1") == ""
    assert await _find(kept, "T1", user_id="U2") == "xoxb-T1"
    await kept.async_delete_bot(enterprise_id=None, team_id="T1")
    assert await _find(kept, "T1", user_id="U2") == ""


async def test_a_renewed_bot_is_saved_as_slack_sdk_does_it(kept: SlackInstallations) -> None:
    """`async_save_bot` replaces the app's tokens and keeps who installed."""
    await kept.async_save(_installed())
    bot = await kept.async_find_bot(enterprise_id=None, team_id="T1")
    assert bot is not None
    bot.bot_token = "xoxb-new"
    await kept.async_save_bot(bot)
    found = await kept.async_find_installation(enterprise_id=None, team_id="T1", user_id="U1")
    assert found is not None
    assert found.bot_token == "xoxb-new"


async def test_an_installation_without_a_token_is_none(kept: SlackInstallations) -> None:
    """Nothing is kept of it."""
    with pytest.raises(ValueError, match="without a token"):
        await kept.async_save(_installed(bot_token=None))


async def test_whoever_saves_is_heard(memory_store: Database, clock: FakeClock) -> None:
    """Who remembers tokens is told whose changed, after they did."""
    heard: list[str] = []
    kept = SlackInstallations(memory_store, SecretBox([OLD]), clock, changed=heard.append)
    await kept.async_save(_installed())
    await kept.async_save(_installed(None, "E1"))
    await kept.async_delete_all(enterprise_id="E1", team_id=None)
    assert heard == ["T1", "E1", "E1"]


async def test_a_persons_token_brings_no_workspace_back(memory_store: Database, clock: FakeClock) -> None:
    """Only the app's own installation does."""
    gone = Workspace("slack:T1", "slack", "Team", clock.now(), removed_at=clock.now())
    await memory_store.write(lambda tx: tx.workspaces.save(gone))
    kept = SlackInstallations(memory_store, SecretBox([OLD]), clock)
    await kept.async_save(_installed(bot_token=None, user_token="xoxp-1"))
    assert await memory_store.read(lambda tx: tx.workspaces.find("slack:T1")) == gone
    await kept.async_save(_installed())
    back = replace(gone, name="Team T1", removed_at=None)
    assert await memory_store.read(lambda tx: tx.workspaces.find("slack:T1")) == back


async def test_keys_change_without_a_gap(memory_store: Database, clock: FakeClock) -> None:
    """Old rows can be read beside new ones, are sealed anew when they are written or when the operator says so."""
    old = SlackInstallations(memory_store, SecretBox([OLD]), clock)
    for number in range(250):
        await old.async_save(_installed(f"T{number}"))
    both = SlackInstallations(memory_store, SecretBox([NEW, OLD]), clock)
    only = SlackInstallations(memory_store, SecretBox([NEW]), clock)
    assert await _find(both, "T0") == "xoxb-T0"
    with pytest.raises(SecretUnreadable):
        await _find(only, "T0")
    await both.async_save(_installed("T0"))
    assert await _find(only, "T0") == "xoxb-T0"
    step = await reencrypt(memory_store, SecretBox([NEW, OLD]))
    assert (step.done, step.unreadable) == (250, 0)
    assert await _find(only, "T249") == "xoxb-T249"
    lost = await reencrypt(memory_store, SecretBox([generate_key()]))
    assert (lost.done, lost.unreadable) == (0, 250)
    assert await _find(only, "T249") == "xoxb-T249"


async def test_a_state_is_good_for_one_of_eight(store: Database, clock: FakeClock) -> None:
    """On both databases, for ten minutes; what nobody brought back is swept out by the next."""
    states = SlackStates(store, clock)
    state = await states.async_issue()
    assert len(state) >= 43
    taken = await asyncio.gather(*(states.async_consume(state) for _ in range(8)))
    assert taken.count(True) == 1
    assert not await states.async_consume("never issued")
    old = await states.async_issue()
    clock.move(600)
    assert not await states.async_consume(old)
    await states.async_issue()
    clock.move(601)
    await states.async_issue()
    assert await store.write(lambda tx: tx.installations.delete_states_before(clock.now())) == 0


@pytest.mark.parametrize(
    ("enterprise", "team", "is_org", "tenant", "workspace"),
    [
        (None, "T1", False, "T1", "slack:T1"),
        ("E1", "T1", False, "T1", "slack:T1"),
        ("E1", "T1", True, "E1", "slack-ent:E1"),
        ("E1", None, True, "E1", "slack-ent:E1"),
        ("E1", None, None, "E1", "slack-ent:E1"),
        (None, "T1", None, "T1", "slack:T1"),
        (None, "E1", False, "E1", "slack-ent:E1"),
    ],
)
def test_tenants(enterprise: str | None, team: str | None, is_org: bool | None, tenant: str, workspace: str) -> None:
    """Whose installation it is, and who pays; and the way back."""
    assert tenant_of(enterprise, team, is_org=is_org) == tenant
    assert workspace_id_of(tenant) == workspace
    assert tenant_of_workspace(workspace) == tenant


def test_another_platforms_workspace_has_no_tenant() -> None:
    """Discord's and the terminal's are not Slack's."""
    assert tenant_of_workspace("discord:1") == tenant_of_workspace("terminal:local") == ""
    assert tenant_of(None, None, is_org=False) == ""
