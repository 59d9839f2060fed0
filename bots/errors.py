"""What can go wrong outside the core."""

from core.errors import UserFacingError


class BadSettings(UserFacingError):
    """The environment or the .env file cannot be used.

    Attributes:
        problems: One sentence for each variable that is wrong, naming it.
    """

    code = "settings_invalid"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class DatabaseUnreachable(UserFacingError):
    """The database that the settings name did not answer when it was opened.

    Attributes:
        address: Where it should be, without user and password.
    """

    code = "database_unreachable"

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.address = address
