"""Re-derives a balance from the entries alone and says where the stored sums differ."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.credits.model import Account, Entry, EntryKind, Hold, HoldState, Lot


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that does not add up.

    Attributes:
        law: Which law is broken: ``posted``, ``debt``, ``reserved``, ``seq``, ``running_sum``, ``lot``, ``grant``,
            ``capture``.
        subject: Whose: the workspace's id, a lot's, a hold's, or an entry's key.
        expected: What the entries say.
        found: What is stored.
    """

    workspace_id: str
    law: str
    subject: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True)
class Derived:
    """What the entries of one workspace say.

    Attributes:
        posted: Their sum.
        debt: What no lot covered and no grant repaid.
        remaining: What is left, by lot.
        granted: What was granted, by lot; how often stands in *grants*.
        grants: Entries that granted, by lot.
        captured: What was charged, by hold.
    """

    posted: int
    debt: int
    remaining: dict[str, int]
    granted: dict[str, int]
    grants: dict[str, int]
    captured: dict[str, int]


def derive(entries: Iterable[Entry]) -> Derived:
    """Return what *entries*, in order, amount to.

    Credit repays debt first, use without a lot is debt. An expiry that is undone only makes room for a clawback.
    """
    posted = debt = 0
    remaining: dict[str, int] = defaultdict(int)
    granted: dict[str, int] = defaultdict(int)
    grants: dict[str, int] = defaultdict(int)
    captured: dict[str, int] = defaultdict(int)
    for entry in entries:
        amount = entry.amount_microcredits
        posted += amount
        if entry.kind is EntryKind.CAPTURE and entry.hold_id is not None:
            captured[entry.hold_id] -= amount
        if entry.lot_id is None:
            debt -= amount
        elif amount > 0 and entry.kind is not EntryKind.EXPIRE:
            repaid = min(debt, amount)
            debt -= repaid
            remaining[entry.lot_id] += amount - repaid
            if entry.kind is not EntryKind.CLAWBACK:  # which gives back
                granted[entry.lot_id] += amount
                grants[entry.lot_id] += 1
        else:
            remaining[entry.lot_id] += amount
    return Derived(posted, debt, dict(remaining), dict(granted), dict(grants), dict(captured))


def find_differences(
    account: Account, lots: Sequence[Lot], holds: Sequence[Hold], entries: Sequence[Entry]
) -> tuple[Difference, ...]:
    """Return everything in which the stored state of one workspace differs from its entries.

    Args:
        account: Its sums.
        lots: All its lots, empty ones too.
        holds: All its holds, resolved ones too.
        entries: All its entries, in order.
    """
    found: list[Difference] = []

    def compare(law: str, subject: str, expected: int, actual: int) -> None:
        if expected != actual:
            found.append(Difference(account.workspace_id, law, subject, expected, actual))

    derived = derive(entries)
    workspace = account.workspace_id
    compare("posted", workspace, derived.posted, account.posted_microcredits)
    compare("debt", workspace, derived.debt, account.debt_microcredits)
    compare("seq", workspace, len(entries), account.seq)

    running = 0
    for number, entry in enumerate(entries, start=1):
        running += entry.amount_microcredits
        compare("seq", entry.idempotency_key, number, entry.seq)
        compare("running_sum", entry.idempotency_key, running, entry.posted_after_microcredits)

    known = {lot.id for lot in lots}
    for lot in lots:
        compare("lot", lot.id, derived.remaining.get(lot.id, 0), lot.remaining_microcredits)
        compare("grant", lot.id, derived.granted.get(lot.id, 0), lot.amount_microcredits)
        compare("grant", lot.id, 1, derived.grants.get(lot.id, 0))
    for lot_id in sorted(derived.granted.keys() - known):
        compare("lot", lot_id, derived.granted[lot_id], 0)

    reserved = sum(hold.amount_microcredits for hold in holds if hold.state is HoldState.OPEN)
    compare("reserved", workspace, reserved, account.reserved_microcredits)
    charged = dict(derived.captured)
    for hold in holds:
        compare("capture", hold.id, charged.pop(hold.id, 0), hold.captured_microcredits or 0)
    for hold_id in sorted(charged):
        compare("capture", hold_id, charged[hold_id], 0)
    return tuple(found)
