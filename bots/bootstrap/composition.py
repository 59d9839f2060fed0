"""Everything that is built, as one value, and what differs between a server and a command."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from core.clock import Clock, SystemClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bots.bootstrap.engine import EngineDoor
    from bots.bootstrap.platforms import Platforms
    from bots.http.metrics import Metrics
    from bots.settings import Settings
    from core.billing.shop import Shop
    from core.credits.service import Ledger
    from core.credits.tariff import Tariff
    from core.credits.tiers import PriceList
    from core.orchestration.engine import DbosEngine
    from core.orchestration.posting import Poster
    from core.providers.catalogue import Catalogue
    from core.providers.registry import ModelRegistry
    from core.sessions.intake import Intake
    from core.sessions.ports import FileStore, Transaction
    from core.sessions.service import SessionService
    from storage.database import Database


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
    engine: EngineDoor
    metrics: Metrics
    run_sessions: Callable[[], Awaitable[None]]
    platforms: Platforms
    shop: Shop | None

    @property
    def worker(self) -> DbosEngine | None:
        """This process's own engine once `run_sessions` was called."""
        return self.engine.worker


@dataclass(frozen=True, slots=True)
class Choices:
    """What differs between a server and a command.

    Attributes:
        runs_sessions: Whether sessions run in this process.
        reaches_platforms: Whether this process posts on the platforms that the settings configure.
        exports_apart: Whether files are written in a process of their own, which a server's many sessions are worth.
        checks_balance: Whether work must be paid for, or what tells that from the database; None for "if Stripe is
            configured": where nothing is sold, nothing is refused.
        custom_models: Models of the operator's own server, besides those of the settings; a name that the catalogue
            knows stays the catalogue's.
        rehearsal_pace: Tokens a second of the rehearsal model, so that people can watch; None for at once.
    """

    runs_sessions: bool = False
    reaches_platforms: bool = False
    exports_apart: bool = False
    checks_balance: Callable[[Transaction], bool] | bool | None = None
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
