"""The pure ledger under every sequence of operations that hypothesis finds, over a repository in memory."""

from collections.abc import Callable
from typing import TypeVar

from hypothesis import settings
from typing_extensions import override

from core.credits.ports import CreditRepository
from tests.core.credits.ledger_machine import LedgerMachine
from tests.core.credits.memory import MemoryCredits

T = TypeVar("T")


class MemoryMachine(LedgerMachine):
    """The ledger over dictionaries: fast, so it is tried often."""

    def __init__(self) -> None:
        super().__init__()
        self.repo = MemoryCredits()

    @override
    def transact(self, work: Callable[[CreditRepository], T]) -> T:
        return self.repo.transact(work)


TestLedger = MemoryMachine.TestCase
TestLedger.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
