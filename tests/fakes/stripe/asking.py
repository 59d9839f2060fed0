"""One request to the API, and the register of what answers it."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.stripe.lists import page
from tests.fakes.stripe.model import Json, Refusal, not_simulated
from tests.fakes.stripe.spec import parameters, read
from tests.fakes.stripe.world import World

LIST = "limit starting_after ending_before created"


@dataclass(frozen=True)
class Ask:
    """What is asked for.

    Attributes:
        given: The parameters, checked and typed.
        path: The parts of the path that are ids.
    """

    world: World
    livemode: bool
    given: Json
    path: dict[str, str] = field(default_factory=dict)
    url: str = ""

    @property
    def id(self) -> str:
        """The id in the path."""
        return self.path["id"]

    def the(self, kind: str, name: str = "id") -> Json:
        """Return the object that the path names."""
        return self.world.get(kind, self.path[name], livemode=self.livemode)

    def named(self, kind: str, name: str) -> Json:
        """Return the object that a parameter names."""
        return self.world.get(kind, self.given[name], livemode=self.livemode, param=name)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter; what unsets it counts as not there."""
        value = self.given.get(name, default)
        return default if value == "" else value

    def listed(self, found: Iterable[Json]) -> Json:
        """Return one page of objects given oldest first."""
        return page(found, self.given, self.url)


Handler = Callable[[Ask], Json]


@dataclass(frozen=True)
class Route:
    """What answers one kind of request."""

    method: str
    pattern: re.Pattern[str]
    kind: type
    takes: frozenset[str]
    handler: Handler

    def read(self, given: Json) -> Json:
        """Return checked parameters without ``expand``.

        Raises:
            Refusal: As the API does, or because the local Stripe does not play a parameter.
        """
        found = read(self.kind, given)
        expected = found.pop("expand", None) or []
        for name, value in found.items():
            self._check_played(name, value)
        return {**found, "expand": expected}

    def _check_played(self, name: str, value: Any) -> None:
        if name in self.takes:
            return
        inner = {path.partition(".")[2] for path in self.takes if path.startswith(f"{name}.")}
        items = value if isinstance(value, list) else [value]
        keys = {key for item in items for key in (item if isinstance(item, dict) else {"": ""})}
        if unplayed := sorted(keys - inner):
            raise not_simulated(f"the parameter {name}[{unplayed[0]}]" if inner else f"the parameter {name}")


ROUTES: list[Route] = []


def answers(route: str, kind: type, takes: str = "") -> Callable[[Handler], Handler]:
    """Register what answers *route*, ``POST /v1/customers/{id}``.

    Args:
        route: Method and path.
        kind: The SDK's type of its parameters.
        takes: Those that are played, as words; ``a.b`` for ``a[b]`` alone. The rest is refused loudly.
    """
    method, _, path = route.partition(" ")
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
    if unknown := {name.partition(".")[0] for name in takes.split()} - set(parameters(kind)):
        raise TypeError(f"{route} never had {', '.join(sorted(unknown))}")

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method, pattern, kind, frozenset(takes.split()), handler))
        return handler

    return register


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request and the ids in its path.

    Raises:
        Refusal: 404 when nothing answers there.
    """
    found = [
        (route, match.groupdict())
        for route in ROUTES
        if route.method == method and (match := route.pattern.fullmatch(path)) is not None
    ]
    if found:
        return min(found, key=lambda one: len(one[1]))  # `create_preview` is no id of an invoice
    message = f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs"
    raise Refusal(message, status=404, executed=False)
