"""How one fact of Stripe's was taken, and what stands in the way of taking it."""

from dataclasses import dataclass

from core.billing.model import EventState
from core.billing.objects import WORKSPACE_KEY
from core.billing.ports import BillingTransaction
from core.errors import AtelierError, ConflictError, TransientError


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a fact.

    Attributes:
        detail: For operators.
        workspace_id: Whose it was; empty where nobody knows.
        granted: Whether credits came in, so that sessions which wait for them should be woken.
    """

    state: EventState
    detail: str
    workspace_id: str = ""
    granted: bool = False


class NotOurs(ConflictError):
    """It belongs to something else that the operator sells with the same account."""


class Contradiction(AtelierError):
    """It contradicts what we know: nothing is granted, an operator should look."""


class NotYet(TransientError):
    """What it refers to is not stored yet: it came before our own transaction was committed."""


def done(detail: str, workspace_id: str = "", *, granted: bool = False) -> Outcome:
    """Return the outcome of what was taken, or needed nothing."""
    return Outcome(EventState.DONE, detail, workspace_id, granted)


def get_owner(tx: BillingTransaction, customer_id: str, metadata: dict[str, str]) -> str:
    """Return the workspace of a customer.

    The table of customers decides; metadata, which others can write, may only contradict it.

    Raises:
        NotOurs: If nothing says that it is one of ours.
        NotYet: If it says so of itself, but is not known here.
        Contradiction: If it says another workspace than we know.
    """
    customer = tx.billing.find_customer(customer_id) if customer_id else None
    claimed = metadata.get(WORKSPACE_KEY, "")
    if customer is None:
        if claimed:
            raise NotYet(f"customer {customer_id or 'without id'} claims to be {claimed}, and is not known here")
        raise NotOurs(f"customer {customer_id or 'without id'} is not ours")
    if claimed and claimed != customer.workspace_id:
        raise Contradiction(f"{customer_id} belongs to {customer.workspace_id}, but the metadata says {claimed}")
    return customer.workspace_id
