"""The API's front door: keys, versions, idempotency, faults, and the log of it all."""

import base64
import copy
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from aiohttp import web

from tests.fakes.stripe import (
    account_methods,
    catalogue_methods,
    checkout_methods,
    customer_methods,
    invoice_methods,
    payment_methods,
    portal_methods,
    refund_methods,
    scheduling,
    subscription_methods,
)
from tests.fakes.stripe.asking import Ask, find
from tests.fakes.stripe.expanding import expanded
from tests.fakes.stripe.faults import Fault, Faults, Trouble
from tests.fakes.stripe.forms import decoded
from tests.fakes.stripe.idempotency import Idempotency
from tests.fakes.stripe.model import API_VERSION, ApiCall, Json, Refusal
from tests.fakes.stripe.world import Origin, World

_LOADED = (
    account_methods,
    catalogue_methods,
    checkout_methods,
    customer_methods,
    invoice_methods,
    payment_methods,
    portal_methods,
    refund_methods,
    scheduling,
    subscription_methods,
)
_OK = 200
_ERRORS: dict[Trouble, tuple[int, Json]] = {
    Trouble.RATE_LIMITED: (
        429,
        {"code": "rate_limit", "type": "invalid_request_error", "message": "Too many requests"},
    ),
    Trouble.LOCK_TIMEOUT: (429, {"code": "lock_timeout", "type": "invalid_request_error", "message": "Locked object"}),
    Trouble.UNAVAILABLE: (503, {"type": "api_error", "message": "Stripe is unavailable"}),
    Trouble.SERVER_ERROR: (500, {"type": "api_error", "message": "An unknown error occurred"}),
    Trouble.ERROR_AFTER: (500, {"type": "api_error", "message": "An unknown error occurred"}),
}
_STRUCK_BEFORE = {Trouble.LOST_REQUEST, Trouble.RATE_LIMITED, Trouble.LOCK_TIMEOUT, Trouble.UNAVAILABLE}
_STRUCK_BEFORE |= {Trouble.SERVER_ERROR, Trouble.GARBAGE}


@dataclass
class Api:
    """What ``/v1/`` answers.

    Attributes:
        calls: Every request, oldest first.
        problems: Requests that no Stripe would understand, or that the local one does not play.
        versions: The versions of the API that it speaks.
    """

    world: World
    faults: Faults
    idempotency: Idempotency = field(default_factory=Idempotency)
    calls: list[ApiCall] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    versions: frozenset[str] = frozenset({API_VERSION})

    @property
    def counts(self) -> Counter[str]:
        """How often each route was called: ``POST /v1/customers``."""
        return Counter(call.route for call in self.calls)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        call = await self._received(request)
        self.calls.append(call)
        fault = self.faults.next(call.route, call.parameters)
        if fault is not None and fault.trouble in _STRUCK_BEFORE:
            return _struck(request, call, fault)
        try:
            self._admit(request, call)
            status, body = await self._once(call, fault)
        except Refusal as refusal:
            status, body = self._refused(call, refusal)
        call.outcome, call.status = call.outcome or "ok", status
        if fault is not None and fault.trouble is Trouble.LOST_ANSWER:
            return _cut(request)
        if fault is not None:
            call.outcome = fault.trouble.value
        return _response(call, status, body)

    async def _received(self, request: web.Request) -> ApiCall:
        sent = await request.text() if request.method == "POST" else request.query_string
        parameters = decoded(parse_qsl(sent, keep_blank_values=True))
        if request.method == "DELETE" and (text := await request.text()):
            parameters |= decoded(parse_qsl(text, keep_blank_values=True))
        return ApiCall(
            method=request.method,
            path=request.path,
            parameters=parameters,
            idempotency_key=request.headers.get("Idempotency-Key", ""),
            api_version=request.headers.get("Stripe-Version", ""),
            livemode=self.world.keys.get(_key(request), False),
            request_id=self.world.next_id("req"),
            at=self.world.clock.now(),
        )

    def _admit(self, request: web.Request, call: ApiCall) -> None:
        key = _key(request)
        if not key:
            message = "You did not provide an API key. You need to provide your API key in the Authorization header."
            raise Refusal(message, status=401, executed=False)
        if key not in self.world.keys:
            message = f"Invalid API Key provided: {key[:8]}{'*' * 8}{key[-4:]}"
            raise Refusal(message, status=401, executed=False)
        if call.api_version and call.api_version not in self.versions:
            raise Refusal(f"Invalid Stripe API version: {call.api_version}", executed=False)
        account = request.headers.get("Stripe-Account", self.world.account_id)
        if account != self.world.account_id:
            message = f"The provided key does not have access to account '{account}' (or that account does not exist)."
            raise Refusal(message, "account_invalid", status=403, executed=False)

    async def _once(self, call: ApiCall, fault: Fault | None) -> tuple[int, Json]:
        """Act, or give the answer again that was given before under the same key."""
        key = call.idempotency_key if call.method == "POST" else ""
        if not key:
            return await self._acted(call, fault)
        path, now = call.path, self.world.now()
        kept = self.idempotency.begin(key, livemode=call.livemode, path=path, parameters=call.parameters, now=now)
        if kept is not None and kept.body is not None:
            call.outcome, call.request_id = "replayed", kept.request_id
            return kept.status, kept.body
        try:
            status, body = await self._acted(call, fault)
        except Refusal as refusal:
            if not refusal.executed:
                self.idempotency.forget(key, livemode=call.livemode)
                raise
            status, body = self._refused(call, refusal)
        self.idempotency.end(key, livemode=call.livemode, status=status, body=body, request_id=call.request_id)
        return status, body

    async def _acted(self, call: ApiCall, fault: Fault | None) -> tuple[int, Json]:
        self.world.catch_up()
        route, ids = find(call.method, call.path)
        given = route.read(call.parameters)
        ask = Ask(self.world, call.livemode, given, ids, call.path)
        with self.world.acting(Origin(call.request_id, call.idempotency_key)):
            answer = expanded(self.world, route.handler(ask), given["expand"])
        if fault is not None and fault.trouble is Trouble.HANGS:
            await self.faults.released.wait()
        if fault is not None and fault.trouble is Trouble.ERROR_AFTER:
            status, error = _ERRORS[fault.trouble]
            return status, {"error": copy.deepcopy(error)}
        return _OK, answer

    def _refused(self, call: ApiCall, refusal: Refusal) -> tuple[int, Json]:
        call.outcome = refusal.code or refusal.type
        if refusal.code in {"not_simulated", "parameter_unknown"} or "Unrecognized request" in refusal.message:
            self.problems.append(f"{call.route}: {refusal.message}")
        body = refusal.body()
        body["error"]["request_log_url"] = f"https://dashboard.stripe.com/test/logs/{call.request_id}"
        return refusal.status, body


def _key(request: web.Request) -> str:
    kind, _, value = request.headers.get("Authorization", "").partition(" ")
    if kind == "Basic":
        return base64.b64decode(value).decode().partition(":")[0]
    return value if kind == "Bearer" else ""


def _struck(request: web.Request, call: ApiCall, fault: Fault) -> web.StreamResponse:
    call.outcome = fault.trouble.value
    if fault.trouble is Trouble.LOST_REQUEST:
        return _cut(request)
    if fault.trouble is Trouble.GARBAGE:
        return web.Response(text="<!DOCTYPE html><html><body>Hello</body></html>", content_type="text/html")
    call.status, error = _ERRORS[fault.trouble]
    return _response(call, call.status, {"error": error})


def _cut(request: web.Request) -> web.Response:
    """End the connection; the response is for aiohttp alone."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _response(call: ApiCall, status: int, body: Json) -> web.Response:
    headers = {"Request-Id": call.request_id, "Stripe-Version": call.api_version or API_VERSION}
    if call.idempotency_key:
        headers["Idempotency-Key"] = call.idempotency_key
    if call.outcome == "replayed":
        headers["Idempotent-Replayed"] = "true"
        headers["Original-Request"] = call.request_id
    if body.get("error", {}).get("code") == "not_simulated":
        headers["Stripe-Should-Retry"] = "false"
    if body.get("error", {}).get("code") == "lock_timeout":
        headers["Stripe-Should-Retry"] = "true"
    return web.json_response(body, status=status, headers=headers)
