"""What Slack said no with."""

from collections.abc import Awaitable

import pytest
from slack_sdk.errors import SlackApiError


async def refused(call: Awaitable[object]) -> str:
    """Return the code with which *call* was refused."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])
