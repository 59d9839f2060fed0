"""Statements that are compiled once and then run at the driver's own speed.

SQLAlchemy builds the SQL, names the columns and converts the values; but its way of running a statement costs about
40 microseconds, and SQLite's about 3. A turn has fifteen statements, all of them on the one thread that writes. So on
SQLite a statement is run on the driver's connection, with the compiled text and the converters that SQLAlchemy made.
On PostgreSQL, where the network costs more than either, it is run as usual.
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from storage.types import Plain

D = TypeVar("D")
Convert = Callable[[Any], Any]
_SQLITE: sa.Dialect = sqlite.dialect()
_VALUE = attrgetter("value")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement as SQLite's driver takes it.

    Attributes:
        text: The SQL, with question marks.
        order: The names of its parameters, in their order.
        binders: Converters of parameters, by position.
        readers: Converters of columns, by position.
        fixed: Values of parameters that stand in the statement itself.
    """

    text: str
    order: tuple[str, ...]
    binders: tuple[tuple[int, Convert], ...]
    readers: tuple[tuple[int, Convert], ...]
    fixed: Mapping[str, Any]

    @classmethod
    def of(cls, element: Any) -> "_Plan":
        compiled = element.compile(dialect=_SQLITE)
        if any(bind.expanding for bind in compiled.binds.values()):
            raise ValueError("a list is another statement for each length: write its values as text")
        return cls(
            text=str(compiled),
            order=tuple(compiled.positiontup),
            binders=_converters(_writer(compiled.binds[name].type) for name in compiled.positiontup),
            readers=_converters(_reader(column.type) for column in getattr(element, "selected_columns", ())),
            fixed={name: bind.value for name, bind in compiled.binds.items() if not bind.required},
        )

    def bind(self, values: Iterable[Any]) -> Sequence[Any]:
        """Return *values*, which stand in order, as the driver takes them."""
        bound = list(values)
        for position, convert in self.binders:
            if (value := bound[position]) is not None:
                bound[position] = convert(value)
        return bound

    def read(self, row: Sequence[Any]) -> list[Any]:
        """Return a row of the driver as values."""
        found = list(row)
        for position, convert in self.readers:
            if (value := found[position]) is not None:
                found[position] = convert(value)
        return found


class Query(Generic[D]):
    """A select, ready to run.

    Args:
        select: The statement; parameters are `sqlalchemy.bindparam`.
        load: Makes a value of a row.
        recall: Knows the values of rows that were read before; it has the columns of *select*.
    """

    def __init__(
        self, select: sa.Select[*tuple[Any, ...]], load: Callable[[Any], D], *, recall: "Recall[D] | None" = None
    ) -> None:
        self._select = select
        self._load = load
        self._recall = recall

    def first(self, connection: sa.Connection, **values: Any) -> D | None:
        """Return the value of the first row, None if there is none."""
        if _is_sqlite(connection):
            row = self._on_sqlite(connection, values).fetchone()
            return None if row is None else self._value(row)
        found = connection.execute(self._select, values).first()
        return None if found is None else self._load(found)

    def one(self, connection: sa.Connection, **values: Any) -> D:
        """Return the value of the first row.

        Raises:
            LookupError: If there is none.
        """
        found = self.first(connection, **values)
        if found is None:
            raise LookupError("a row that must be there is missing")
        return found

    def all(self, connection: sa.Connection, **values: Any) -> list[D]:
        """Return the values of all rows."""
        if _is_sqlite(connection):
            return list(map(self._value, self._on_sqlite(connection, values)))
        return [self._load(row) for row in connection.execute(self._select, values)]

    def lock(self, connection: sa.Connection, **values: Any) -> None:
        """Run a select that locks, for the lock alone: SQLite has none for rows, its one writer holds all of them."""
        if not _is_sqlite(connection):
            connection.execute(self._select, values).close()

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan.of(self._select)

    @cached_property
    def _value(self) -> Callable[[Any], D]:
        """What makes a value of a row of SQLite's driver."""
        if self._recall is not None:
            return self._recall.value
        read, load = self._plan.read, self._load
        return lambda row: load(read(row))

    def _on_sqlite(self, connection: sa.Connection, values: Mapping[str, Any]) -> sqlite3.Cursor:
        plan = self._plan
        given = {**plan.fixed, **values} if plan.fixed else values
        return _run(connection, plan.text, plan.bind(given[name] for name in plan.order))


class Recall(Generic[D]):
    """The values of rows that were read lately from SQLite, by the whole row.

    Args:
        select: A statement with the columns.
        load: Makes a value of a row.
        most: How many to keep.
    """

    def __init__(self, select: sa.Select[*tuple[Any, ...]], load: Callable[[Any], D], *, most: int) -> None:
        self._select = select
        self._load = load
        self._most = most

    @cached_property
    def value(self) -> Callable[[Any], D]:
        """What gives the value of a row of SQLite's driver."""
        read, load = _Plan.of(self._select).read, self._load
        return lru_cache(self._most)(lambda row: load(read(row)))


class Change(Generic[D]):
    """An insert, upsert or update of one value, ready to run.

    Args:
        statements: The statement, by dialect.
        paths: Where the value of each of its parameters stands in the dataclass, such as ``thread.channel``; no others,
            for SQLAlchemy would set a column of that name.
    """

    def __init__(self, statements: Mapping[str, Any], paths: Mapping[str, str]) -> None:
        self._statements = statements
        self._paths = paths

    def run(self, connection: sa.Connection, value: D) -> int:
        """Store *value* and return how many rows changed: 0 or 1."""
        if _is_sqlite(connection):
            plan = self._plan
            return _run(connection, plan.text, plan.bind(self._get(value))).rowcount
        return connection.execute(self._statements[connection.dialect.name], self._parameters(value)).rowcount

    def run_all(self, connection: sa.Connection, values: Sequence[D]) -> None:
        """Store every one of *values*, of which there may be none."""
        if _is_sqlite(connection):
            for value in values:
                self.run(connection, value)
        elif values:
            statement = self._statements[connection.dialect.name]
            connection.execute(statement, [self._parameters(value) for value in values])

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan.of(self._statements["sqlite"])

    @cached_property
    def _get(self) -> Callable[[D], Iterable[Any]]:
        # one path alone would give the value itself instead of a tuple, but every statement has a key and a column
        return attrgetter(*(self._paths[name] for name in self._plan.order))

    @cached_property
    def _get_all(self) -> Callable[[D], Iterable[Any]]:
        return attrgetter(*self._paths.values())

    def _parameters(self, value: D) -> dict[str, Any]:
        return dict(zip(self._paths, self._get_all(value), strict=True))


def _is_sqlite(connection: sa.Connection) -> bool:
    return connection.dialect.name == "sqlite"


def _run(connection: sa.Connection, text: str, values: Sequence[Any]) -> sqlite3.Cursor:
    """Run *text* on the driver, with the errors that SQLAlchemy would raise."""
    driver: Any = connection.connection.driver_connection
    try:
        cursor: sqlite3.Cursor = driver.execute(text, values)
    except sqlite3.Error as error:
        raise sa.exc.DBAPIError.instance(text, None, error, sqlite3.Error, hide_parameters=True) from error
    return cursor


def _writer(kind: Any) -> Convert | None:
    if isinstance(kind, Plain):
        return kind.sqlite_writer()
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return _VALUE
    processor: Convert | None = kind.dialect_impl(_SQLITE).bind_processor(_SQLITE)
    return processor


def _reader(kind: Any) -> Convert | None:
    if isinstance(kind, Plain):
        return kind.sqlite_reader()
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return {member.value: member for member in kind.enum_class}.__getitem__
    processor: Convert | None = kind.dialect_impl(_SQLITE).result_processor(_SQLITE, None)
    return processor


def _converters(kinds: Iterable[Convert | None]) -> tuple[tuple[int, Convert], ...]:
    return tuple((position, convert) for position, convert in enumerate(kinds) if convert is not None)
