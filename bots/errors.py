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
