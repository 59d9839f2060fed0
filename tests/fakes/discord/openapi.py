"""Discord's own OpenAPI as a judge of both sides: what the client sends, and what this Discord answers."""

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, validators
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
        if not self.is_present:
            return
        operation = _operation(route)
        asked = operation.get("requestBody", {})
        content = asked.get("content", {}).get("application/json")
        if not operation:
            self._note(f"{route}: no such route")
        elif body is None:
            if asked.get("required"):
                self._note(f"{route}: needs a body")
        elif content is None:
            self._note(f"{route}: takes no body")
        else:
            self._check(f"{route} request", json.dumps(content["schema"]), _lenient(body))

    def check_answer(self, route: str, status: int, body: Any) -> None:
        """Look at what is answered, errors as well."""
        if not self.is_present:
            return
        operation = _operation(route)
        answers = operation.get("responses", {})
        answer = _resolved(answers.get(str(status)) or (answers.get("4XX") if status >= _DONE else None))
        if not operation:
            if status < _DONE:
                self._note(f"{route}: no such route")
        elif answer is None:
            self._note(f"{route}: answers no {status}")
        elif body is not None and "content" in answer:
            schema = answer["content"]["application/json"]["schema"]
            if status >= _DONE and isinstance(body, dict):
                # of a field its codes are words, such as BASE_TYPE_REQUIRED (docs); the description wants numbers
                body = {key: value for key, value in body.items() if key != "errors"}
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


def _resolved(answer: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return an answer that stands by its name among the components."""
    if answer is None or "$ref" not in answer:
        return answer
    found: Mapping[str, Any] = _spec()["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    return found


Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError]]


def _quickly(keyword: Keyword) -> Keyword:
    """Return *keyword*, which looks at alternatives, so that it leaves out those that another ``type`` rules out.

    What they say is the same: such an alternative never fits. Discord's components are seven alternatives deep in each
    other, so that this is most of the time.
    """

    def check(validator: Any, alternatives: Any, body: Any, schema: Any) -> Iterator[ValidationError]:
        fitting = [one for one in alternatives if _may_fit(one, body)]
        yield from keyword(validator, fitting or alternatives, body, schema)

    return check


def _may_fit(schema: Mapping[str, Any], body: Any) -> bool:
    if "$ref" in schema:
        schema = _component(schema["$ref"])
    if "const" in schema:
        return bool(schema["const"] == body)
    values = _kinds(schema.get("properties", {}).get("type", {}))
    return values is None or not isinstance(body, dict) or "type" not in body or body["type"] in values


def _kinds(schema: Mapping[str, Any]) -> Sequence[Any] | None:
    """Return the values that a field may have, None where any may do."""
    found: Sequence[Any] | None = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    return found


@functools.cache
def _component(name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = _spec()
    for part in name.removeprefix("#/").split("/"):
        found = found[part]
    return found


_QUICK = {name: _quickly(Draft202012Validator.VALIDATORS[name]) for name in ("oneOf", "anyOf")}
QuickValidator = validators.extend(Draft202012Validator, _QUICK)  # type: ignore[no-untyped-call]


@functools.cache
def _validator(schema: str) -> Any:
    return QuickValidator(whole(schema))


def whole(schema: str) -> dict[str, Any]:
    """Return a schema with everything that it refers to."""
    components = _spec()["components"] | {"asked": json.loads(schema)}
    return {"$ref": "#/components/asked", "components": components}


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
