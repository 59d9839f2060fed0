"""The parts fit together, and come apart again."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bots.bootstrap import Choices, load_catalogue, open_parts
from bots.scheduler import SCHEDULES
from bots.settings import Settings
from bots.terminal.chat import silent_chat
from core.clock import SystemClock
from core.orchestration.runtime import get_job
from core.providers.base import Usage
from core.workspaces.model import Workspace

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate({"database_url": f"sqlite+aiosqlite:///{tmp_path}/atelier.db"})


async def test_every_scheduled_job_exists_and_runs(settings: Settings) -> None:
    """What the scheduler enqueues, a worker can do; no tick names a job that nobody has."""
    chat = silent_chat(SystemClock())
    async with open_parts(settings, chats={chat.platform: chat}, choices=Choices(runs_sessions=True)) as parts:
        for schedule in SCHEDULES:
            await get_job(schedule.job)()
        await parts.engine.ping()


async def test_a_server_that_opens_or_closes_a_shop_moves_everybody(settings: Settings) -> None:
    """Workspaces from before a shop meet its tiers when a server starts; commands beside it change nothing."""
    shop = settings.model_copy(update={"stripe_secret_key": SecretStr("sk_test_1"), "stripe_pro_price_id": "price_1"})
    server = Choices(reaches_platforms=True)

    async def tier(with_settings: Settings, choices: Choices) -> str:
        async with open_parts(with_settings, choices=choices) as parts:
            found = await parts.database.read(lambda tx: tx.workspaces.find("slack:T1"))
            assert found is not None
            return found.tier

    async with open_parts(settings) as parts:
        before = Workspace("slack:T1", "slack", "A team", parts.clock.now(), tier="unlimited")
        await parts.database.write(lambda tx: tx.workspaces.save(before))
    assert await tier(shop, Choices()) == "unlimited"
    assert await tier(shop, server) == "free"
    assert await tier(settings, server) == "unlimited"


@pytest.mark.parametrize("key", [None, SecretStr("sk_test_1")], ids=["hosts for itself", "sells"])
async def test_a_rehearsal_costs_nothing_on_a_server(settings: Settings, key: SecretStr | None) -> None:
    """Nobody pays for rules that stand in for an AI; in the terminal they have a price, so that there is one to see."""
    with_key = settings.model_copy(update={"stripe_secret_key": key})
    usage = Usage(input_uncached_tokens=6_000, output_tokens=1_000)

    async def price(choices: Choices) -> int:
        async with open_parts(with_key, choices=choices) as parts:
            rehearsal = load_catalogue(with_key).get("rehearsal")
            return parts.tariff.charge_microcredits(rehearsal, usage, at=parts.clock.now())

    assert await price(Choices(prices_rehearsal=False)) == 0
    assert await price(Choices(checks_balance=True)) > 0


def test_a_known_name_stays_the_catalogues(settings: Settings) -> None:
    """A name that somebody types is a model of their own only if the catalogue cannot tell what it means."""
    shipped = load_catalogue(settings)
    known = next(spec for spec in shipped.list() if spec.provider == "openai")
    found = load_catalogue(settings, (known.id, known.name, known.id.upper(), "llama-at-home"))
    assert found.get(known.id) == known
    assert [spec.id for spec in found.list() if spec.custom] == ["llama-at-home"]


def test_what_the_settings_name_is_the_operators(settings: Settings) -> None:
    """CUSTOM_MODELS is believed as it stands."""
    found = load_catalogue(settings.model_copy(update={"custom_models": ("llama-at-home",)}), ("llama-at-home",))
    assert [spec.id for spec in found.list() if spec.custom] == ["llama-at-home"]


async def test_a_process_without_sessions_needs_no_engine(settings: Settings) -> None:
    """Commands that only read start no engine and hold no slot: any number of them run beside a worker."""
    async with open_parts(settings) as first, open_parts(settings) as second:
        assert first.worker is second.worker is None
        assert await second.sessions.list_sessions(limit=1) == []


async def test_what_cannot_be_enqueued_is_left_to_the_sweeper(settings: Settings) -> None:
    """Without the engine's tables asking is a warning: the session's row says what is wanted."""
    async with open_parts(settings) as parts:
        await parts.engine.enqueue("s_nobody", 1)
        await parts.engine.cancel("s_nobody", 1)
