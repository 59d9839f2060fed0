"""The Web API's front door: arguments, faults, tokens, scopes, tiers, and the log of it all."""

import asyncio
import base64
import inspect
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import (
    chat_methods,
    conversation_methods,
    file_methods,
    oauth_methods,
    sockets,
    stream_methods,
    view_methods,
    who_methods,
)
from tests.fakes.slack.asking import HANDLERS, Ask, decoded
from tests.fakes.slack.faults import Fault, Faults, Trouble
from tests.fakes.slack.limits import RULES, Rule
from tests.fakes.slack.model import ApiCall, Grant, Json, Kind, Outgoing, Refusal
from tests.fakes.slack.rates import Rates
from tests.fakes.slack.wire import cut, troubled
from tests.fakes.slack.world import World

_LOADED = (
    chat_methods,
    conversation_methods,
    file_methods,
    oauth_methods,
    sockets,
    stream_methods,
    view_methods,
    who_methods,
)
_ALWAYS = frozenset({"token", "team_id"})
_SPEAKING = ("chat.", "views.", "files.complete", "assistant.", "agents.")
_NOBODY = Grant("", "none", "", "", "", "", "", frozenset())


@dataclass
class WebApi:
    """What ``/api/`` answers.

    Attributes:
        calls: Every request, oldest first.
        outgoing: Everything that was to be shown to people, whether Slack took it or not.
        problems: Requests that no Slack would understand: unknown methods and arguments.
        news: Set at the next request that was answered.
    """

    world: World
    rates: Rates
    faults: Faults
    calls: list[ApiCall] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def ring(self) -> None:
        """Wake those who wait for something to happen."""
        self.news.set()
        self.news = asyncio.Event()

    def count(self, method: str = "") -> int:
        """Return how often a method was called, or all of them."""
        return sum(method in {"", call.method} for call in self.calls)

    @property
    def counts(self) -> Counter[str]:
        """How often each method was called."""
        return Counter(call.method for call in self.calls)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        method = request.match_info["method"]
        try:
            arguments = await _arguments(request)
        except Refusal as refusal:
            return _refused(refusal)
        token = _token(request, arguments)
        grant = self.world.grants.get(token, _NOBODY)
        call = ApiCall(method, arguments, token, grant.owner, self.world.clock.now())
        self.calls.append(call)
        fault = self.faults.next(method, arguments)
        if fault is not None:
            call.outcome = fault.trouble.value
            if (early := troubled(request, fault)) is not None:
                return early
        response = self._answered(method, call, grant, fault)
        self.ring()
        if fault is not None and fault.trouble is Trouble.HANGS:
            await self.faults.released.wait()
        if fault is not None and fault.trouble is Trouble.ERROR_AFTER:
            return web.Response(status=500, text="internal error")
        return cut(request) if fault is not None and fault.trouble is Trouble.LOST_ANSWER else response

    def _answered(self, method: str, call: ApiCall, grant: Grant, fault: Fault | None) -> web.Response:
        ask = Ask(self.world, grant, call.arguments)
        if method.startswith(_SPEAKING):
            self.outgoing.append(Outgoing(method, call.arguments, grant.owner, call.at))
        try:
            rule = self._rule(method, ask, fault)
            if wait := self.rates.wait_for(method, grant.owner, ask.text("channel")):
                call.outcome = "ratelimited"
                return limited(wait)
            self._check_arguments(method, rule, call.arguments)
            answer = HANDLERS[method](ask)
        except Refusal as refusal:
            call.outcome = refusal.error
            return _refused(refusal)
        headers = {"X-OAuth-Scopes": ",".join(sorted(grant.scopes)), "X-Accepted-OAuth-Scopes": ",".join(rule.scopes)}
        return web.json_response({"ok": True, **answer}, headers=headers)

    def _rule(self, method: str, ask: Ask, fault: Fault | None) -> Rule:
        if fault is not None and fault.trouble is Trouble.REFUSED:
            raise Refusal(fault.error)
        rule = RULES.get(method)
        if rule is None:
            self.problems.append(f"unknown method {method}")
            raise Refusal("unknown_method", req_method=method)
        if "none" in rule.token:
            return rule
        check_token(self.world, ask.grant, is_given=bool(ask.arguments.get("token")))
        if ask.grant.kind not in rule.token:
            raise Refusal("not_allowed_token_type")
        wanted = _scopes(rule, ask)
        if wanted and not wanted & ask.grant.scopes:
            raise Refusal("missing_scope", needed=",".join(sorted(wanted)), provided=",".join(sorted(ask.grant.scopes)))
        return rule

    def _check_arguments(self, method: str, rule: Rule, arguments: Json) -> None:
        sdk = getattr(AsyncWebClient, method.replace(".", "_"))
        known = set(inspect.signature(sdk).parameters) | rule.extra | _ALWAYS
        unknown = sorted(set(arguments) - known)
        if unknown and method != "api.test":
            self.problems.append(f"{method}: unknown arguments {', '.join(unknown)}")
            messages = [f"[ERROR] unknown argument: {name}" for name in unknown]
            raise Refusal("invalid_arguments", response_metadata={"messages": messages})


def check_token(world: World, grant: Grant, *, is_given: bool) -> None:
    """Return if a token may act.

    Raises:
        Refusal: ``not_authed``, ``invalid_auth``, ``account_inactive``, ``token_revoked``, ``token_expired``.
    """
    if grant is _NOBODY:
        raise Refusal("invalid_auth" if is_given else "not_authed")
    if grant.is_uninstalled:
        raise Refusal("account_inactive")
    if grant.is_revoked:
        raise Refusal("token_revoked")
    if grant.expires_at is not None and world.now() >= grant.expires_at:
        raise Refusal("token_expired")


def limited(seconds: int) -> web.Response:
    """Return a 429."""
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": str(seconds)})


def _scopes(rule: Rule, ask: Ask) -> set[str]:
    if not any("{kind}" in scope for scope in rule.scopes):
        return set(rule.scopes)
    channel = ask.world.channels.get(ask.text("channel"))
    kinds = [channel.kind] if channel is not None else list(Kind)
    return {scope.format(kind=kind.value) for scope in rule.scopes for kind in kinds}


async def _arguments(request: web.Request) -> Json:
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        body = await request.text()
        try:
            read = json.loads(body) if body else {}
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(read, dict):
            raise Refusal("json_not_object")
        given |= read
    elif request.body_exists:
        given |= dict(await request.post())
    return decoded(given)


def _token(request: web.Request, arguments: Json) -> str:
    """Return the token and leave it among the arguments only as a sign that there was one."""
    token = str(arguments.pop("token", ""))
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer":
        token = rest
    elif scheme == "Basic":
        name, _, secret = base64.b64decode(rest).decode().partition(":")
        arguments |= {"client_id": name, "client_secret": secret}
    if token:
        arguments["token"] = "given"
    return token


def _refused(refusal: Refusal) -> web.Response:
    return web.json_response({"ok": False, "error": refusal.error, **refusal.more})
