"""What goes wrong on the way to Slack and back."""

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
    """429 with Retry-After; nothing happened."""
    SERVER_ERROR = "server_error"
    """500 without JSON; nothing happened."""
    ERROR_AFTER = "error_after"
    """500 without JSON, and yet it happened."""
    REFUSED = "refused"
    """``ok: false`` with a code."""
    GARBAGE = "garbage"
    """200 with a web page where JSON is expected; nothing happened."""
    TRUNCATED = "truncated"
    """A download that ends in the middle."""
    HANGS = "hangs"
    """It happened, and no answer comes until `Faults.released` is set."""


@dataclass
class Fault(faults.Fault[Trouble]):
    """A fault of a method, of ``file.upload``, ``file.download`` or ``response_url``.

    Attributes:
        error: The code of REFUSED.
        retry_after: Seconds, of RATE_LIMITED.
    """

    error: str = "internal_error"
    retry_after: int = 1


class Faults(faults.Faults[Trouble, Fault]):
    """See `tests.fakes.faults.Faults`."""

    kind = Fault
