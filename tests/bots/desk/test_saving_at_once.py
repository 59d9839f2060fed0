"""Two people who save in the same moment: what one changes, the other does not wipe."""

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from bots.desk.people import set_preferences, set_settings
from core.workspaces.model import Member, Workspace
from storage.database import Database
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from bots.desk.tools import Tools

W = "slack:T1"
CHANGES: list[dict[str, Any]] = [
    {"rounds": 7},
    {"threshold": 9.5},
    {"cast": "legal"},
    {"guests_may_start": True},
    {"asks_consent": False},
    {"start_roles": ("r1",)},
    {"member_cap_microcredits": 5},
    {"language": "de"},
]


async def test_settings_that_are_saved_at_once_are_all_kept(store: Database, clock: FakeClock) -> None:
    """Eight admins change eight things in one moment, and a plan begins: all of it is there afterwards."""
    tools = cast("Tools", SimpleNamespace(store=store))
    await store.write(lambda tx: tx.workspaces.save(Workspace(W, "slack", "A team", clock.now())))
    await asyncio.gather(
        *(set_settings(tools, W, **change) for change in CHANGES),
        store.write(lambda tx: tx.workspaces.set_tier(W, "pro")),
    )
    found = await store.read(lambda tx: tx.workspaces.find(W))
    assert found is not None
    assert found.tier == "pro"
    for change in CHANGES:
        for name, value in change.items():
            assert getattr(found.settings, name) == value


async def test_what_one_member_chose_in_two_places_is_all_kept(store: Database, clock: FakeClock) -> None:
    """A limit, the last choices and the welcome, saved at once by three requests of one member."""
    tools = cast("Tools", SimpleNamespace(store=store))
    member = f"{W}/U1"

    def begin(tx: Any) -> None:
        tx.workspaces.save(Workspace(W, "slack", "A team", clock.now()))
        tx.workspaces.save_member(Member(member, W, "U1", "Ann", clock.now()))

    await store.write(begin)
    changes: list[dict[str, Any]] = [
        {"welcomed": True},
        {"last_choices": {"team": "legal"}},
        {"no_ask_microcredits": 9},
    ]
    await asyncio.gather(*(set_preferences(tools, member, **change) for change in changes))
    found = await store.read(lambda tx: tx.workspaces.find_member(member))
    assert found is not None
    assert (found.preferences.welcomed, found.preferences.last_choices, found.preferences.no_ask_microcredits) == (
        True,
        {"team": "legal"},
        9,
    )
