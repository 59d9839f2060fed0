"""Health, readiness and metrics, over a real socket."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bots.http.app import HttpServer, make_app
from bots.http.health import Health
from bots.http.metrics import Metrics
from core.clock import SystemClock
from core.errors import TransientError

pytestmark = pytest.mark.loopback


@dataclass
class Figures:
    sessions: Mapping[str, int] = field(default_factory=lambda: {"running": 2})
    turns: Mapping[str, int] = field(default_factory=lambda: {"openai": 12})
    charged_microcredits: int = 2_500_000
    outbox: Mapping[str, int] = field(default_factory=lambda: {"unknown": 1})
    reconciliation: Mapping[str, int] = field(default_factory=lambda: {"repaired": 2, "remaining": 1})
    reconciled_at: float = 1_800_000_000.0


@dataclass
class Stats:
    units: int = 7
    commits: int = 3
    reads: int = 5
    failed: int = 0
    retries: int = 0


class Parts:
    """The parts of a process, which can fall ill."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.figures = Figures()
        self.metrics = Metrics(figures=self._figures, stats=Stats, version="0.1.0")
        self.health = Health(
            {"database": self._probe, "engine": self._fine}, last_inbound=self._inbound, clock=SystemClock()
        )

    async def _figures(self) -> Figures:
        return self.figures

    async def _fine(self) -> None:
        return None

    async def _probe(self) -> None:
        if self.error is not None:
            raise self.error

    async def _inbound(self) -> Mapping[str, datetime]:
        return {"slack": SystemClock().now().astimezone(UTC) - timedelta(seconds=90)}


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
async def base(parts: Parts) -> AsyncIterator[str]:
    server = HttpServer(make_app(parts.health, parts.metrics), host="127.0.0.1", port=0)
    port = await server.start()
    yield f"http://127.0.0.1:{port}"
    await server.aclose()


async def test_the_process_is_healthy_even_when_its_parts_are_not(base: str, parts: Parts) -> None:
    """/healthz says that the process answers: an ill database must not make anybody restart it."""
    parts.error = TransientError("gone")
    async with aiohttp.ClientSession() as client, client.get(f"{base}/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})


async def test_ready_with_the_age_of_the_last_event(base: str) -> None:
    """/readyz is 200 when every part is well, and tells how long ago each source sent something."""
    async with aiohttp.ClientSession() as client, client.get(f"{base}/readyz") as answer:
        body = await answer.json()
    assert answer.status == 200
    assert body["checks"] == {"database": "ok", "engine": "ok"}
    assert body["inbound_age_seconds"]["slack"] == pytest.approx(90, abs=10)


@pytest.mark.parametrize("error", [TransientError("gone"), OSError("refused")])
async def test_not_ready_names_the_part(base: str, parts: Parts, error: Exception) -> None:
    """/readyz is 503 and names the part that is not well, and nothing secret of it."""
    parts.error = error
    async with aiohttp.ClientSession() as client, client.get(f"{base}/readyz") as answer:
        body = await answer.json()
    assert answer.status == 503
    assert body["checks"] == {"database": type(error).__name__, "engine": "ok"}


async def test_metrics_tell_what_is_and_what_happened(base: str, parts: Parts) -> None:
    """Figures come from the database, counters from the log's events; nothing else is in the registry."""
    parts.metrics.observe("model.attempt_failed", {"provider": "openai", "code": "provider_overloaded"})
    parts.metrics.observe("session_ended", {"reason": "threshold"})
    parts.metrics.observe("slack_answer_uncertain", {"way": "response_url"})
    parts.metrics.observe("slack_departure", {"slack_event": "token_refused", "tenant": "T1"})
    parts.metrics.observe("never heard of", {})
    async with aiohttp.ClientSession() as client, client.get(f"{base}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        lines = (await answer.text()).splitlines()
    assert 'atelier_sessions{status="running"} 2.0' in lines
    assert 'atelier_turns{provider="openai"} 12.0' in lines
    assert "atelier_credits_charged 2.5" in lines
    assert 'atelier_outbox_posts{state="unknown"} 1.0' in lines
    assert 'atelier_outbox_posts{state="refused"} 0.0' in lines
    assert 'atelier_database_operations{kind="commits"} 3.0' in lines
    assert 'atelier_provider_errors_total{code="provider_overloaded",provider="openai"} 1.0' in lines
    assert 'atelier_sessions_ended_total{reason="threshold"} 1.0' in lines
    assert 'atelier_private_answers_uncertain_total{source="slack",way="response_url"} 1.0' in lines
    assert 'atelier_departures_total{event="token_refused",source="slack"} 1.0' in lines
    assert all(line.startswith(("#", "atelier_")) for line in lines if line)


async def test_a_status_that_is_gone_is_not_told_for_ever(base: str, parts: Parts) -> None:
    """A gauge of a status without sessions disappears."""
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{base}/metrics") as answer:
            assert 'status="running"' in await answer.text()
        parts.figures = Figures(sessions={})
        async with client.get(f"{base}/metrics") as answer:
            assert 'status="running"' not in await answer.text()
