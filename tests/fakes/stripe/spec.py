"""What Stripe's API takes and gives, read from the types that the SDK carries for its pinned version.

They are generated from Stripe's own specification: parameters are checked against `stripe.params`, answers are completed
from the resources' annotations, so that neither rests on somebody's memory of the reference.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

import typing_extensions
from stripe import RequestOptions
from stripe._stripe_object import StripeObject, UntypedStripeObject

from tests.fakes.stripe.model import Json, Refusal

_METADATA_KEYS, _METADATA_KEY, _METADATA_VALUE = 50, 40, 500  # docs: api/metadata
_LONGEST = 5000
_RARE = frozenset(
    {
        *("account", "context", "cash_balance", "currency_options", "deleted", "invoice_credit_balance"),
        *("line_items", "payments", "presentment_details", "refunds", "sources", "subscriptions", "tax", "tax_ids"),
        "tiers",
    }
)  # fields that answers carry only when they were asked for, or in special cases


@cache
def parameters(kind: type) -> dict[str, Any]:
    """Return the parameters that a request may have, by name."""
    hints = typing_extensions.get_type_hints(kind, localns={"StripeContext": str, "Mapping": Mapping, "Any": Any})
    return {name: hint for name, hint in hints.items() if name not in RequestOptions.__annotations__}


def read(kind: type, given: Mapping[str, Any], path: str = "") -> Json:
    """Return checked parameters with numbers and truth values as such; ``""`` is what unsets.

    Raises:
        Refusal: As Stripe words it, for what it does not know, what is missing and what is of another kind.
    """
    known = parameters(kind)
    for name in given:
        if name not in known:
            where = _inside(path, name)
            raise _wrong(f"Received unknown parameter: {where}", where, "parameter_unknown")
    required: frozenset[str] = getattr(kind, "__required_keys__", frozenset())
    for name in sorted(required & set(known)):
        if name not in given:
            where = _inside(path, name)
            raise _wrong(f"Missing required param: {where}.", where, "parameter_missing")
    found = {name: _value(known[name], value, _inside(path, name)) for name, value in given.items()}
    if isinstance(found.get("metadata"), dict):
        _check_metadata(found["metadata"], _inside(path, "metadata"))
    return found


def _inside(path: str, name: str) -> str:
    return f"{path}[{name}]" if path else name


def _wrong(message: str, param: str, code: str = "") -> Refusal:
    return Refusal(message, code, param, executed=False)


def _value(hint: Any, given: Any, path: str) -> Any:
    options = [one for one in _options(hint) if get_origin(one) is not UntypedStripeObject]
    literals = [word for one in options if get_origin(one) is Literal for word in get_args(one)]
    if given == "" and "" not in literals:
        message = f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a parameter"
        raise _wrong(f"{message}; however '{path}' cannot be unset.", path, "parameter_invalid_empty")
    if isinstance(given, str) and given in literals:
        return given
    others = [one for one in options if get_origin(one) is not Literal]
    if not others or not isinstance(given, str):
        return _container(others, literals, given, path)
    return _scalar(others, literals, given, path)


def _options(hint: Any) -> list[Any]:
    if get_origin(hint) in {Union, types.UnionType}:
        return [inner for one in get_args(hint) for inner in _options(one)]
    return [hint]


def _container(others: list[Any], literals: list[Any], given: Any, path: str) -> Any:
    for one in others:
        if isinstance(given, list) and get_origin(one) is list:
            return [_value(get_args(one)[0], item, f"{path}[{number}]") for number, item in enumerate(given)]
        if isinstance(given, dict) and get_origin(one) is dict:
            inner = get_args(one)[1]
            return {
                name: item if item == "" else _value(inner, item, f"{path}[{name}]") for name, item in given.items()
            }
        if isinstance(given, dict) and typing_extensions.is_typeddict(one):
            return read(one, given, path)
    if literals and isinstance(given, str):
        words = ", ".join(str(word) for word in literals if word != "")
        raise _wrong(f"Invalid {path}: must be one of {words}", path)
    what = "array" if isinstance(given, list) else "object" if isinstance(given, dict) else "string"
    raise _wrong(f"Invalid {what}", path)


def _scalar(others: list[Any], literals: list[Any], given: str, path: str) -> Any:
    if bool in others:
        if given not in {"true", "false"}:
            raise _wrong(f"Invalid boolean: {given}", path, "parameter_invalid_boolean")
        return given == "true"
    if int in others:
        if not given.removeprefix("-").isdecimal():
            raise _wrong(f"Invalid integer: {given}", path, "parameter_invalid_integer")
        return int(given)
    if Decimal in others or float in others:
        try:
            return str(Decimal(given)) if Decimal in others else float(given)
        except (InvalidOperation, ValueError):
            raise _wrong(f"Invalid decimal: {given}", path, "parameter_invalid_decimal") from None
    words = [word for word in literals if word]
    if str not in others or words:  # the SDK lets any text pass for an enumeration, the API does not
        return _container([one for one in others if one is not str], literals, given, path)
    if len(given) > _LONGEST:
        raise _wrong(f"Invalid string: {given[:20]}...; must be at most 5000 characters", path)
    return given


def _check_metadata(metadata: Mapping[str, str], path: str) -> None:
    if len(metadata) > _METADATA_KEYS:
        raise _wrong(f"Metadata can have at most {_METADATA_KEYS} keys", path)
    for name, value in metadata.items():
        if len(name) > _METADATA_KEY:
            raise _wrong(f"Metadata keys can be at most {_METADATA_KEY} characters", f"{path}[{name}]")
        if len(value) > _METADATA_VALUE:
            raise _wrong(f"Metadata values can be at most {_METADATA_VALUE} characters", f"{path}[{name}]")


def shaped(kind: type[StripeObject], /, **fields: Any) -> Json:
    """Return an object with every field that answers of the pinned version have, null where none is given.

    Args:
        kind: The SDK's class of it.
        fields: The values.

    Raises:
        TypeError: If a field is unknown, missing or of another kind: the local Stripe itself is wrong then.
    """
    return _shaped(kind, fields, sparse=False)


def sparse(kind: type[StripeObject], /, **fields: Any) -> Json:
    """Return an object of which most fields belong to variants: as `shaped`, but nothing is added."""
    return _shaped(kind, fields, sparse=True)


def _shaped(kind: type[StripeObject], fields: Json, *, sparse: bool) -> Json:
    known = _fields(kind)
    if unknown := set(fields) - set(known):
        raise TypeError(f"{kind.__qualname__} has no {', '.join(sorted(unknown))}")
    found: Json = {}
    for name, field in known.items():
        if name == "object" and name not in fields:
            (found[name],) = field.words
        elif name in fields:
            found[name] = _completed(field, fields[name], f"{kind.__qualname__}.{name}")
        elif type(None) in field.options:
            if not sparse and name not in _RARE:
                found[name] = None
        else:
            raise TypeError(f"{kind.__qualname__} needs {name}")
    return found


@dataclass(frozen=True)
class _Field:
    """What may stand in a field: one of some types, or one of some words."""

    options: tuple[Any, ...]
    words: frozenset[str]


_FIELDS: dict[type[StripeObject], dict[str, _Field]] = {}


def _fields(kind: type[StripeObject]) -> dict[str, _Field]:
    if kind not in _FIELDS:
        _FIELDS[kind] = {
            name: _Field(tuple(options), _words(options))
            for name, hint in kind.__annotations__.items()
            if name != "OBJECT_NAME" and (options := _options(hint))
        }
    return _FIELDS[kind]


def _words(options: list[Any]) -> frozenset[str]:
    return frozenset(word for one in options if get_origin(one) is Literal for word in get_args(one))


_JSON_KINDS: dict[Any, tuple[type, ...]] = {int: (int,), float: (int, float), Decimal: (str,), bool: (bool,)}
_VARIANTS = ("payment_method_details", "next_action", "payment_method_options", "settings", "business_profile")


def _completed(field: _Field, value: Any, path: str) -> Any:
    if field.words and isinstance(value, str):
        if value not in field.words:
            raise TypeError(f"{path} is none of its words: {value}")
        return value
    for one in field.options:
        if isinstance(value, dict) and _is_part(one) and "object" not in value:
            return _shaped(one, value, sparse=path.endswith(_VARIANTS))
        if isinstance(value, list) and get_origin(one) is list and _is_part(get_args(one)[0]):
            return [_shaped(get_args(one)[0], item, sparse=False) for item in value]
    if not any(_fits(one, value) for one in field.options):
        raise TypeError(f"{path} is of another kind: {value!r}")
    return value


def _is_part(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, StripeObject) and not hasattr(hint, "OBJECT_NAME")


def _fits(hint: Any, value: Any) -> bool:
    origin = get_origin(hint)
    if origin is Literal:
        return value in get_args(hint)
    if hint in _JSON_KINDS:
        return type(value) in _JSON_KINDS[hint]
    if origin is list:
        return isinstance(value, list)
    if isinstance(hint, type) and not issubclass(hint, StripeObject):
        return isinstance(value, hint)
    return hint is Any or isinstance(value, dict)  # what is left are objects: resources, lists of them, metadata
