"""Rows to dataclasses and back, by name: no code for single types anywhere else."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")
Values = dict[str, Any]


DIALECTS: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class Rows(Generic[D]):
    """How one dataclass lies in one table.

    Columns carry the names of the fields and their types convert the values, so a row is made by position and taken
    apart by one C call. Statements are built once, here: SQLAlchemy then finds their compiled form by identity of
    their parts, and a statement costs tens of microseconds.

    Args:
        table: The table; it may have more columns, which are then the database's business.
        kind: The dataclass.
        embedded: Fields that are dataclasses themselves and lie in columns of their own, named as their fields.
    """

    def __init__(self, table: sa.Table, kind: type[D], *, embedded: Mapping[str, type[Any]] | None = None) -> None:
        self.table = table
        self._make: Callable[..., D] = kind
        names: list[str] = []
        paths: list[str] = []
        self._spans: list[tuple[int, int, type[Any] | None]] = []
        for field in fields(kind):
            inner = (embedded or {}).get(field.name)
            start = len(names)
            inner_names = [item.name for item in fields(inner)] if inner is not None else [field.name]
            names += inner_names
            paths += [f"{field.name}.{name}" for name in inner_names] if inner is not None else inner_names
            self._spans.append((start, len(names), inner))
        self._names = tuple(names)
        self._get = attrgetter(*paths)
        self._flat = not embedded
        self.select = sa.select(*(table.c[name] for name in names))
        self.insert = sa.insert(table).values({name: sa.bindparam(name) for name in names})

    def insert_ignoring(self) -> dict[str, Insert]:
        """Return, by dialect, an insert that does nothing when the row, or any unique value of it, is there."""
        return {name: self._bound_insert(name).on_conflict_do_nothing() for name in DIALECTS}

    def upsert(self, *, keep: Iterable[str] = ()) -> dict[str, Insert]:
        """Return, by dialect, an insert that updates a row with the same primary key, except the columns *keep*."""
        key = [column.name for column in self.table.primary_key]
        kept = {*key, *keep}
        statements: dict[str, Insert] = {}
        for dialect in DIALECTS:
            statement = self._bound_insert(dialect)
            changes = {name: statement.excluded[name] for name in self._names if name not in kept}
            statements[dialect] = statement.on_conflict_do_update(index_elements=key, set_=changes)
        return statements

    def update(self, *columns: str) -> sa.Update:
        """Return an update of *columns* (all but the key if none is given) by primary key; bind it with `dump_update`."""
        key = [column.name for column in self.table.primary_key]
        changed = columns or tuple(name for name in self._names if name not in key)
        where = [self.table.c[name] == sa.bindparam(f"key_{name}") for name in key]
        return sa.update(self.table).where(*where).values({name: sa.bindparam(name) for name in changed})

    def dump(self, value: D) -> Values:
        """Return the parameters of an insert."""
        return dict(zip(self._names, self._get(value), strict=True))

    def dump_update(self, value: D, *columns: str) -> Values:
        """Return the parameters of the update that `update` made for the same *columns*."""
        values = self.dump(value)
        key = {column.name for column in self.table.primary_key}
        changed = columns or tuple(name for name in self._names if name not in key)
        return {name: values[name] for name in changed} | {f"key_{name}": values[name] for name in key}

    def load(self, row: sa.Row[Any]) -> D:
        """Return the value in a row that `select` found."""
        if self._flat:
            return self._make(*row)
        return self._make(
            *(row[start] if inner is None else inner(*row[start:stop]) for start, stop, inner in self._spans)
        )

    def load_all(self, rows: Iterable[sa.Row[Any]]) -> list[D]:
        """Return the values of several rows."""
        return [self.load(row) for row in rows]

    def load_first(self, result: sa.CursorResult[Any]) -> D | None:
        """Return the value of the first row, None if there is none."""
        row = result.first()
        return None if row is None else self.load(row)

    def _bound_insert(self, dialect: str) -> Any:
        return DIALECTS[dialect](self.table).values({name: sa.bindparam(name) for name in self._names})
