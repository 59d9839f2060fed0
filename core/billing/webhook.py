"""Whether a request really comes from Stripe, and what it is about. Pure: bytes and a moment in, a hint out."""

import hmac
import json
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from pydantic import ValidationError

from core.billing.errors import BadSignature, MalformedEvent
from core.billing.objects import EventHint

TOLERANCE_SECONDS = 300
_SCHEME = "v1"
_LONGEST_HEADER = 4_096
_LONGEST_STAMP = 12


def verify(raw: bytes, header: str, secrets: Sequence[str], *, now: datetime) -> None:
    """Return if *raw* was signed with one of *secrets* at about *now*.

    Args:
        raw: The body as it came, not one byte changed.
        header: ``Stripe-Signature``: ``t=1700000000,v1=5257a8...,v1=...``.
        secrets: The endpoint's secrets, several while one replaces another; empty ones count as none.
        now: The moment.

    Raises:
        BadSignature: If not; also if it was signed more than five minutes ago, or ahead, for a clock that runs wrong
            would else let an old event in again later.
    """
    stamp, signatures = _parse(header)
    signed = b"%d." % stamp + raw
    matches = False
    for secret in secrets:
        expected = hmac.new(secret.encode(), signed, sha256).hexdigest().encode()
        # every pair is compared, so that the time it takes tells nothing
        for signature in signatures:
            matches |= bool(secret.strip()) and hmac.compare_digest(expected, signature)
    if not matches:
        raise BadSignature("no signature fits")
    if abs(now.timestamp() - stamp) > TOLERANCE_SECONDS:
        raise BadSignature("it was not signed now")


def _parse(header: str) -> tuple[int, list[bytes]]:
    pairs = [piece.partition("=") for piece in header[:_LONGEST_HEADER].split(",")]
    stamps = [value for name, _, value in pairs if name.strip() == "t"]
    if len(stamps) != 1 or len(stamps[0]) > _LONGEST_STAMP or not (stamps[0].isascii() and stamps[0].isdecimal()):
        raise BadSignature("the header has no time")
    return int(stamps[0]), [value.encode(errors="replace") for name, _, value in pairs if name.strip() == _SCHEME]


def read_event(raw: bytes) -> EventHint:
    """Return what an event is about.

    Only what every version of the API has is read: the object itself is fetched.

    Raises:
        MalformedEvent: If it is no event: not an object, or without id, type or object.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("it is no JSON") from error
    return hint_of(body)


def hint_of(body: Any) -> EventHint:
    """Return what the event *body* is about; raises as `read_event`."""
    data = body.get("data") if isinstance(body, dict) else None
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        raise MalformedEvent("it has no object")
    try:
        return EventHint.model_validate(
            {
                "id": body.get("id"),
                "type": body.get("type"),
                "livemode": body.get("livemode", False),
                "created": body.get("created"),
                "object_id": _text(subject.get("id")),
                "customer_id": _customer(subject),
                "account": _text(body.get("account")),
                "api_version": _text(body.get("api_version")),
            },
            strict=False,
        )
    except (ValidationError, ValueError, OverflowError) as error:
        raise MalformedEvent("it has no id, no type or no time") from error


def _customer(subject: dict[str, Any]) -> str:
    if subject.get("object") == "customer":
        return _text(subject.get("id"))
    found = subject.get("customer")
    return _text(found.get("id") if isinstance(found, dict) else found)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
