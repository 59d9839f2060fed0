"""How events and interactions reach the app: signed over HTTP or through its sockets, again when nobody answers."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import aiohttp
from slack_sdk.signature import SignatureVerifier

from core.clock import Clock, SystemClock
from tests.fakes.slack import limits
from tests.fakes.slack.model import Json
from tests.fakes.slack.sockets import Sockets
from tests.fakes.slack.world import World

_OK = 200


@dataclass(frozen=True)
class Attempt:
    """One try to deliver, and what came back.

    Attributes:
        status: HTTP status, 200 for an answer through a socket, 0 for none.
        problem: Empty, or Slack's name of what went wrong: ``http_timeout``, ``http_error``, ``connection_failed``.
    """

    retry: int
    status: int
    body: str = ""
    problem: str = ""
    stops_retries: bool = False

    @property
    def answer(self) -> Json:
        """The answer's JSON; a bare text is a ``text``, nothing is nothing."""
        if not self.body:
            return {}
        try:
            read = json.loads(self.body)
        except ValueError:
            return {"text": self.body}
        return read if isinstance(read, dict) else {"text": self.body}


@dataclass
class Delivery:
    """One thing for the app: ``events_api``, ``slash_commands`` or ``interactive``."""

    kind: str
    payload: Json
    attempts: list[Attempt] = field(default_factory=list)
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_acknowledged(self) -> bool:
        return any(one.status == _OK for one in self.attempts)

    @property
    def event(self) -> Json:
        """The event inside, empty for interactions."""
        event: Json = self.payload.get("event", {})
        return event

    def body(self) -> tuple[str, str]:
        """Return what goes over HTTP, and its type."""
        if self.kind == "events_api":
            return json.dumps(self.payload), "application/json"
        form = {"payload": json.dumps(self.payload)} if self.kind == "interactive" else self.payload
        return urlencode(form), "application/x-www-form-urlencoded"


class Delivering:
    """The way to the app.

    Attributes:
        ack_seconds: How long an answer may take, in seconds of the machine's clock.
        signing_clock: What signatures are dated by: apps compare them with the machine's clock.
        copies: How often an event is delivered though it was acknowledged.
        sent: Everything that was delivered, or is being, oldest first.
    """

    def __init__(self, world: World, sockets: Sockets) -> None:
        self._world = world
        self._sockets = sockets
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._held: list[Delivery] | None = None
        self.ack_seconds = limits.ACK_SECONDS
        self.signing_clock: Clock = SystemClock()
        self.copies = 1
        self.sent: list[Delivery] = []

    async def deliver(self, delivery: Delivery) -> Delivery:
        """Return after the first try; tries after it go on by themselves, for events only."""
        self.begin(delivery)
        await delivery.tried.wait()
        return delivery

    def begin(self, delivery: Delivery) -> Delivery:
        """Deliver while the caller goes on."""
        if self._held is not None:
            self._held.append(delivery)
            delivery.tried.set()
            return delivery
        self.sent.append(delivery)
        if not self._world.app.request_url and not self._sockets.opened:
            delivery.attempts.append(Attempt(0, 0, problem="connection_failed"))  # nobody ever listened: no retries
            delivery.tried.set()
            return delivery
        task = asyncio.create_task(self._try(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return delivery

    @asynccontextmanager
    async def held(self) -> AsyncIterator[list[Delivery]]:
        """Keep back what would be delivered, and give it to the test, which may send it in any order."""
        self._held, kept = [], self._held
        try:
            yield self._held
        finally:
            self._held = kept

    async def in_order(self, deliveries: Sequence[Delivery]) -> None:
        """Deliver one after the other."""
        for delivery in deliveries:
            delivery.tried.clear()
            await self.deliver(delivery)

    async def again(
        self, delivery: Delivery, *, age_seconds: float = 0.0, timestamp: str = "", signature: str = ""
    ) -> Attempt:
        """Send the same thing once more, as a replay: older, or with headers that are not Slack's."""
        return await self._post(delivery, 0, "", age_seconds=age_seconds, timestamp=timestamp, signature=signature)

    async def settled(self) -> None:
        """Return when nothing is under way any more; with a clock that stands still, retries wait for ever."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Give up on everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _try(self, delivery: Delivery) -> None:
        last = await self._attempt(delivery, 0, "")
        for _ in range(self.copies - 1):
            if delivery.kind == "events_api":
                last = await self._attempt(delivery, 0, "")
        delivery.tried.set()
        if delivery.kind != "events_api":
            return
        for number, wait in enumerate(limits.RETRY_AFTER_SECONDS, start=1):
            if last.status == _OK or last.stops_retries:
                return
            await self._world.clock.sleep(wait)
            last = await self._attempt(delivery, number, last.problem)

    async def _attempt(self, delivery: Delivery, retry: int, reason: str) -> Attempt:
        if self._world.app.request_url:
            attempt = await self._post(delivery, retry, reason)
        else:
            attempt = await self._send(delivery, retry, reason)
        delivery.attempts.append(attempt)
        return attempt

    async def _send(self, delivery: Delivery, retry: int, reason: str) -> Attempt:
        try:
            answer = await self._sockets.send(
                delivery.kind, delivery.payload, retry=retry, reason=reason, seconds=self.ack_seconds
            )
        except TimeoutError:
            return Attempt(retry, 0, problem="timeout")
        except ConnectionError:
            return Attempt(retry, 0, problem="connection_failed")
        return Attempt(retry, _OK, json.dumps(answer) if answer else "")

    async def _post(  # noqa: PLR0917 - named by its callers
        self,
        delivery: Delivery,
        retry: int,
        reason: str,
        age_seconds: float = 0.0,
        timestamp: str = "",
        signature: str = "",
    ) -> Attempt:
        body, kind = delivery.body()
        at = timestamp or str(int(self.signing_clock.now().timestamp() - age_seconds))
        verifier = SignatureVerifier(self._world.app.signing_secret)
        headers = {
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": signature or str(verifier.generate_signature(timestamp=at, body=body)),
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        }
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with self._session.post(
                self._world.app.request_url,
                data=body.encode(),
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=self.ack_seconds),
                allow_redirects=False,
            ) as response:
                said = await response.text()
                stops = response.headers.get("X-Slack-No-Retry") == "1"
                problem = "" if response.status == _OK else "http_error"
                return Attempt(retry, response.status, said, problem, stops)
        except TimeoutError:
            return Attempt(retry, 0, problem="http_timeout")
        except aiohttp.ClientError:
            return Attempt(retry, 0, problem="connection_failed")
