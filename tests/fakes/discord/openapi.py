"""Discord's own OpenAPI as a judge of both sides: what the client sends, and what this Discord answers."""

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

_FILE = Path(__file__).parents[4] / "shared" / "oracles" / "discord-openapi.json"
_MOST = 200
_DONE = 300
_DEFERRED = 5


class OpenApi:
    """Checks bodies; without Discord's file it says nothing.

    Attributes:
        problems: What is wrong, each thing once.
        checked: How many bodies were looked at.
        is_present: Whether the file is there.
    """

    def __init__(self, *, enabled: bool = True) -> None:
        self.problems: list[str] = []
        self.checked = 0
        self.is_present = enabled and _FILE.exists()

    def check_request(self, route: str, body: Any) -> None:
        """Look at what a client sent."""
        if body is None or not self.is_present:
            return
        operation = _operation(route)
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if not operation:
            self._note(f"{route}: no such route")
        elif content is None:
            self._note(f"{route}: takes no body")
        else:
            self._check(f"{route} request", json.dumps(content["schema"]), _lenient(body))

    def check_answer(self, route: str, status: int, body: Any) -> None:
        """Look at what is answered; errors have no schema worth a look."""
        if not self.is_present or status >= _DONE:
            return
        operation = _operation(route)
        answer = operation.get("responses", {}).get(str(status))
        if not operation:
            self._note(f"{route}: no such route")
        elif answer is None:
            self._note(f"{route}: answers no {status}")
        elif body is not None and "content" in answer:
            schema = answer["content"]["application/json"]["schema"]
            self._check(f"{route} answer", json.dumps(schema), _lenient(body))

    def _check(self, where: str, schema: str, body: Any) -> None:
        self.checked += 1
        for error in _validator(schema).iter_errors(body):
            deepest = _deepest(error)
            place = "/".join(map(str, deepest.absolute_path))
            self._note(f"{where}: {place}: {deepest.message[:160]}")

    def _note(self, problem: str) -> None:
        if problem not in self.problems and len(self.problems) < _MOST:
            self.problems.append(problem)


@functools.cache
def _spec() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(_FILE.read_text())
    return read


@functools.cache
def _operation(route: str) -> dict[str, Any]:
    method, _, path = route.partition(" ")
    found: dict[str, Any] = _spec()["paths"].get(path, {}).get(method.lower(), {})
    return found


@functools.cache
def _validator(schema: str) -> Draft202012Validator:
    components = _spec()["components"] | {"asked": json.loads(schema)}
    return Draft202012Validator({"$ref": "#/components/asked", "components": components})


def _deepest(error: ValidationError) -> ValidationError:
    """Return what is wrong in the alternative that fits best."""
    while error.context:
        error = min(error.context, key=lambda one: (-len(one.absolute_path), len(one.context or ())))
    return error


_LISTS = frozenset({"users", "roles", "applied_tags"})
_SNOWFLAKES = frozenset({"id", "recipient_id", "message_id", "channel_id", "guild_id", "parent_id"})


def _lenient(body: Any) -> Any:
    """Return *body* in the words of the schema, where Discord itself takes others.

    discord.py writes some ids as numbers; the answer to a deferred answer shows the message, which the schema leaves out.
    """
    if isinstance(body, list):
        return [_lenient(one) for one in body]
    if not isinstance(body, dict):
        return body
    return {
        key: _word(key, value, body)
        for key, value in body.items()
        if not (key == "resource" and isinstance(value, dict) and value.get("type") == _DEFERRED)
    }


def _word(key: str, value: Any, around: dict[str, Any]) -> Any:
    if key in _LISTS and isinstance(value, list) and all(isinstance(one, int) for one in value):
        return [str(one) for one in value]
    return str(value) if _is_snowflake(key, value, around) else _lenient(value)


def _is_snowflake(key: str, value: Any, around: dict[str, Any]) -> bool:
    """Return whether a number is an id; a component's own number has the name ``id`` too."""
    if not isinstance(value, int) or isinstance(value, bool) or key not in _SNOWFLAKES:
        return False
    return key != "id" or not isinstance(around.get("type"), int) or "filename" in around
