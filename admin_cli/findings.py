"""What `atelier doctor` finds."""

from dataclasses import dataclass
from enum import StrEnum

from admin_cli.output import FAILED


class Outcome(StrEnum):
    """How something is; only FAILED makes an installation unwell."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one examination found.

    Attributes:
        name: What was looked at.
        outcome: How it is.
        detail: One line about it.
        exit_code: What the command ends with if it failed.
    """

    name: str
    outcome: Outcome
    detail: str
    exit_code: int = FAILED
