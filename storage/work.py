"""What both backends share: the shape of a unit of work, the counters, the translation of errors."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa

from storage.errors import DatabaseUnavailable
from storage.unit_of_work import UnitOfWork

T = TypeVar("T")
# the widest transaction there is, so that a unit of work may ask for any part of it
Work = Callable[[UnitOfWork], T]

_SQLITE_TRANSIENT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
    }
)
_PRIMARY_CODE = 0xFF  # SQLite: extended codes carry the primary one in their low byte
# PostgreSQL, appendix A: connection exceptions, transaction rollback, insufficient resources, operator intervention
_POSTGRES_TRANSIENT_CLASSES = ("08", "40", "53", "57")
_POSTGRES_LOCK_NOT_AVAILABLE = "55P03"


@dataclass(slots=True)
class Stats:
    """Counters since the start, for metrics.

    Attributes:
        units: Units of work that were committed.
        commits: Transactions that were committed; fewer than *units* where commits are grouped.
        failed: Units that raised and were rolled back.
        reads: Reads that were served.
        retries: Units that ran again: after a lost race, a lost connection or a batch that could not commit.
    """

    units: int = 0
    commits: int = 0
    failed: int = 0
    reads: int = 0
    retries: int = 0


class Backend(Protocol):
    """One kind of database; `storage.database.Database` says what its methods mean."""

    @property
    def dialect(self) -> str: ...
    @property
    def stats(self) -> Stats: ...
    async def write(self, work: Work[T]) -> T: ...
    async def read(self, work: Work[T]) -> T: ...
    async def aclose(self) -> None: ...


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's code of *error*, empty if it has none."""
    cause: Any = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return getattr(cause, "sqlstate", None) or ""


def translate(error: BaseException) -> BaseException:
    """Return what the caller should see of *error*: `DatabaseUnavailable` for what may pass, else the error itself."""
    if _is_transient(error):
        unavailable = DatabaseUnavailable(f"{type(error).__name__}: the database is not available")
        unavailable.__cause__ = error
        return unavailable
    return error


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, sa.exc.TimeoutError | OSError | TimeoutError):
        return True
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        code: int | None = getattr(cause, "sqlite_errorcode", None)
        return code is not None and code & _PRIMARY_CODE in _SQLITE_TRANSIENT
    state = sqlstate(error)
    if state:
        return state[:2] in _POSTGRES_TRANSIENT_CLASSES or state == _POSTGRES_LOCK_NOT_AVAILABLE
    return isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated
