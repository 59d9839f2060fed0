"""The ledger over real rows, under every sequence of operations that hypothesis finds (SQLite in memory)."""

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from hypothesis import settings
from typing_extensions import override

from core.credits.ports import CreditRepository
from storage.models import metadata
from storage.repositories.credits import SqlCreditRepository
from storage.sqlite import sqlite_engine
from tests.core.credits.ledger_machine import LedgerMachine

T = TypeVar("T")


class SqlMachine(LedgerMachine):
    """The ledger over SQLite, a transaction an operation."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = sqlite_engine(sa.make_url("sqlite://"))
        self.connection = self.engine.connect()
        metadata.create_all(self.connection)
        self.connection.commit()

    @override
    def transact(self, work: Callable[[CreditRepository], T]) -> T:
        self.connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            result = work(SqlCreditRepository(self.connection))
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()
        return result

    @override
    def teardown(self) -> None:
        self.connection.close()
        self.engine.dispose()


TestLedgerOnSqlite = SqlMachine.TestCase
TestLedgerOnSqlite.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
