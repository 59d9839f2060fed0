"""Small laws of changes that several kinds of objects share."""

from tests.fakes.stripe.model import Json


def merged(before: Json | None, given: Json | str | None) -> Json:
    """Return metadata after a change: an empty value removes a key, an empty text removes all."""
    if given is None:
        return dict(before or {})
    if isinstance(given, str):
        return {}
    both = {**(before or {}), **given}
    return {name: value for name, value in both.items() if value != ""}


def applied(given: Json, names: str) -> Json:
    """Return those of *names* that were given, null for what is to be unset."""
    return {name: None if given[name] == "" else given[name] for name in names.split() if name in given}
