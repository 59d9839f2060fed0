"""The parts that every process has, built once and taken apart in the right order."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from bots.bootstrap.composition import Choices, Parts, program_version
from bots.bootstrap.database import prepare_database
from bots.bootstrap.desk import open_desk
from bots.bootstrap.engine import EngineDoor, open_client
from bots.bootstrap.models import load_catalogue, make_registry
from bots.bootstrap.platforms import open_platforms
from bots.bootstrap.worker import start_worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from bots.settings import Settings
    from core.billing.ports import Wake
    from core.billing.shop import Shop
    from core.clock import Clock
    from core.credits.service import Ledger
    from core.credits.tiers import PriceList
    from core.orchestration.ports import ChatPort
    from storage.database import Database

_DEFAULT_PROVIDER = "anthropic"  # the first in the order of preference of `core.providers.registry`


@asynccontextmanager
async def open_parts(
    settings: Settings, *, chats: Mapping[str, ChatPort] | None = None, choices: Choices | None = None
) -> AsyncIterator[Parts]:
    """Build the parts, give them, and take them apart in the right order.

    Raises:
        BadSettings: If the database needs a migration that is not ours to make unasked (PostgreSQL).
        DatabaseUnreachable: If the database does not answer.
    """
    chosen = choices or Choices()
    async with AsyncExitStack() as stack:
        parts = await _build(settings, chats or {}, chosen, stack)
        if chosen.reaches_platforms:
            await _align_tiers(parts)
        open_desk(parts, stack)
        if chosen.runs_sessions:
            await parts.run_sessions()
        yield parts


async def _build(settings: Settings, chats: Mapping[str, ChatPort], choices: Choices, stack: AsyncExitStack) -> Parts:
    from bots.http.metrics import Metrics
    from core.credits.service import Ledger
    from core.credits.tariff import Tariff
    from core.credits.tiers import load_price_list
    from core.documents.sandbox import Sandbox
    from core.orchestration.posting import Poster
    from core.sessions.casting import Casting
    from core.sessions.intake import Intake
    from core.sessions.service import SessionService
    from storage.database import Database
    from storage.figures import read_figures
    from storage.files.objects import file_store
    from storage.post_locks import post_locks

    clock = choices.clock
    await prepare_database(settings)
    database = Database.from_url(settings.database_url.get_secret_value())
    stack.push_async_callback(database.aclose)
    # A server of one's own has models that no table names: sessions that were made with one go on with it.
    in_use = await database.read(lambda tx: tx.sessions.list_models()) if settings.openai_base_url else ()
    catalogue = load_catalogue(settings, (*choices.custom_models, *in_use), clock=clock)
    registry = make_registry(settings, catalogue, clock=clock, pace=choices.rehearsal_pace)
    stack.push_async_callback(registry.aclose)
    prices = load_price_list()
    sells = settings.stripe_secret_key is not None
    checks = choices.checks_balance
    if callable(checks):
        checks = sells or await database.read(checks)
    tariff = Tariff(
        prices,
        checks_balance=sells if checks is None else checks,
        rehearsal_priced_as=catalogue.default(_DEFAULT_PROVIDER) if choices.prices_rehearsal else None,
    )
    ledger = Ledger(clock)
    files = file_store(settings.resolved_files_url)
    platforms = await open_platforms(
        settings, reaches=choices.reaches_platforms, store=database, files=files, clock=clock, stack=stack
    )
    chats = {**platforms.chats, **chats}
    locks = post_locks(settings.database_url.get_secret_value())
    if locks is not None:
        stack.push_async_callback(locks.aclose)
    engine = EngineDoor()
    intake = Intake(
        store=database,
        files=files,
        reader=Sandbox(),
        casting=Casting(registry=registry, prices=prices),
        prices=prices,
        tariff=tariff,
        clock=clock,
    )
    sessions = SessionService(store=database, intake=intake, prices=prices, tariff=tariff, engine=engine, clock=clock)

    shop = _open_shop(settings, store=database, ledger=ledger, prices=prices, clock=clock, wake=sessions.sweep)
    if shop is not None:
        stack.push_async_callback(shop.aclose)

    async def run_sessions() -> None:
        if engine.worker is None:
            await start_worker(parts, choices, stack)

    parts = Parts(
        settings=settings,
        clock=clock,
        database=database,
        files=files,
        catalogue=catalogue,
        registry=registry,
        prices=prices,
        tariff=tariff,
        ledger=ledger,
        intake=intake,
        sessions=sessions,
        poster=Poster(
            store=database, chats=chats, clock=clock, locks=locks, unit=tariff.unit, price_next=intake.price_next
        ),
        engine=engine,
        metrics=Metrics(
            figures=lambda: read_figures(database), stats=lambda: database.stats, version=program_version()
        ),
        run_sessions=run_sessions,
        platforms=platforms,
        shop=shop,
    )
    engine.make = lambda: open_client(settings, stack)
    return parts


async def _align_tiers(parts: Parts) -> None:
    """Let every workspace meet the tiers of a shop that has opened since, or leave those of one that has closed."""
    import structlog

    from core.billing.plans import align_tiers

    catalogue = parts.shop.catalogue if parts.shop is not None else None
    changed = await align_tiers(parts.database, catalogue, clock=parts.clock)
    if changed:
        structlog.get_logger(__name__).warning("tiers_aligned", workspaces=changed, sells=catalogue is not None)


def _open_shop(
    settings: Settings, *, store: Database, ledger: Ledger, prices: PriceList, clock: Clock, wake: Wake
) -> Shop | None:
    """Return the shop, None where nothing is sold; raises `BadSettings`."""
    if settings.stripe_secret_key is None:
        return None
    from bots.errors import BadSettings
    from bots.shop import make_shop

    try:
        return make_shop(settings, store=store, ledger=ledger, prices=prices, clock=clock, wake=wake)
    except ValueError as error:
        raise BadSettings((str(error),)) from error
