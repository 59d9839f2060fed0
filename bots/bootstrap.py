"""The composition root of everything that runs: builds the parts by constructor arguments, and takes them apart.

Only here does `bots` know `storage`. Everything heavy is imported inside the function that needs it, so that importing
this module costs almost nothing and a role pays for its own parts only.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from core.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

    from bots.http.metrics import Metrics
    from bots.settings import Settings
    from core.credits.service import Ledger
    from core.credits.tariff import Tariff
    from core.credits.tiers import PriceList
    from core.orchestration.engine import DbosEngine, EngineClient
    from core.orchestration.ports import ChatPort
    from core.orchestration.posting import Poster
    from core.providers.base import Model
    from core.providers.catalogue import Catalogue
    from core.providers.registry import ModelRegistry
    from core.sessions.intake import Intake
    from core.sessions.ports import FileStore
    from core.sessions.service import SessionService
    from storage.database import Database

_DRAIN_SECONDS = 25
_SLOT_LOST = 70
_FIRST_TOKEN_SECONDS = 0.3
_DEFAULT_PROVIDER = "anthropic"  # the first in the order of preference of `core.providers.registry`


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that is built, for whoever starts a role or runs a command."""

    settings: Settings
    clock: Clock
    database: Database
    files: FileStore
    catalogue: Catalogue
    registry: ModelRegistry
    prices: PriceList
    tariff: Tariff
    ledger: Ledger
    intake: Intake
    sessions: SessionService
    poster: Poster
    engine: _EngineDoor
    metrics: Metrics
    run_sessions: Callable[[], Awaitable[None]]

    @property
    def worker(self) -> DbosEngine | None:
        """This process's own engine once `run_sessions` was called."""
        return self.engine.worker


@dataclass(frozen=True, slots=True)
class Choices:
    """What differs between a server and a command.

    Attributes:
        runs_sessions: Whether sessions run in this process.
        checks_balance: Whether work must be paid for; None for "if Stripe is configured": where nothing is sold,
            nothing is refused.
        custom_models: Models of the operator's own server, besides those of the settings; a name that the catalogue
            knows stays the catalogue's.
        rehearsal_pace: Tokens a second of the rehearsal model, so that people can watch; None for at once.
    """

    runs_sessions: bool = False
    checks_balance: bool | None = None
    custom_models: tuple[str, ...] = ()
    prices_rehearsal: bool = True
    rehearsal_pace: float | None = None
    clock: Clock = field(default_factory=SystemClock)


def program_version() -> str:
    """Return the version that is installed, ``0`` for a tree that is not."""
    try:
        return version("atelier")
    except PackageNotFoundError:
        return "0"


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

    clock = choices.clock
    await prepare_database(settings)
    database = Database.from_url(settings.database_url.get_secret_value())
    stack.push_async_callback(database.aclose)
    catalogue = load_catalogue(settings, choices.custom_models, clock=clock)
    registry = make_registry(settings, catalogue, clock=clock, pace=choices.rehearsal_pace)
    stack.push_async_callback(registry.aclose)
    prices = load_price_list()
    sells = settings.stripe_secret_key is not None
    tariff = Tariff(
        prices,
        checks_balance=sells if choices.checks_balance is None else choices.checks_balance,
        rehearsal_priced_as=catalogue.default(_DEFAULT_PROVIDER) if choices.prices_rehearsal else None,
    )
    files = file_store(settings.resolved_files_url)
    engine = _EngineDoor()
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

    async def run_sessions() -> None:
        if engine.worker is None:
            await _start_worker(parts, clock, stack)

    parts = Parts(
        settings=settings,
        clock=clock,
        database=database,
        files=files,
        catalogue=catalogue,
        registry=registry,
        prices=prices,
        tariff=tariff,
        ledger=Ledger(clock),
        intake=intake,
        sessions=sessions,
        poster=Poster(store=database, chats=chats, clock=clock),
        engine=engine,
        metrics=Metrics(
            figures=lambda: read_figures(database), stats=lambda: database.stats, version=program_version()
        ),
        run_sessions=run_sessions,
    )
    engine.make = lambda: _client(settings, stack)
    return parts


class _EngineDoor:
    """The engine that the services ask: this process's own once it runs, a client of the others' until then.

    What cannot be asked for is not lost: the session's row says what is wanted, and the sweeper asks again.
    """

    def __init__(self) -> None:
        self.worker: DbosEngine | None = None
        self.make: Callable[[], EngineClient] | None = None
        self._client: EngineClient | None = None

    async def enqueue(self, session_id: str, segment: int) -> None:
        """See `core.sessions.ports.Engine`."""
        await self._ask("enqueue", session_id, segment)

    async def cancel(self, session_id: str, segment: int) -> None:
        """See `core.sessions.ports.Engine`."""
        await self._ask("cancel", session_id, segment)

    async def enqueue_job(self, name: str, tick: str) -> None:
        """See `bots.scheduler.JobQueue`."""
        await self._engine().enqueue_job(name, tick)

    async def ping(self) -> None:
        """Return when the engine's database answered."""
        await self._engine().ping()

    def _engine(self) -> DbosEngine | EngineClient:
        if self.worker is not None:
            return self.worker
        if self._client is None:
            if self.make is None:
                raise RuntimeError("the engine's door was opened before it was hung")
            self._client = self.make()
        return self._client

    async def _ask(self, verb: str, session_id: str, segment: int) -> None:
        import structlog

        engine = self._engine()
        ask = engine.enqueue if verb == "enqueue" else engine.cancel
        try:
            await ask(session_id, segment)
        except Exception as error:  # noqa: BLE001 - the edge of the engine, whose driver raises what it likes
            structlog.get_logger(__name__).warning(
                "engine_unreachable", verb=verb, session=session_id, error=type(error).__name__
            )


def _client(settings: Settings, stack: AsyncExitStack) -> EngineClient:
    from core.orchestration.engine import EngineClient, EngineConfig
    from storage.durable import sqlite_engine

    url = settings.engine_url
    client = EngineClient(EngineConfig(url=url, executor_id="client", sqlite_engine=sqlite_engine(url)))
    stack.push_async_callback(client.aclose)
    return client


def load_catalogue(settings: Settings, custom_models: tuple[str, ...] = (), *, clock: Clock | None = None) -> Catalogue:
    """Return the models that ship with Atelier and those of the operator's own server.

    Args:
        settings: Name models that are the operator's own, whatever else is called so.
        custom_models: Names that somebody typed: the operator's own only where the catalogue knows none of that name,
            for else a known model would lose its price and its limits.
        clock: Time for the ends of models.
    """
    from core.providers.catalogue import Catalogue
    from core.providers.errors import UnknownModel

    catalogue = Catalogue.load()
    for name in dict.fromkeys(settings.custom_models):
        catalogue = catalogue.with_custom(name)
    today = (clock or SystemClock()).now().date()
    for name in custom_models:
        try:
            catalogue.resolve(name, today=today)
        except UnknownModel:
            catalogue = catalogue.with_custom(name)
    return catalogue


def make_registry(
    settings: Settings, catalogue: Catalogue, *, clock: Clock, pace: float | None = None, attempts: int | None = None
) -> ModelRegistry:
    """Return the providers that the settings configure, and the rehearsal model.

    Args:
        settings: Hold the keys and addresses.
        catalogue: The models.
        clock: Time for waits and breakers.
        pace: Tokens a second of the rehearsal model; None for at once.
        attempts: Tries a call; None for as many as sessions need.
    """
    from core.providers.registry import Credentials, ModelRegistry
    from core.providers.resilience import RetryPolicy

    def secret(name: str) -> str:
        value = getattr(settings, name)
        return value.get_secret_value() if value is not None else ""

    credentials = Credentials(
        anthropic_key=secret("anthropic_api_key"),
        google_key=secret("google_api_key"),
        openai_key=secret("openai_api_key"),
        anthropic_base_url=settings.anthropic_base_url,
        google_base_url=settings.google_gemini_base_url,
        openai_base_url=settings.openai_base_url,
    )
    return ModelRegistry(
        catalogue,
        credentials,
        clock=clock,
        rehearsal_factory=lambda: _rehearsal(clock, pace),
        policy=RetryPolicy() if attempts is None else RetryPolicy(attempts=attempts),
        preferred_model=settings.default_model,
    )


def _rehearsal(clock: Clock, pace: float | None) -> Model:
    from core.providers.rehearsal_model import RehearsalModel

    return RehearsalModel(
        clock=clock, pace_tokens_per_second=pace, first_token_seconds=0.0 if pace is None else _FIRST_TOKEN_SECONDS
    )


async def prepare_database(settings: Settings) -> None:
    """Bring a SQLite database up to date; a server's schema is changed by `atelier db upgrade` only.

    Raises:
        BadSettings: If a PostgreSQL database is not at this version's schema, or a folder is missing.
        DatabaseUnreachable: If the database does not answer.
    """
    from bots.errors import BadSettings
    from storage import migrate

    url = settings.database_url.get_secret_value()
    if settings.is_sqlite:
        path = settings.database_path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with database_reached(settings):
                await asyncio.to_thread(migrate.upgrade, url)
        return
    with database_reached(settings):
        current = await asyncio.to_thread(migrate.current, url)
    if current != migrate.head():
        raise BadSettings(
            (f"The database is at {current or 'nothing'}, not at {migrate.head()}: run atelier db upgrade.",)
        )


@contextmanager
def database_reached(settings: Settings) -> Iterator[None]:
    """Say of a database that does not answer where it should be; for what opens it first.

    Raises:
        DatabaseUnreachable: Instead of what the storage raises.
    """
    from bots.errors import DatabaseUnreachable
    from storage import migrate
    from storage.errors import DatabaseUnavailable

    try:
        yield
    except DatabaseUnavailable as error:
        raise DatabaseUnreachable(migrate.address(settings.database_url.get_secret_value())) from error


async def _start_worker(parts: Parts, clock: Clock, stack: AsyncExitStack) -> None:
    """Take a slot, recover what it left behind and run sessions from now on."""
    from bots.jobs import make_jobs
    from core.orchestration import runtime
    from core.orchestration.acting import Acting
    from core.orchestration.engine import DbosEngine, EngineConfig
    from core.orchestration.finish import Finisher
    from core.orchestration.segment import SegmentRunner
    from core.orchestration.turns import TurnRunner
    from core.sessions.casting import Casting
    from storage.durable import executor_slots, sqlite_engine
    from storage.heartbeat import DatabaseHeartbeat

    database, ledger = parts.database, parts.ledger
    turns = TurnRunner(
        store=database, ledger=ledger, tariff=parts.tariff, clock=clock, price_version=parts.prices.version
    )
    finisher = Finisher(store=database, files=parts.files, ledger=ledger, clock=clock, version=program_version())
    runtime.set_runner(
        SegmentRunner(
            store=database,
            casting=Casting(registry=parts.registry, prices=parts.prices),
            turns=turns,
            acting=Acting(),
            finisher=finisher,
            poster=parts.poster,
            clock=clock,
        )
    )
    stack.callback(runtime.set_runner, None)
    url = parts.settings.engine_url
    slot = await executor_slots(url).take(_end_at_once)
    stack.push_async_callback(slot.release)
    heartbeat = DatabaseHeartbeat(database, slot.id, clock=clock)
    stack.push_async_callback(heartbeat.resign)
    await heartbeat.start(_end_at_once)
    engine = DbosEngine(EngineConfig(url=url, executor_id=slot.id, sqlite_engine=sqlite_engine(url)))
    runtime.set_jobs(
        make_jobs(
            store=database, sessions=parts.sessions, ledger=ledger, poster=parts.poster, engine=engine, clock=clock
        )
    )
    stack.push_async_callback(engine.aclose, finish_seconds=_DRAIN_SECONDS)
    await engine.start()
    parts.engine.worker = engine
    watching = asyncio.create_task(heartbeat.watch(engine.recover, engine.list_executors))
    stack.push_async_callback(_cancel, watching)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _end_at_once(reason: str) -> None:
    """End the process: another one may be running its sessions already, and two must never run the same."""
    os.write(2, f"atelier: {reason}: another process may take over, so this one ends\n".encode())
    os._exit(_SLOT_LOST)
