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


class CannotPost(UserFacingError):
    """The app may not post where somebody asked.

    Attributes:
        reason: The platform's own code.
        remedy: What the person can do about it, one sentence in the platform's words.
    """

    code = "cannot_post"

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class FileUnavailable(UserFacingError):
    """A file cannot be fetched.

    Attributes:
        name: The file's.
        reason: One sentence: gone, too large, a login page came instead, another host.
    """

    code = "file_unavailable"

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason
