"""Values of the credit ledger, all amounts integer micro-credits."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LotKind(StrEnum):
    """Where credits came from; `BURN_ORDER` says which go first."""

    MONTHLY = "monthly"
    PROMO = "promo"
    PACK = "pack"
    ADMIN = "admin"


BURN_ORDER = (LotKind.MONTHLY, LotKind.PROMO, LotKind.PACK, LotKind.ADMIN)


class HoldState(StrEnum):
    """What became of a hold; only OPEN ones are part of ``reserved``."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class EntryKind(StrEnum):
    """Kinds of ledger entry."""

    GRANT = "grant"
    CAPTURE = "capture"
    EXPIRE = "expire"
    CLAWBACK = "clawback"
    ADJUST = "adjust"


@dataclass(frozen=True, slots=True)
class Account:
    """Cached sums of one workspace, changed only under its row lock.

    Attributes:
        posted: Sum of all entries; equals sum of lots' remaining minus debt.
        reserved: Sum of open holds, >= 0.
        debt: Use that no lot covered, >= 0.
        seq: Number of the last entry, without gaps.
    """

    workspace_id: str
    posted_microcredits: int = 0
    reserved_microcredits: int = 0
    debt_microcredits: int = 0
    seq: int = 0

    @property
    def available_microcredits(self) -> int:
        """What a new hold may take."""
        return self.posted_microcredits - self.reserved_microcredits


@dataclass(frozen=True, slots=True)
class Lot:
    """Credits that came together.

    Attributes:
        source_key: The business fact that granted them; unique over all workspaces.
        expires_at: None for never.
    """

    id: str
    workspace_id: str
    kind: LotKind
    amount_microcredits: int
    remaining_microcredits: int
    source_key: str
    created_at: datetime
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Credits set aside for one turn.

    Attributes:
        id: The turn's id.
        session_id: Whose cap it counts against; empty for none.
        captured_microcredits: Set when captured.
    """

    id: str
    workspace_id: str
    session_id: str
    amount_microcredits: int
    expires_at: datetime
    state: HoldState = HoldState.OPEN
    captured_microcredits: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the append-only ledger.

    Attributes:
        seq: Position in its workspace, from 1, without gaps.
        amount_microcredits: Signed.
        posted_after_microcredits: Running sum.
        idempotency_key: Unique over all workspaces.
        actor: Who caused it: ``session``, ``stripe``, ``system``, or an operator's name.
    """

    workspace_id: str
    seq: int
    kind: EntryKind
    amount_microcredits: int
    posted_after_microcredits: int
    idempotency_key: str
    actor: str
    at: datetime
    reason: str = ""
    lot_id: str | None = None
    hold_id: str | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a hold.

    Attributes:
        charged_microcredits: What the workspace paid.
        held_microcredits: What had been set aside.
        waived_microcredits: What it would have cost besides, had it not been limited to what was held.
        replayed: True when it had been settled before, with the same amount.
    """

    charged_microcredits: int
    held_microcredits: int
    waived_microcredits: int = 0
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Balance:
    """What a workspace has.

    Attributes:
        available: What new work may use; below 0 when it owes.
        posted: All that was credited less all that was used, expired or taken back.
        reserved: Part of *posted* that open holds set aside.
        debt: Use that nothing covered; the next credits repay it.
        lots: What is left, in the order in which it will be used.
    """

    available_microcredits: int
    posted_microcredits: int
    reserved_microcredits: int
    debt_microcredits: int
    lots: tuple[Lot, ...]


@dataclass(frozen=True, slots=True)
class Expired:
    """What a sweep found due.

    Attributes:
        holds: Holds that nobody resolved in time.
        microcredits: What expired in lots.
    """

    holds: tuple[str, ...]
    microcredits: int
