"""What can go wrong with credits."""

from core.errors import AtelierError, ConflictError, TransientError, UserFacingError


class InsufficientCredits(UserFacingError):
    """The workspace cannot cover a hold.

    Attributes:
        required_microcredits: What the hold needs.
        available_microcredits: What is there, holds subtracted.
    """

    code = "credits_insufficient"

    def __init__(self, *, required_microcredits: int, available_microcredits: int) -> None:
        super().__init__(f"{required_microcredits} micro-credits needed, {available_microcredits} available")
        self.required_microcredits = required_microcredits
        self.available_microcredits = available_microcredits


class HoldClosed(ConflictError):
    """The hold was resolved before, in another way or with another amount."""


class NotEntitled(UserFacingError):
    """The tier does not allow it.

    Attributes:
        limit: Which limit: ``rounds``, ``editors``, ``models``, ``words``, ``concurrent_sessions``, ``sessions_month``.
        allowed: What the tier allows.
        asked: What was asked.
        lifted_by: Key of the cheapest tier that allows it; empty if none does.
    """

    code = "not_entitled"

    def __init__(self, *, limit: str, allowed: str, asked: str, lifted_by: str) -> None:
        super().__init__(f"{limit}: {asked} asked, {allowed} allowed")
        self.limit = limit
        self.allowed = allowed
        self.asked = asked
        self.lifted_by = lifted_by


class AllowanceReached(UserFacingError):
    """What a member, or the workspace, may spend in a month does not cover the session.

    Attributes:
        is_members: Whether it is one member's limit.
        limit_microcredits: The limit.
        spent_microcredits: What this month's sessions cost, and may still cost.
        required_microcredits: What this one may cost.
    """

    code = "allowance_reached"

    def __init__(
        self, *, is_members: bool, limit_microcredits: int, spent_microcredits: int, required_microcredits: int
    ) -> None:
        super().__init__(f"{spent_microcredits} of {limit_microcredits} used, {required_microcredits} needed")
        self.is_members = is_members
        self.limit_microcredits = limit_microcredits
        self.spent_microcredits = spent_microcredits
        self.required_microcredits = required_microcredits


class HoldUnknown(AtelierError):
    """There is no hold with this id: what is to be charged was never set aside."""


class GrantUnknown(TransientError):
    """What is to be taken back was not granted yet: its own event is still on the way."""


class SourceUsed(ConflictError):
    """The business fact granted credits to another workspace."""
