"""How dataclasses lie in tables, by name: no code for single types anywhere else."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from storage.statements import Change, Query, Recall

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

D = TypeVar("D", bound="DataclassInstance")
DIALECTS: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_KEY = "key_"  # an update needs a key's value beside the column's own parameter


class Rows(Generic[D]):
    """How one dataclass lies in one table.

    Columns carry the names of the fields and their types convert the values, so a value is made by position. Make
    statements once, when a module is imported: see `storage.statements` for what that saves.

    Args:
        table: The table; it may have more columns, which are then the database's business.
        kind: The dataclass.
        embedded: Fields that are dataclasses themselves and lie in columns of their own, named as their fields.
        remembers: How many rows to keep with their values: for values that nobody can change and that are read again
            and again. What is compared is the whole row, so nothing can be out of date.
    """

    def __init__(
        self, table: sa.Table, kind: type[D], *, embedded: Mapping[str, type[Any]] | None = None, remembers: int = 0
    ) -> None:
        self.table = table
        self._make: Callable[..., D] = kind
        self._paths: dict[str, str] = {}
        self._inner: list[tuple[slice, type[Any]]] = []
        for field in fields(kind):
            inner = (embedded or {}).get(field.name)
            start = len(self._paths)
            if inner is None:
                self._paths[field.name] = field.name
            else:
                self._paths |= {item.name: f"{field.name}.{item.name}" for item in fields(inner)}
                self._inner.append((slice(start, len(self._paths)), inner))
        self._inner.reverse()  # from the end, so that what was folded does not move what is still to be
        self._key = tuple(column.name for column in table.primary_key)
        self.select = sa.select(*(table.c[name] for name in self._paths))
        self._recall = Recall(self.select, self.load, most=remembers) if remembers else None

    def query(self, select: sa.Select[*tuple[Any, ...]] | None = None) -> Query[D]:
        """Return *select* (made from `select`; by default all rows), ready to run with values for its parameters."""
        return Query(self.select if select is None else select, self.load, recall=self._recall)

    def insert(self) -> Change[D]:
        """Return an insert."""
        return Change({name: self._insert(name) for name in DIALECTS}, self._paths)

    def insert_ignoring(self) -> Change[D]:
        """Return an insert that changes nothing when the row, or any unique value of it, is there."""
        return Change({name: self._insert(name).on_conflict_do_nothing() for name in DIALECTS}, self._paths)

    def upsert(self, *, keep: Iterable[str] = ()) -> Change[D]:
        """Return an insert that updates a row with the same primary key, except the columns *keep*."""
        kept = {*self._key, *keep}
        statements: dict[str, Any] = {}
        for dialect in DIALECTS:
            statement = self._insert(dialect)
            changes = {name: statement.excluded[name] for name in self._paths if name not in kept}
            statements[dialect] = statement.on_conflict_do_update(index_elements=self._key, set_=changes)
        return Change(statements, self._paths)

    def update(self, *columns: str) -> Change[D]:
        """Return an update, by primary key, of *columns*, or of all that can change if none is named."""
        changed = columns or tuple(name for name in self._paths if name not in self._key)
        where = [self.table.c[name] == sa.bindparam(f"{_KEY}{name}") for name in self._key]
        statement = sa.update(self.table).where(*where).values({name: sa.bindparam(name) for name in changed})
        paths = {name: self._paths[name] for name in changed} | {
            f"{_KEY}{name}": self._paths[name] for name in self._key
        }
        return Change(dict.fromkeys(DIALECTS, statement), paths)

    def _insert(self, dialect: str) -> Any:
        return DIALECTS[dialect](self.table).values({name: sa.bindparam(name) for name in self._paths})

    def load(self, row: Any) -> D:
        """Return the value in a row that a select made from `select` found."""
        if not self._inner:
            return self._make(*row)
        values = list(row)
        for span, inner in self._inner:
            values[span] = (inner(*values[span]),)
        return self._make(*values)
