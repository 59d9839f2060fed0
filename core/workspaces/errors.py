"""What can go wrong with workspaces: who may not, and what they entrusted to us."""

from core.errors import AtelierError, UserFacingError


class SecretUnreadable(AtelierError):
    """A stored secret was made with a key that is not among ours, was changed, or stands where it does not belong."""


class NameInvalid(UserFacingError):
    """A name is empty, or too long.

    Attributes:
        what: What was to be named: ``project``, ``template``.
        most_characters: How long it may be.
    """

    code = "name_invalid"

    def __init__(self, what: str, most_characters: int) -> None:
        super().__init__(f"not the name of a {what}")
        self.what = what
        self.most_characters = most_characters


class NameTaken(UserFacingError):
    """Something of this workspace has that name already; upper and lower case do not count.

    Attributes:
        what: What it is: ``project``, ``template``.
        name: The name of the one that is there.
        is_archived: Whether that one is put away, so that lists do not show it.
    """

    code = "name_taken"

    def __init__(self, what: str, name: str, *, is_archived: bool = False) -> None:
        super().__init__(f"there is a {what} {name!r}")
        self.what = what
        self.name = name
        self.is_archived = is_archived


class NameUnknown(UserFacingError):
    """Nothing of this workspace has that name.

    Attributes:
        what: What was looked for: ``project``, ``template``.
        name: As it was asked for.
        known: Some names that there are, those that begin so first.
    """

    code = "name_unknown"

    def __init__(self, what: str, name: str, known: tuple[str, ...] = ()) -> None:
        super().__init__(f"no {what} {name!r}")
        self.what = what
        self.name = name
        self.known = known


class NotAllowed(UserFacingError):
    """Somebody may not do what they asked.

    Attributes:
        reason: A `core.workspaces.access.Denial`.
    """

    code = "not_allowed"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
