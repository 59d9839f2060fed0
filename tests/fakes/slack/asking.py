"""One request to the Web API, and the register of what answers it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.slack.model import Grant, Json, Refusal
from tests.fakes.slack.world import World

_JSON_ARGUMENTS = frozenset(
    {"attachments", "blocks", "chunks", "files", "loading_messages", "metadata", "prompts", "view"}
)


@dataclass(frozen=True)
class Ask:
    """Who asks for what.

    Attributes:
        grant: The token; of no workspace for `oauth.v2.access` alone.
        arguments: Query, form and JSON in one, decoded.
    """

    world: World
    grant: Grant
    arguments: Json

    def need(self, name: str) -> str:
        """Return a text argument.

        Raises:
            Refusal: ``invalid_arguments`` when it is missing.
        """
        value = self.arguments.get(name)
        if value in {None, ""}:
            messages = [f"[ERROR] missing required field: {name}"]
            raise Refusal("invalid_arguments", response_metadata={"messages": messages})
        return str(value)

    def text(self, name: str) -> str:
        """Return a text argument, empty when it is missing."""
        value = self.arguments.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Return a truth value, in any of the ways in which SDKs write it."""
        return str(self.arguments.get(name, "")).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """Return a number.

        Raises:
            Refusal: ``invalid_arguments`` when it is none.
        """
        value = self.arguments.get(name)
        if value in {None, ""}:
            return default
        try:
            return int(str(value))
        except ValueError:
            raise Refusal("invalid_arguments") from None


Handler = Callable[[Ask], Json]
HANDLERS: dict[str, Handler] = {}


def answers(method: str) -> Callable[[Handler], Handler]:
    """Register what answers *method*."""

    def register(handler: Handler) -> Handler:
        HANDLERS[method] = handler
        return handler

    return register


def decoded(given: Mapping[str, Any]) -> Json:
    """Return arguments with the JSON inside of forms and query strings read.

    Raises:
        Refusal: ``invalid_arguments``, or ``invalid_blocks_format`` for blocks.
    """
    found: Json = {}
    for name, value in given.items():
        if name in _JSON_ARGUMENTS and isinstance(value, str) and value:
            try:
                found[name] = json.loads(value)
            except ValueError:
                raise Refusal("invalid_blocks_format" if name == "blocks" else "invalid_arguments") from None
        else:
            found[name] = value
    return found
