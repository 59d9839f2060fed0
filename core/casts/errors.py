"""What can be wrong with a cast, in terms a person can act on."""

from core.errors import UserFacingError


class CastUnknown(UserFacingError):
    """No cast has this key.

    Attributes:
        key: What was asked for.
        known: The keys that exist.
    """

    code = "cast_unknown"

    def __init__(self, key: str, known: tuple[str, ...]) -> None:
        super().__init__(f"there is no cast {key!r}; known are {', '.join(known)}")
        self.key = key
        self.known = known


class CastInvalid(UserFacingError):
    """A cast cannot be used as it is written.

    Attributes:
        problems: One sentence each, naming the place (``roles.2.colour: ...``).
    """

    code = "cast_invalid"

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
