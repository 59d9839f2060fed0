"""A local Slack with the app installed in one workspace, and slack_sdk's own client of it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.clock import FakeClock
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant


@pytest.fixture
async def slack(clock: FakeClock) -> AsyncIterator[LocalSlack]:
    """A Slack whose time a test moves; of its tiers alone it says nothing until a test asks for them."""
    async with LocalSlack(clock, tiers=False) as slack:
        yield slack


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Connections of our own."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def grant(slack: LocalSlack) -> Grant:
    """The app in the workspace north, with its bot in #general."""
    grant = slack.world.install(slack.north, slack.ann)
    slack.general.members.add(grant.user_id)
    return grant


@pytest.fixture
def client(slack: LocalSlack, grant: Grant, session: aiohttp.ClientSession) -> AsyncWebClient:
    """slack_sdk's client, with nothing changed and no retries."""
    return AsyncWebClient(token=grant.token, base_url=slack.api_url, session=session, retry_handlers=[])
