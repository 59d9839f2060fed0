"""Answers that are given again. docs: api/idempotent_requests."""

import hashlib
import json
from dataclasses import dataclass, field

from tests.fakes.stripe.model import Json, Refusal

_KEPT_SECONDS = 24 * 3600
_LONGEST = 255


@dataclass
class Kept:
    """What was asked under a key, and what the answer was, once there is one."""

    fingerprint: str
    path: str
    at: int
    status: int = 0
    body: Json | None = None
    request_id: str = ""


@dataclass
class Idempotency:
    """Which keys were used.

    Attributes:
        kept: By mode and key.
    """

    kept: dict[tuple[bool, str], Kept] = field(default_factory=dict)

    def begin(self, key: str, *, livemode: bool, path: str, parameters: Json, now: int) -> Kept | None:
        """Return the answer to give again; None for a new key, which is in use from now on.

        Raises:
            Refusal: 400 ``idempotency_error`` for other parameters, 409 while the first request is under way.
        """
        if len(key) > _LONGEST:
            raise Refusal("Idempotency keys can be at most 255 characters", executed=False)
        fingerprint = hashlib.sha256(json.dumps([path, parameters], sort_keys=True).encode()).hexdigest()
        before = self.kept.get((livemode, key))
        if before is None or now - before.at >= _KEPT_SECONDS:
            self.kept[livemode, key] = Kept(fingerprint, path, now)
            return None
        if before.fingerprint != fingerprint:
            what = "same parameters" if before.path == path else f"same endpoint ('{before.path}' vs '{path}')"
            message = f"Keys for idempotent requests can only be used with the {what} they were first used with."
            message += f" Try using a key other than '{key}' if you meant to execute a different request."
            raise Refusal(message, type="idempotency_error", executed=False)
        if before.body is None:
            message = f"There is currently another in-progress request using this Idempotent Key: {key}."
            raise Refusal(message, "idempotency_key_in_use", status=409, type="idempotency_error", executed=False)
        return before

    def end(self, key: str, *, livemode: bool, status: int, body: Json, request_id: str) -> None:
        """Keep an answer."""
        kept = self.kept[livemode, key]
        kept.status, kept.body, kept.request_id = status, body, request_id

    def forget(self, key: str, *, livemode: bool) -> None:
        """Free a key: nothing was done under it."""
        self.kept.pop((livemode, key), None)
