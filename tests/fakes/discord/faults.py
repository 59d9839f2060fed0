"""What goes wrong on the way to Discord and back."""

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
    """429 of this bot on this route; nothing happened."""
    GLOBALLY_LIMITED = "globally_limited"
    """429 of this bot on every route."""
    SHARED_LIMITED = "shared_limited"
    """429 that others caused; it does not count as invalid."""
    BANNED = "banned"
    """429 of Cloudflare's: no ``Via``, no JSON."""
    SERVER_ERROR = "server_error"
    """`Fault.status` without JSON; nothing happened."""
    ERROR_AFTER = "error_after"
    """`Fault.status` without JSON, and yet it happened."""
    REFUSED = "refused"
    """`Fault.status` with `Fault.code`."""
    TRUNCATED = "truncated"
    """A download that ends in the middle."""
    HANGS = "hangs"
    """It happened, and no answer comes until `Faults.released` is set."""


@dataclass
class Fault(faults.Fault[Trouble]):
    """A fault of a route (``POST /channels/{channel_id}/messages``) or of ``GET cdn``.

    Attributes:
        retry_after: Seconds of the 429s.
        status: Of HTTP.
        code: Discord's, of REFUSED.
        message: Discord's, of REFUSED.
    """

    retry_after: float = 0.05
    status: int = 500
    code: int = 0
    message: str = "No reason given"


class Faults(faults.Faults[Trouble, Fault]):
    """See `tests.fakes.faults.Faults`."""

    kind = Fault
