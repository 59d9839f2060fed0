"""One program for a whole file of scenarios: starting it takes longer than most of them."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.scenarios import discord_office
from tests.scenarios.slack_office import Office, local_slack, office, settings_of
from tests.scenarios.slack_vendor import Vendor, local_vendor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def models() -> AsyncIterator[Vendor]:
    """A vendor, for the files whose ``SPEAKS`` is ``vendor``."""
    async with local_vendor() as vendor:
        yield vendor


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def north(
    request: pytest.FixtureRequest, models: Vendor, _sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """The program on SQLite, installed in the workspace north and invited into #general.

    A file's ``PACE`` are the tokens a second of its rehearsal model, so that one can watch it; where its ``SPEAKS`` is
    ``vendor``, a vendor's models work instead.
    """
    path = tmp_path_factory.mktemp("office") / "atelier.db"
    shutil.copy(_sqlite_template, path)
    pace = getattr(request.module, "PACE", None)
    more = models.settings if getattr(request.module, "SPEAKS", "") == "vendor" else {}
    async with (
        local_slack() as slack,
        office(slack, settings_of(f"sqlite+aiosqlite:///{path}", slack, **more), rehearsal_pace=pace) as house,
    ):
        await house.install(slack.north, slack.ann, slack.general)
        yield house


@pytest_asyncio.fixture(loop_scope="module")
async def house(north: Office) -> AsyncIterator[Office]:
    """The same program for each scenario; at its end nothing was sent that Slack would not take, and nobody pinged."""
    slack = north.slack
    slack.api.problems.clear()
    yield north
    await north.settled()
    slack.faults.clear()
    assert slack.api.problems == []
    people = {f"<@{one.id}>" for one in slack.world.people.values()}
    assert set(slack.mentions()) <= people


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def discord_north(
    request: pytest.FixtureRequest, _sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[discord_office.Office]:
    """The program on SQLite in the servers north and south, of which a manager set up north; for ``PACE`` see `north`."""
    path = tmp_path_factory.mktemp("office") / "atelier.db"
    shutil.copy(_sqlite_template, path)
    pace = getattr(request.module, "PACE", None)
    async with discord_office.local_discord() as discord:
        settings = discord_office.settings_of(f"sqlite+aiosqlite:///{path}", discord)
        async with discord_office.office(discord, settings, rehearsal_pace=pace) as house:
            await house.set_up()
            yield house


@pytest_asyncio.fixture(loop_scope="module")
async def discord_house(discord_north: discord_office.Office) -> AsyncIterator[discord_office.Office]:
    """The same program for each scenario; at its end nothing was sent that Discord would not take."""
    discord = discord_north.discord
    discord.api.problems.clear()
    discord.world.pings.clear()
    yield discord_north
    await discord_north.settled()
    discord.faults.clear()
    assert discord.api.problems == []
    assert discord.without_allowed_mentions() == []


@pytest_asyncio.fixture(loop_scope="module")
async def vendor(models: Vendor) -> AsyncIterator[Vendor]:
    """The vendor of a file; at a scenario's end it says again what it said at first, and was asked nothing wrong."""
    models.peer.requests.clear()
    yield models
    models.reset()
    assert models.peer.problems == []
