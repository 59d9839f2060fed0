"""Whether this process can do its work."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.clock import Clock
from core.errors import AtelierError

Probe = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the probes found.

    Attributes:
        checks: ``ok`` or what is wrong, by name.
        inbound_age_seconds: How long ago the last event came in, by source; a source that never sent is left out.
    """

    checks: Mapping[str, str] = field(default_factory=dict)
    inbound_age_seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether every probe is content; the age of events is told, not judged: a quiet night is no fault."""
        return all(outcome == "ok" for outcome in self.checks.values())


class Health:
    """Asks the parts of this process for a sign of life.

    Args:
        probes: Raise when their part is not well.
        last_inbound: Returns when the last event of each source came in.
    """

    def __init__(
        self,
        probes: Mapping[str, Probe],
        *,
        last_inbound: Callable[[], Awaitable[Mapping[str, datetime]]],
        clock: Clock,
    ) -> None:
        self._probes = dict(probes)
        self._last_inbound = last_inbound
        self._clock = clock

    async def check(self) -> Readiness:
        """Return what every probe says; a probe that fails never hides the others."""
        checks = {name: await self._outcome(probe) for name, probe in self._probes.items()}
        ages: dict[str, float] = {}
        if all(outcome == "ok" for outcome in checks.values()):
            now = self._clock.now()
            inbound = await self._last_inbound()
            ages = {source: max(0.0, (now - at).total_seconds()) for source, at in inbound.items()}
        return Readiness(checks, ages)

    async def _outcome(self, probe: Probe) -> str:
        try:
            await probe()
        except AtelierError as error:
            return type(error).__name__
        except Exception as error:  # noqa: BLE001 - the edge: whatever a driver raises means "not well"
            return type(error).__name__
        return "ok"
