"""What goes wrong between the app and Stripe's API."""

from dataclasses import dataclass
from enum import StrEnum

from tests.fakes import faults


class Trouble(StrEnum):
    """How one request fails."""

    LOST_REQUEST = "lost_request"
    """The connection ends before anything happened."""
    LOST_ANSWER = "lost_answer"
    """It happened, and the connection ends before the answer."""
    RATE_LIMITED = "rate_limited"
    """429; nothing happened."""
    UNAVAILABLE = "unavailable"
    """503; nothing happened."""
    SERVER_ERROR = "server_error"
    """500; nothing happened, and nothing is kept under the idempotency key."""
    ERROR_AFTER = "error_after"
    """500, and yet it happened; the key answers 500 from now on."""
    LOCK_TIMEOUT = "lock_timeout"
    """429 with the code ``lock_timeout``, which says that trying again is fine; nothing happened."""
    GARBAGE = "garbage"
    """200 with a web page where JSON is expected; nothing happened."""
    HANGS = "hangs"
    """It happened, and no answer comes until `Faults.released` is set; the idempotency key is in use until then."""


@dataclass
class Fault(faults.Fault[Trouble]):
    """A fault of a route (``POST /v1/customers``)."""


class Faults(faults.Faults[Trouble, Fault]):
    """See `tests.fakes.faults.Faults`."""

    kind = Fault
