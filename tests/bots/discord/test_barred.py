"""Where the app may not speak, by what Discord answers."""

from datetime import UTC, datetime

import pytest

from bots.discord.barred import CannotSpeak
from core.orchestration.ports import HistoryUnreadable, Part, PostRefused
from tests.bots.discord.stage import stage
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.permissions import Permission

pytestmark = pytest.mark.loopback
EVER = datetime(2026, 1, 1, tzinfo=UTC)
KEY = "k" * 24
CREATE = "POST /channels/{channel_id}/messages"


@pytest.mark.parametrize(("code", "status"), [(50001, 403), (50013, 403), (160005, 403), (50007, 403)], ids=str)
async def test_what_people_can_mend_is_kept_and_not_asked_again_at_once(code: int, status: int) -> None:
    """For five minutes nothing is looked up there; then it is."""
    async with stage() as on:
        thread = await on.open()
        on.discord.faults.add(Trouble.REFUSED, CREATE, status=status, code=code)
        with pytest.raises(CannotSpeak):
            await on.chat.send(thread, Part("no"), key=KEY)
        calls = len(on.discord.api.calls)
        with pytest.raises(CannotSpeak):
            await on.chat.find(thread, KEY, EVER)
        assert len(on.discord.api.calls) == calls
        on.clock.move(301.0)
        assert await on.chat.find(thread, KEY, EVER) is None


@pytest.mark.parametrize("code", [10003, 30033], ids=["channel gone", "thread is full"])
async def test_what_nobody_can_mend_is_refused_for_good(code: int) -> None:
    """It is no reason to keep a post."""
    async with stage() as on:
        thread = await on.open()
        on.discord.faults.add(Trouble.REFUSED, CREATE, status=404, code=code)
        with pytest.raises(PostRefused) as refused:
            await on.chat.send(thread, Part("no"), key=KEY)
        assert not isinstance(refused.value, CannotSpeak)


async def test_a_place_that_is_not_seen_is_closed_and_one_without_history_is_not() -> None:
    """Without View Channel nothing can have been posted since; without history nobody can tell."""
    async with stage() as on:
        thread = await on.open()
        await on.chat.send(thread, Part("first"), key="f" * 24)
        app, channel = on.discord.world.bot, on.discord.general
        on.discord.deny(channel, app, Permission.READ_MESSAGE_HISTORY)
        with pytest.raises(HistoryUnreadable):
            await on.chat.find(thread, KEY, EVER)
        on.discord.deny(channel, app, Permission.VIEW_CHANNEL)
        with pytest.raises(CannotSpeak):
            await on.chat.find(thread, KEY, EVER)
