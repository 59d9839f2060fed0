"""Statements that are compiled once and then run at the driver's own speed.

SQLAlchemy builds the SQL, names the columns and converts the values; but its way of running a statement costs ten times
what SQLite's does, and as much again as asyncpg's. A turn has some forty statements. So they are run on the cursor of the
connection (PEP 249), with the compiled text and the converters that SQLAlchemy made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from storage.types import Plain

D = TypeVar("D")
Convert = Callable[[Any], Any]
_VALUE = attrgetter("value")


@dataclass(frozen=True, slots=True)
class _Plan:
    """A statement as a driver takes it.

    Attributes:
        text: The SQL, in the driver's own style of parameters.
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
    def of(cls, element: Any, dialect: sa.Dialect) -> "_Plan":
        compiled = element.compile(dialect=dialect)
        if any(bind.expanding for bind in compiled.binds.values()):
            raise ValueError("a list is another statement for each length: write its values as text")
        return cls(
            text=str(compiled),
            order=tuple(compiled.positiontup),
            binders=_converters(_writer(compiled.binds[name].type, dialect) for name in compiled.positiontup),
            readers=_converters(_reader(column.type, dialect) for column in getattr(element, "selected_columns", ())),
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
        self._plans: dict[str, _Plan] = {}
        self._makers: dict[str, Callable[[Any], D]] = {}

    def first(self, connection: sa.Connection, **values: Any) -> D | None:
        """Return the value of the first row, None if there is none."""
        row = self._run(connection, values).fetchone()
        return None if row is None else self._value(connection.dialect)(row)

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
        return list(map(self._value(connection.dialect), self._run(connection, values).fetchall()))

    def lock(self, connection: sa.Connection, **values: Any) -> None:
        """Run a select that locks, for the lock alone: SQLite has none for rows, its one writer holds all of them."""
        if connection.dialect.name != "sqlite":
            self._run(connection, values)

    def _plan(self, dialect: sa.Dialect) -> _Plan:
        plan = self._plans.get(dialect.name)
        if plan is None:
            plan = self._plans[dialect.name] = _Plan.of(self._select, dialect)
        return plan

    def _value(self, dialect: sa.Dialect) -> Callable[[Any], D]:
        """Return what makes a value of a row of the driver."""
        maker = self._makers.get(dialect.name)
        if maker is None:
            if self._recall is not None:
                maker = self._recall.value(dialect)
            else:
                read, load = self._plan(dialect).read, self._load

                def maker(row: Any) -> D:
                    return load(read(row))

            self._makers[dialect.name] = maker
        return maker

    def _run(self, connection: sa.Connection, values: Mapping[str, Any]) -> Any:
        plan = self._plan(connection.dialect)
        given = {**plan.fixed, **values} if plan.fixed else values
        return _run(connection, plan.text, plan.bind(given[name] for name in plan.order))


class Recall(Generic[D]):
    """The values of rows that were read lately, by the whole row.

    Args:
        select: A statement with the columns.
        load: Makes a value of a row.
        most: How many to keep.
    """

    def __init__(self, select: sa.Select[*tuple[Any, ...]], load: Callable[[Any], D], *, most: int) -> None:
        self._select = select
        self._load = load
        self._most = most

        self._values: dict[str, Callable[[Any], D]] = {}

    def value(self, dialect: sa.Dialect) -> Callable[[Any], D]:
        """Return what gives the value of a row of the driver."""
        value = self._values.get(dialect.name)
        if value is None:
            read, load = _Plan.of(self._select, dialect).read, self._load
            value = self._values[dialect.name] = lru_cache(self._most)(lambda row: load(read(row)))
        return value


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
        self._plans: dict[str, tuple[_Plan, Callable[[D], Iterable[Any]]]] = {}

    def run(self, connection: sa.Connection, value: D) -> int:
        """Store *value* and return how many rows changed: 0 or 1."""
        plan, get = self._plan(connection.dialect)
        count: int = _run(connection, plan.text, plan.bind(get(value))).rowcount
        return count

    def run_all(self, connection: sa.Connection, values: Sequence[D]) -> None:
        """Store every one of *values*, of which there may be none."""
        for value in values:
            self.run(connection, value)

    def _plan(self, dialect: sa.Dialect) -> tuple[_Plan, Callable[[D], Iterable[Any]]]:
        """Return the statement and what takes its parameters from a value."""
        found = self._plans.get(dialect.name)
        if found is None:
            plan = _Plan.of(self._statements[dialect.name], dialect)
            # one path alone would give the value itself instead of a tuple, but every statement has a key and a column
            found = self._plans[dialect.name] = plan, attrgetter(*(self._paths[name] for name in plan.order))
        return found


def _run(connection: sa.Connection, text: str, values: Sequence[Any]) -> Any:
    """Run *text* on the driver and return its cursor, with the errors that SQLAlchemy would raise."""
    driver = connection.connection
    cursor = driver.cursor()
    errors: Any = connection.dialect.loaded_dbapi.Error
    try:
        cursor.execute(text, values)
    except errors as error:
        lost = connection.dialect.is_disconnect(error, driver.dbapi_connection, cursor)
        if lost:
            connection.invalidate(error)
        raise sa.exc.DBAPIError.instance(
            text, None, error, errors, hide_parameters=True, connection_invalidated=lost
        ) from error
    return cursor


def _writer(kind: Any, dialect: sa.Dialect) -> Convert | None:
    if isinstance(kind, Plain):
        return kind.writer(dialect.name)
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return _VALUE
    processor: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return processor


def _reader(kind: Any, dialect: sa.Dialect) -> Convert | None:
    if isinstance(kind, Plain):
        return kind.reader(dialect.name)
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        return {member.value: member for member in kind.enum_class}.__getitem__
    if isinstance(kind, sa.Float) and not kind.asdecimal:
        return None  # every driver gives a float; SQLAlchemy would ask what it announced
    processor: Convert | None = kind.dialect_impl(dialect).result_processor(dialect, None)
    return processor


def _converters(kinds: Iterable[Convert | None]) -> tuple[tuple[int, Convert], ...]:
    return tuple((position, convert) for position, convert in enumerate(kinds) if convert is not None)
