"""Whole sessions through the whole durable path: engine, credits, turns, notes, versions, outbox, a watched chat port.

``python -m benchmarks.sessions --sessions N --rounds 3 --editors 3 --base-url URL --database URL [--bare] [--json]``

Without ``--base-url`` a mock provider runs in a process of its own (``--ttft-ms``, ``--tps``). With ``--bare`` the
reference runs too, alternating with Atelier in fresh processes: the plain OpenAI SDK loop with one commit a turn and
nothing else. A session begins with a brief, so it has rounds x (editors + 2) turns.
"""

import argparse
import asyncio
import contextlib
import json
import os
import sqlite3
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.cost_session import WINDOW
from benchmarks.harness import (
    Measurement,
    Table,
    measure,
    medians,
    mock_provider,
    run_fresh,
    show,
    used_by_children,
)
from benchmarks.mock_replies import prose
from core.agents.context import Material, Tail, build_prompt
from core.agents.schemas import reply_schema
from core.casts.catalogue import load_cast
from core.casts.editors import with_editors
from core.documents.align import document_from_markdown
from core.orchestration.ports import Content, Part, PostKind, Progress
from core.sessions.model import LIVE, Session, Status, ThreadRef
from core.sessions.ports import Transaction

MODEL = "gpt-5.4-mini"  # has a price, so that holds, charges and entries are written; its cache needs no editor to lead
WORKSPACE = "bench:all"
MEMBER = f"{WORKSPACE}/ann"
_EXPORTER = "export_child.py"  # the one process besides this one that works for the sessions
_PAIRS = 5
_WARM_SESSIONS = 2  # together, so that both processes that write files have started
_DOCUMENT_WORDS = 1_000
_GRANT_MICROCREDITS = 10**15
_BRIEF = "Write a text of about 1,000 words on queues and budgets for engineers who run services."
_KEYS = (
    "sessions",
    "turns",
    "cpu_ms_turn",
    "wall_seconds",
    "wall_over_bound",
    "lag_p99_ms",
    "rss_peak_mb",
    "threads",
    "connections",
)


class WatchedChat:
    """A chat port that takes everything, at no cost: what is measured is Atelier, not a platform."""

    platform = "bench"

    def __init__(self) -> None:
        self.updates = 0
        self.posts = 0
        self._receipts = 0
        self._awaited = 0
        self._all_there = asyncio.Event()

    def expect(self, receipts: int) -> None:
        """Begin to count: `ended` returns after *receipts* more."""
        self._receipts, self._awaited = 0, receipts
        self._all_there.clear()

    async def ended(self) -> None:
        """Return when every receipt was posted: asking the database instead would be measured as Atelier's work."""
        await self._all_there.wait()

    def render(self, content: Content) -> Sequence[Part]:
        return (Part(text=content.kind.value),)

    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        self.posts += 1
        return replace(session.thread, thread=key, card=key)

    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        self.posts += 1
        if part.text == PostKind.RECEIPT.value:
            self._receipts += 1
            if self._receipts == self._awaited:
                self._all_there.set()
        return key

    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        return post_id

    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        return None

    def progress(self, update: Progress) -> None:
        self.updates += 1


async def run_atelier(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the sessions through Atelier and return the report."""
    from bots.bootstrap import Choices, Parts, open_parts
    from bots.bootstrap.heap import settle_heap, share_arena
    from bots.logs import configure_logging
    from bots.settings import Settings
    from core.credits.model import LotKind
    from core.sessions.requests import NewSession
    from core.workspaces.model import Member, Workspace

    share_arena()
    configure_logging(level="ERROR")
    database = options.database or f"sqlite+aiosqlite:///{folder}/atelier.db"
    await _bring_up_to_date(database)
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it, its plugin does not say so
        database_url=SecretStr(database),
        files_url=f"file://{folder}/files",
        openai_base_url=options.base_url,
        openai_api_key=SecretStr("none"),
        default_model=MODEL,
    )
    chat = WatchedChat()
    choices = Choices(runs_sessions=True, exports_apart=True, checks_balance=True)
    async with open_parts(settings, chats={"bench": chat}, choices=choices) as parts:
        now = datetime.now(UTC)  # noqa: TID251 - a benchmark

        def found(tx: Transaction) -> None:
            tx.workspaces.save(Workspace(WORKSPACE, "bench", "Bench", now, tier="unlimited"))
            tx.workspaces.save_member(Member(MEMBER, WORKSPACE, "ann", "Ann", now))
            parts.ledger.grant(
                tx.credits,
                workspace_id=WORKSPACE,
                kind=LotKind.PACK,
                amount_microcredits=_GRANT_MICROCREDITS,
                source_key=f"bench-{now.isoformat()}",
                actor="bench",
            )

        await parts.database.write(found)
        request = NewSession(
            WORKSPACE,
            MEMBER,
            ThreadRef("bench", "c"),
            brief=_BRIEF,
            editors=options.editors,
            rounds=options.rounds,
            threshold=10.0,
        )

        async def play(parts: Parts, count: int) -> list[Session]:
            chat.expect(count)
            drafts = await asyncio.gather(*(parts.sessions.create(request) for _ in range(count)))
            await asyncio.gather(*(parts.sessions.start(draft.id, actor=MEMBER) for draft in drafts))
            await chat.ended()
            while await parts.database.read(_count_live):  # noqa: ASYNC110 - the sessions run in the engine's tasks
                await asyncio.sleep(0.05)
            return [await parts.sessions.get(draft.id) for draft in drafts]

        await play(parts, _WARM_SESSIONS)
        settle_heap()
        provider, exported = _provider_seconds(options), used_by_children(_EXPORTER).cpu_seconds
        async with measure() as taken:
            ended = await play(parts, options.sessions)
        provider = _provider_seconds(options) - provider
        exporter = used_by_children(_EXPORTER)
        taken.cpu_by_thread["exporter, a process"] = exporter.cpu_seconds - exported
        taken.cpu_seconds += exporter.cpu_seconds - exported
        failed = [session for session in ended if session.status is not Status.COMPLETED]
        if failed:
            raise RuntimeError(
                f"{len(failed)} sessions did not complete: {failed[0].end_reason} {failed[0].failure_code}"
            )
        differences = await parts.database.read(lambda tx: parts.ledger.check(tx.credits, WORKSPACE))
        if differences:
            raise RuntimeError(f"the ledger is not exact: {differences[0]}")
        turns = await parts.database.read(lambda tx: sum(len(tx.sessions.list_turns(session.id)) for session in ended))
    return _report(options, taken, turns) | {
        "posts": chat.posts,
        "updates": chat.updates,
        "exporter_rss_mb": round(exporter.rss_mb),
        "provider_cpu_ms_turn": round(provider * 1000 / turns, 2),
    }


async def _bring_up_to_date(database: str) -> None:
    """Migrate *database* as operators do, in a process that ends before the worker starts."""
    command = (sys.executable, "-m", "admin_cli", "db", "upgrade")
    environment = {**os.environ, "DATABASE_URL": database}  # noqa: TID251 - a benchmark
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise RuntimeError("the database could not be brought up to date")


def _count_live(tx: Transaction) -> int:
    return tx.sessions.count(WORKSPACE, statuses=sorted(LIVE))


async def run_bare(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Run the same calls through the plain SDK, with one commit a turn, and return the report."""
    from openai import AsyncOpenAI

    cast = with_editors(load_cast("standard"), options.editors)
    document = document_from_markdown(prose(_DOCUMENT_WORDS))
    material = Material(_BRIEF)
    schema = {"type": "json_schema", "json_schema": {"name": "reply", "schema": reply_schema(), "strict": True}}

    def messages(role_key: str, task: str, *, has_document: bool = True) -> list[dict[str, str]]:
        evaluations = (("Editor", 5.0, "As asked."),) if task == "synthesize" else ()
        prompt = build_prompt(
            role=cast.role(role_key),
            material=material,
            document=document if has_document else None,
            version=1,
            tail=Tail(task, evaluations=evaluations),
            window=WINDOW,
        )
        text = "".join(segment.text for segment in prompt.segments)
        return [{"role": "system", "content": prompt.system}, {"role": "user", "content": text}]

    client = AsyncOpenAI(base_url=options.base_url, api_key="none", max_retries=0)
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE turn (id INTEGER PRIMARY KEY, role TEXT, text TEXT)")

    async def call(role_key: str, content: list[dict[str, str]], *, as_json: bool = True) -> None:
        body: dict[str, Any] = {"messages": content, "stream_options": {"include_usage": True}}
        if as_json:
            body["response_format"] = schema
        stream = await client.chat.completions.create(model=MODEL, stream=True, **body)
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        connection.execute("INSERT INTO turn (role, text) VALUES (?, ?)", (role_key, "".join(pieces)))

    drafting = messages(cast.writer.key, "draft", has_document=False)
    revising = messages(cast.writer.key, "revise")
    editing = {role.key: messages(role.key, "edit") for role in cast.editors}
    leading = messages(cast.synthesizer.key, "synthesize")

    async def session() -> None:
        for number in range(options.rounds):
            await call(cast.writer.key, revising if number else drafting, as_json=bool(number))
            await asyncio.gather(*(call(key, content) for key, content in editing.items()))
            await call(cast.synthesizer.key, leading)

    await asyncio.gather(*(session() for _ in range(_WARM_SESSIONS)))
    async with measure() as taken:
        await asyncio.gather(*(session() for _ in range(options.sessions)))
    await client.close()
    connection.close()
    return _report(options, taken, options.sessions * options.rounds * (options.editors + 2))


def _report(options: argparse.Namespace, taken: Measurement, turns: int) -> dict[str, Any]:
    bound = _bound(options)
    return {
        "sessions": options.sessions,
        "turns": turns,
        "cpu_ms_turn": round(taken.cpu_ms_a(turns), 2),
        "wall_seconds": round(taken.wall_seconds, 2),
        "wall_over_bound": round(taken.wall_seconds / bound, 3) if bound else None,
        "lag_p99_ms": round(taken.lag_p99_ms, 1),
        "rss_peak_mb": round(taken.rss_peak_mb),
        "threads": taken.threads,
        "connections": options.sessions * options.editors,
        "cpu_ms_turn_by_thread": _shares(taken, turns),
    }


def _shares(taken: Measurement, turns: int) -> dict[str, float]:
    """Return CPU milliseconds a turn by thread, the largest first."""
    shares = {name: round(seconds * 1000 / turns, 2) for name, seconds in taken.cpu_by_thread.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def _bound(options: argparse.Namespace) -> float:
    """Return the least time a session can take at the provider's pace; 0.0 where the server does not say."""
    return _told(options, f"bound?rounds={options.rounds}&editors={options.editors}", "bound_seconds")


def _provider_seconds(options: argparse.Namespace) -> float:
    """Return the CPU seconds that the mock provider has used so far; 0.0 where the server does not say."""
    return _told(options, "stats", "cpu_seconds")


def _told(options: argparse.Namespace, path: str, key: str) -> float:
    """Return one of the numbers that `benchmarks.mock_server` tells besides its replies, 0.0 from another server."""
    root = options.base_url.rstrip("/").removesuffix("/v1")
    url = f"{root}/{path}"
    opened = urllib.request.urlopen
    with contextlib.suppress(OSError, ValueError, KeyError), opened(url, timeout=5) as answer:
        return float(json.load(answer)[key])
    return 0.0


def _run(coroutine: Any) -> dict[str, Any]:
    import uvloop

    report: dict[str, Any] = uvloop.run(coroutine)
    return report


@contextlib.contextmanager
def _provider(options: argparse.Namespace) -> Iterator[str]:
    if options.base_url:
        yield options.base_url
    else:
        with mock_provider(ttft_ms=options.ttft_ms, tps=options.tps) as url:
            yield url


def _compare(options: argparse.Namespace) -> dict[str, Any]:
    """Run both, alternating in fresh processes, and return the medians and the ratio."""
    shared = [
        *("--sessions", str(options.sessions), "--rounds", str(options.rounds), "--editors", str(options.editors)),
        *("--base-url", options.base_url),
    ]
    own = ["--database", options.database] if options.database else []
    ours: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    for _ in range(_PAIRS):
        theirs.append(run_fresh("benchmarks.sessions", *shared, "--only", "bare"))
        ours.append(run_fresh("benchmarks.sessions", *shared, *own, "--only", "atelier"))
    ratios = [mine["cpu_ms_turn"] / bare["cpu_ms_turn"] for mine, bare in zip(ours, theirs, strict=True)]
    report = medians(ours)
    return report | {
        "bare": medians(theirs),
        "cpu_over_bare": round(sorted(ratios)[len(ratios) // 2], 3),
        "cpu_over_bare_all": [round(ratio, 3) for ratio in ratios],
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--editors", type=int, default=3)
    parser.add_argument("--base-url", default="", help="an OpenAI-compatible server; none: a mock in its own process")
    parser.add_argument("--database", default="", help="none: SQLite in a temporary folder")
    parser.add_argument("--ttft-ms", type=float, default=0.0)
    parser.add_argument("--tps", type=float, default=0.0)
    parser.add_argument("--bare", action="store_true", help="also run the reference, alternating")
    parser.add_argument("--only", choices=("atelier", "bare"), default="atelier", help="what this process runs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with _provider(options) as base_url, tempfile.TemporaryDirectory(prefix="atl-bench-") as name:
        options.base_url = base_url
        if options.bare:
            report = _compare(options)
        else:
            run = run_bare if options.only == "bare" else run_atelier
            report = _run(run(options, Path(name)))
    table = Table(("", *_KEYS)).with_row(options.only, *(report.get(key) for key in _KEYS))
    if options.bare:
        table = table.with_row("bare", *(report["bare"].get(key) for key in _KEYS))
        table = table.with_row("cpu / bare", "", "", report["cpu_over_bare"], *([""] * (len(_KEYS) - 3)))
    show(table, report, as_json=options.json)


if __name__ == "__main__":
    main()
