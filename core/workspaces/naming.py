"""Names that people give to things of their workspace, such as projects: what is one, and when two are the same."""

import unicodedata
from collections.abc import Iterable
from typing import Protocol, TypeVar

from core.workspaces.errors import NameInvalid, NameUnknown

MOST_CHARACTERS = 80
_MOST_KNOWN = 5


class Named(Protocol):
    """Something that has a name."""

    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def clean_name(what: str, text: str) -> str:
    """Return a name as it is kept: one line, nothing that cannot be seen.

    Args:
        what: What it names: ``project``, ``template``.
        text: As somebody wrote it.

    Raises:
        NameInvalid: If nothing is left, or more than 80 characters.
    """
    normal = unicodedata.normalize("NFC", text)
    seen = "".join(character for character in normal if character.isprintable() or character.isspace())
    name = " ".join(seen.split())
    if not name or len(name) > MOST_CHARACTERS:
        raise NameInvalid(what, MOST_CHARACTERS)
    return name


def name_key(name: str) -> str:
    """Return what two names share if people would take them for the same: upper and lower case do not count."""
    return unicodedata.normalize("NFKC", " ".join(name.split())).casefold()


def find_named(what: str, name: str, items: Iterable[N]) -> N:
    """Return the item that has this name, or the only one whose name begins so.

    Raises:
        NameUnknown: If there is none, or more than one that begins so.
    """
    known = list(items)
    wanted = name_key(name)
    exact = [item for item in known if name_key(item.name) == wanted]
    begun = [item for item in known if wanted and name_key(item.name).startswith(wanted)]
    if exact or len(begun) == 1:
        return (exact or begun)[0]
    raise NameUnknown(what, name, tuple(item.name for item in (begun or known))[:_MOST_KNOWN])
