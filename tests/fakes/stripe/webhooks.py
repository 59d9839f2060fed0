"""How events reach the app: signed, and as late, often and broken as a test wants it."""

import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.fakes.stripe.model import API_VERSION, Json, copied
from tests.fakes.stripe.old_shapes import in_shape_of
from tests.fakes.stripe.world import World

if TYPE_CHECKING:
    from core.clock import Clock

_TIMEOUT = aiohttp.ClientTimeout(total=30)


class Damage(StrEnum):
    """What is wrong with a delivery."""

    BODY = "body"
    """A byte was changed after it was signed."""
    SECRET = "secret"
    """It is signed with a secret that nobody has."""
    UNSIGNED = "unsigned"
    """There is no signature."""
    NOT_JSON = "not_json"
    """It is signed, but is no JSON."""
    NOT_UTF8 = "not_utf8"
    """It is signed, but is no text."""


@dataclass(frozen=True)
class Attempt:
    """One try to deliver, and what came back.

    Attributes:
        status: Of HTTP, 0 when the connection broke.
        order: Place among all attempts.
    """

    event: Json
    body: bytes
    signature: str
    status: int
    answer: str
    order: int

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.event.get("type", ""))

    @property
    def is_taken(self) -> bool:
        """Whether the app answered that it has it."""
        return 200 <= self.status < 300


@dataclass(eq=False)
class Delivery:
    """An event on its way.

    Attributes:
        not_before: Seconds since the epoch.
        is_held: True until somebody releases it.
        attempts: What was tried, oldest first.
    """

    event: Json
    not_before: int = 0
    is_held: bool = False
    damage: Damage | None = None
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def type(self) -> str:
        """The event's type."""
        return str(self.event.get("type", ""))


class Webhooks:
    """The endpoint of the app, and the way to it. Nothing is sent until `deliver`.

    Attributes:
        url: Where the app listens; empty sends nothing.
        secrets: What deliveries are signed with: several while one is being rotated.
        version: The API version that the endpoint was made with; older ones get older shapes.
        enabled: Patterns of the types that the endpoint takes: ``invoice.*``.
        signing_clock: What signatures are dated by.
        pending: What was not delivered yet, in the order in which it will be.
        failed: What the app did not take, to be sent again by `retry`.
        attempts: Every try, oldest first.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.url = ""
        self.secrets: list[str] = ["whsec_local"]
        self.version = API_VERSION
        self.enabled: tuple[str, ...] = ("*",)
        self.signing_clock: Clock = world.clock
        self.pending: list[Delivery] = []
        self.failed: list[Delivery] = []
        self.attempts: list[Attempt] = []
        self._holding: tuple[str, ...] = ()
        self._session: aiohttp.ClientSession | None = None
        world.told.append(self._take)

    def _take(self, event: Json) -> None:
        if any(fnmatch(event["type"], one) for one in self.enabled):
            held = any(fnmatch(event["type"], one) for one in self._holding)
            self.pending.append(Delivery(copied(event), is_held=held))

    async def close(self) -> None:
        """End the connections to the app."""
        if self._session is not None:
            await self._session.close()

    # What a test does with what is pending: types are patterns, none stands for all.

    def matching(self, *types: str) -> list[Delivery]:
        """Return what is pending of some types."""
        return [one for one in self.pending if any(fnmatch(one.type, kind) for kind in types or ("*",))]

    def hold(self, *types: str) -> None:
        """Keep back what is pending and what will come, until `release`."""
        self._holding += types or ("*",)
        for one in self.matching(*types):
            one.is_held = True

    def release(self) -> None:
        """Let everything go that was kept back; it is sent with the next `deliver`."""
        self._holding = ()
        for one in self.pending:
            one.is_held = False

    def drop(self, *types: str) -> list[Json]:
        """Lose what is pending, for ever, and return the lost events."""
        lost = self.matching(*types)
        self.pending = [one for one in self.pending if one not in lost]
        return [one.event for one in lost]

    def duplicate(self, *types: str, times: int = 1) -> None:
        """Send what is pending *times* times more, each copy after everything else."""
        found = self.matching(*types)
        for _ in range(times):
            self.pending.extend(Delivery(copied(one.event), is_held=one.is_held) for one in found)

    def reorder(self, by: random.Random | Callable[[Json], Any] | None = None) -> None:
        """Send what is pending in another order: shuffled, sorted by a key of the event, or backwards."""
        if by is None:
            self.pending.reverse()
        elif isinstance(by, random.Random):
            by.shuffle(self.pending)
        else:
            self.pending.sort(key=lambda one: by(one.event))

    def delay(self, seconds: int, *types: str) -> None:
        """Send what is pending only when *seconds* have passed."""
        for one in self.matching(*types):
            one.not_before = self._world.now() + seconds

    def damage(self, how: Damage, *types: str) -> None:
        """Break what is pending at its next try; what is sent again after it is whole."""
        for one in self.matching(*types):
            one.damage = how

    def push(self, event: Json) -> Delivery:
        """Queue any event, of one's own making too, and return its delivery."""
        delivery = Delivery(copied(event))
        self.pending.append(delivery)
        return delivery

    # The way itself.

    async def deliver(self, limit: int = -1) -> list[Attempt]:
        """Send what is pending and may go, in order; return what was tried.

        Args:
            limit: How many at most, below 0 for all; what the app does meanwhile may queue more, which goes too.
        """
        made: list[Attempt] = []
        while self.url and limit != len(made):
            ready = next((one for one in self.pending if self._may_go(one)), None)
            if ready is None:
                break
            self.pending.remove(ready)
            made.append(await self._try(ready))
        return made

    async def retry(self) -> list[Attempt]:
        """Send again what the app did not take."""
        again, self.failed = self.failed, []
        return [await self._try(one) for one in again]

    async def send(self, event: Json, *, timestamp: int | None = None, damage: Damage | None = None) -> Attempt:
        """Send one event now, once, whatever is pending."""
        delivery = Delivery(copied(event), damage=damage)
        return await self._attempt(delivery, timestamp)

    async def post(self, body: bytes, signature: str | None = None, timestamp: int | None = None) -> Attempt:
        """Send any bytes, signed well when no signature is given."""
        header = self.sign(body, timestamp=timestamp) if signature is None else signature
        return await self._post({}, body, header)

    def sign(self, body: bytes, *, timestamp: int | None = None, secrets: Iterable[str] | None = None) -> str:
        """Return the ``Stripe-Signature`` of a body: one ``v1`` a secret, and a ``v0`` as test mode has it."""
        moment = int(self.signing_clock.now().timestamp()) if timestamp is None else timestamp
        given = self.secrets if secrets is None else secrets
        parts = [f"v1={_signed(body, one, moment)}" for one in given]
        return ",".join([f"t={moment}", *parts, "v0=" + "0" * 64])

    def _may_go(self, delivery: Delivery) -> bool:
        return not delivery.is_held and delivery.not_before <= self._world.now()

    async def _try(self, delivery: Delivery) -> Attempt:
        attempt = await self._attempt(delivery, None)
        delivery.damage = None
        if not attempt.is_taken:
            self.failed.append(delivery)
        return attempt

    async def _attempt(self, delivery: Delivery, timestamp: int | None) -> Attempt:
        event = in_shape_of(self.version, delivery.event, self._world)
        body = json.dumps(event, indent=2).encode()
        secrets = None
        match delivery.damage:
            case Damage.NOT_JSON:
                body = body[: len(body) // 2]
            case Damage.NOT_UTF8:
                body += b"\xff\xfe"
            case Damage.SECRET:
                secrets = ["whsec_of_somebody_else"]
            case _:
                pass
        signature = "" if delivery.damage is Damage.UNSIGNED else self.sign(body, timestamp=timestamp, secrets=secrets)
        if delivery.damage is Damage.BODY:
            body = body.replace(b"evt_", b"evt-", 1) if b"evt_" in body else body + b" "
        attempt = await self._post(event, body, signature)
        delivery.attempts.append(attempt)
        return attempt

    async def _post(self, event: Json, body: bytes, signature: str) -> Attempt:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "Stripe/1.0"}
        if signature:
            headers["Stripe-Signature"] = signature
        try:
            async with self._session.post(self.url, data=body, headers=headers) as response:
                status, answer = response.status, await response.text()
        except aiohttp.ClientError as problem:
            status, answer = 0, type(problem).__name__
        attempt = Attempt(event, body, signature, status, answer, len(self.attempts))
        self.attempts.append(attempt)
        return attempt


def _signed(body: bytes, secret: str, moment: int) -> str:
    """Return the signature of bytes, those too that are no text and that the SDK could not sign."""
    return hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
