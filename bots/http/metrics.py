"""Metrics in Prometheus' text format, from a registry of our own: nothing global, nothing of the library's."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from core.money import MICROCREDITS_PER_CREDIT

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Figures(Protocol):
    """Sums over the installation; `storage.figures.Figures` is one."""

    @property
    def sessions(self) -> Mapping[str, int]: ...
    @property
    def turns(self) -> Mapping[str, int]: ...
    @property
    def charged_microcredits(self) -> int: ...
    @property
    def outbox(self) -> Mapping[str, int]: ...
    @property
    def reconciliation(self) -> Mapping[str, int]: ...
    @property
    def reconciled_at(self) -> float: ...


class DatabaseStats(Protocol):
    """Counters of the database; `storage.work.Stats` is one."""

    @property
    def units(self) -> int: ...
    @property
    def commits(self) -> int: ...
    @property
    def reads(self) -> int: ...
    @property
    def failed(self) -> int: ...
    @property
    def retries(self) -> int: ...


class Metrics:
    """Counts what happens in this process, and reads what the database knows when somebody asks."""

    def __init__(
        self, *, figures: Callable[[], Awaitable[Figures]], stats: Callable[[], DatabaseStats], version: str
    ) -> None:
        self._read_figures = figures
        self._read_stats = stats
        self.registry = CollectorRegistry()
        self._sessions = self._gauge("atelier_sessions", "Sessions by status.", "status")
        self._turns = self._gauge("atelier_turns", "Turns that were written and paid for, by provider.", "provider")
        self._charged = self._gauge("atelier_credits_charged", "Credits that workspaces paid.")
        self._outbox = self._gauge("atelier_outbox_posts", "Posts that are not simply sent, by state.", "state")
        self._reconciliation = self._gauge(
            "atelier_billing_reconciliation", "What the last comparison with Stripe took, repaired and left.", "kind"
        )
        self._reconciled_at = self._gauge(
            "atelier_billing_reconciled_timestamp_seconds", "When we were last compared with Stripe; 0 for never."
        )
        self._database = self._gauge("atelier_database_operations", "Work of the database in this process.", "kind")
        self._gauge("atelier_info", "The version that runs.", "version").labels(version=version).set(1)
        self._provider_errors = Counter(
            "atelier_provider_errors",
            "Calls to providers that failed, retried or not.",
            ["provider", "code"],
            registry=self.registry,
        )
        self._fallbacks = Counter(
            "atelier_provider_fallbacks",
            "Answers of another model.",
            ["from_model", "to_model"],
            registry=self.registry,
        )
        self._ended = Counter("atelier_sessions_ended", "Sessions that ended here.", ["reason"], registry=self.registry)
        self._inbound_unknown = Counter(
            "atelier_inbound_unknown", "Events that nobody asked for.", ["source", "type"], registry=self.registry
        )
        self._inbound_lost = Counter(
            "atelier_inbound_lost", "Times that a platform said it dropped events.", ["source"], registry=self.registry
        )
        self._departures = Counter(
            "atelier_departures",
            "Workspaces that the app left; token_refused: nobody said so.",
            ["source", "event"],
            registry=self.registry,
        )
        self._uncertain = Counter(
            "atelier_private_answers_uncertain",
            "Private answers of which nobody knows whether they were seen: they are given again.",
            ["source", "way"],
            registry=self.registry,
        )
        self._jobs = Counter("atelier_jobs", "Runs of scheduled jobs.", ["job", "outcome"], registry=self.registry)

    def observe(self, event: str, fields: Mapping[str, Any]) -> None:
        """Count a log event; see `bots.logs`. The log is the one place where everything already says what happens."""
        match event:
            case "model.attempt_failed":
                self._provider_errors.labels(provider=fields.get("provider", ""), code=fields.get("code", "")).inc()
            case "model.fell_back":
                self._fallbacks.labels(
                    from_model=fields.get("from_model", ""), to_model=fields.get("to_model", "")
                ).inc()
            case "session_ended":
                self._ended.labels(reason=fields.get("reason", "")).inc()
            case "slack_event_unknown":
                self._inbound_unknown.labels(source="slack", type=fields.get("type", "")).inc()
            case "slack_events_lost":
                self._inbound_lost.labels(source="slack").inc()
            case "slack_departure":
                self._departures.labels(source="slack", event=fields.get("slack_event", "")).inc()
            case "slack_answer_uncertain":
                self._uncertain.labels(source="slack", way=fields.get("way", "")).inc()
            case "job_finished" | "job_failed":
                self._jobs.labels(job=fields.get("job", ""), outcome=event.removeprefix("job_")).inc()
            case _:
                pass

    async def render(self) -> bytes:
        """Return the page that Prometheus reads."""
        figures = await self._read_figures()
        _set_all(self._sessions, "status", figures.sessions)
        _set_all(self._turns, "provider", figures.turns)
        self._charged.set(figures.charged_microcredits / MICROCREDITS_PER_CREDIT)
        # a state without posts is told as 0, so that an alert on it can be written before it happens
        _set_all(self._outbox, "state", {"intent": 0, "unknown": 0, "stale": 0, "refused": 0, **figures.outbox})
        _set_all(self._reconciliation, "kind", figures.reconciliation)
        self._reconciled_at.set(figures.reconciled_at)
        stats = self._read_stats()
        _set_all(
            self._database,
            "kind",
            {
                "units": stats.units,
                "commits": stats.commits,
                "reads": stats.reads,
                "failed": stats.failed,
                "retries": stats.retries,
            },
        )
        return generate_latest(self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)


def _set_all(gauge: Gauge, label: str, values: Mapping[str, int]) -> None:
    gauge.clear()
    for value, number in values.items():
        gauge.labels(**{label: value}).set(number)
