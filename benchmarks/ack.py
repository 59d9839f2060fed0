"""Slash command in, acknowledgement out: what it costs, and how long it takes under a steady load.

``python -m benchmarks.ack [--requests N] [--seconds N] [--database URL] [--json]``

Two servers, each in a process of its own with the same settings: ours, as it is built for `atelier serve` (signature
checked, the installation's encrypted token looked up, decoded, committed to the inbox, acknowledged), and a bare slack_bolt
app that checks the signature and acknowledges. A small local server answers both as Slack does.

- *cpu / bare*: CPU of the server's process for each `/atelier new BRIEF`, ours over bare, in pairs one after the other.
  What happens after the acknowledgement (working the request off) is held back here: it is not part of it.
- *p99*: at 100 commands a second in an open loop, counted from the moment at which each was due, so that a server that
  stalls is charged for everybody who waits. Once more with every fourth `/atelier new` alone: what its form needs is read, it
  is drawn and opened at Slack, all of it after the acknowledgement and in the same process; *forms* counts those that
  opened. Bare Bolt's p99 under the same load says how busy the machine is.
"""

import argparse
import asyncio
import contextlib
import itertools
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import psutil
import structlog
from aiohttp import web
from pydantic import SecretStr
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_sdk.oauth.installation_store.models.installation import Installation
from slack_sdk.signature import SignatureVerifier

from benchmarks.harness import Table, percentile, show
from bots.bootstrap import Choices, open_parts
from bots.desk.inbox import Inbox
from bots.desk.requests import Request
from bots.settings import Settings
from bots.slack.clients import open_session, web_client
from bots.slack.http import EVENTS_PATH, slack_routes
from bots.slack.installations import SlackInstallations
from storage.secrets import SecretBox, generate_key

RATIO_GOAL = 4.0
P99_GOAL_MS = 150.0
RATE = 100
_SECRET = "signing-secret"  # noqa: S105 - of nobody's app
_TOKEN = "xoxb-bench"  # noqa: S105 - the same
_TEAM = "T0BENCH"
_REPOSITORY = Path(__file__).resolve().parent.parent
_AT_ONCE = 8
_WARM_UP = 50
_PAIRS = 3
_FORM_EVERY = 4
_LAST_FORM_SECONDS = 0.5
_OURS, _BARE = "ours", "bare"


@contextlib.asynccontextmanager
async def _ours(options: argparse.Namespace, slack: str) -> AsyncIterator[list[web.RouteDef]]:
    """Give the routes of the whole program, with one workspace that installed the app."""
    key = generate_key()
    settings = Settings(
        database_url=SecretStr(options.database),
        public_url="https://atelier.invalid",
        secret_keys=(SecretStr(key),),
        slack_client_id="1.2",
        slack_client_secret=SecretStr("client-secret"),
        slack_signing_secret=SecretStr(_SECRET),
        slack_api_url=slack.removesuffix("/"),
    )
    async with open_parts(settings, choices=Choices(reaches_platforms=True)) as parts:
        installations = SlackInstallations(parts.database, SecretBox([key]), parts.clock)
        await installations.async_save(
            Installation(
                app_id="A0BENCH", team_id=_TEAM, user_id="U0ADA", bot_token=_TOKEN, bot_id="B0", bot_user_id="U0BOT"
            )
        )
        desk = parts.platforms.desk
        if desk is None:
            raise RuntimeError("the program has no desk")
        desk.inbox = Inbox(store=parts.database, handle=_held if options.holds else _dropped, clock=parts.clock)
        yield parts.platforms.routes()
        await desk.inbox.aclose()


async def _held(_: Request) -> None:
    """Work nothing off: what follows an acknowledgement is not measured."""
    await asyncio.Event().wait()


async def _dropped(_: Request) -> None:
    """Work everything off at once: the room behind the desk has a benchmark of its own."""


@contextlib.asynccontextmanager
async def _bare(options: argparse.Namespace, slack: str) -> AsyncIterator[list[web.RouteDef]]:
    """Give the route of an app that does nothing but acknowledge."""

    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=enterprise_id, team_id=team_id, bot_token=_TOKEN, bot_id="B0", bot_user_id="U0BOT"
        )

    async def listener(ack: AsyncAck) -> None:
        await ack("Reading new, price follows.")

    quiet = logging.getLogger("bare")
    quiet.setLevel(logging.WARNING)
    async with open_session() as http:
        app = AsyncApp(
            logger=quiet,
            client=web_client(http, base_url=slack),
            signing_secret=_SECRET,
            authorize=authorize,
            process_before_response=True,
        )
        app.command("/atelier")(listener)
        yield slack_routes(app)


async def _serve(options: argparse.Namespace) -> None:
    """Serve until standard input ends; print the port."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    routes = web.RouteTableDef()

    forms = itertools.count()

    @routes.post("/api/auth.test")
    async def auth_test(_: web.Request) -> web.Response:
        return web.json_response({"ok": True, "team_id": _TEAM, "user_id": "U0BOT", "bot_id": "B0", "url": "http://x/"})

    @routes.route("*", "/api/users.info")
    async def users_info(_: web.Request) -> web.Response:
        user = {"id": "U0ADA", "team_id": _TEAM, "name": "ada", "profile": {"display_name": "Ada"}}
        return web.json_response({"ok": True, "user": user})

    @routes.post("/api/views.open")
    async def views_open(_: web.Request) -> web.Response:
        next(forms)
        return web.json_response({"ok": True, "view": {"id": "V1"}})

    slack = web.AppRunner(_application(list(routes)), access_log=None)  # type: ignore[arg-type]  # they are route defs
    await slack.setup()
    await web.TCPSite(slack, "127.0.0.1", 0).start()
    make = _ours if options.serve == _OURS else _bare
    async with make(options, f"http://127.0.0.1:{slack.addresses[0][1]}/api/") as listeners:
        runner = web.AppRunner(_application(listeners), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print(next(forms), flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await runner.cleanup()
    await slack.cleanup()


def _application(routes: Sequence[web.RouteDef]) -> web.Application:
    app = web.Application()
    app.router.add_routes(routes)
    return app


@dataclass
class _Server:
    """A server in a process of its own."""

    url: str
    process: psutil.Process
    pipe: "subprocess.Popen[str]"
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def forms(self) -> int:
        """Return how many forms the server has opened; it can be asked once."""
        if self.pipe.stdin is None or self.pipe.stdout is None:
            raise RuntimeError("the server cannot be asked")
        print(file=self.pipe.stdin, flush=True)
        return int(self.pipe.stdout.readline())

    def command(self, *, is_form: bool = False) -> tuple[bytes, dict[str, str]]:
        """Return a signed slash command that nobody sent before; one that wants a form says nothing else."""
        number = next(self.numbers)
        said = "" if is_form else f" Announce our new opening hours, number {number} --rounds 2"
        form = {
            "token": "x",
            "team_id": _TEAM,
            "channel_id": "C0BENCH",
            "user_id": "U0ADA",
            "user_name": "ada",
            "command": "/atelier",
            "text": f"new{said}",
            "api_app_id": "A0BENCH",
            "is_enterprise_install": "false",
            "response_url": f"http://127.0.0.1:9/response/{number}",
            "trigger_id": f"{os.getpid()}.{time.monotonic_ns()}.{number}",
        }
        body, now = urlencode(form), str(int(time.time()))
        signature = str(SignatureVerifier(_SECRET).generate_signature(timestamp=now, body=body))
        return body.encode(), {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": now,
            "X-Slack-Signature": signature,
        }


@contextlib.contextmanager
def _server(kind: str, *, database: str, holds: bool) -> Iterator[_Server]:
    command = [sys.executable, "-m", "benchmarks.ack", "--serve", kind, "--database", database]
    command += ["--holds"] if holds else []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_REPOSITORY
    ) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            if not port:
                raise RuntimeError(f"the server did not start: exit {process.wait()}")
            yield _Server(f"http://127.0.0.1:{port}{EVENTS_PATH}", psutil.Process(process.pid), process)
        finally:
            process.terminate()


async def _send(http: aiohttp.ClientSession, server: _Server, *, is_form: bool = False) -> int:
    """Return the status of a command's answer; 0 if it says something where a form opens, or nothing where none does."""
    body, headers = server.command(is_form=is_form)
    async with http.post(server.url, data=body, headers=headers) as answer:
        said = await answer.text()
        return answer.status if bool(said) != is_form else 0


async def _cpu_ms(server: _Server, requests: int) -> float:
    """Return the server's CPU milliseconds for one command, some at a time without a pause."""
    async with aiohttp.ClientSession() as http:

        async def work(number: int) -> None:
            for _ in range(number):
                if await _send(http, server) != 200:
                    raise RuntimeError("a command was not acknowledged")

        await asyncio.gather(*(work(max(1, _WARM_UP // _AT_ONCE)) for _ in range(_AT_ONCE)))
        share = max(1, requests // _AT_ONCE)
        before = server.cpu_seconds()
        await asyncio.gather(*(work(share) for _ in range(_AT_ONCE)))
        return (server.cpu_seconds() - before) * 1000 / (share * _AT_ONCE)


async def _open_loop(server: _Server, seconds: float, *, with_forms: bool) -> dict[str, Any]:
    """Return latencies from the moment at which each command was due, whatever became of those before."""
    latencies: list[float] = []
    statuses: list[int] = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        for _ in range(_WARM_UP):
            await _send(http, server)

        async def one(number: int, due: float) -> None:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            try:
                statuses.append(await _send(http, server, is_form=with_forms and number % _FORM_EVERY == 0))
            except aiohttp.ClientError:
                statuses.append(-1)
            latencies.append((time.perf_counter() - due) * 1000)

        start = time.perf_counter() + 0.1
        await asyncio.gather(*(one(number, start + number / RATE) for number in range(int(seconds * RATE))))
        await asyncio.sleep(_LAST_FORM_SECONDS)
    return {
        "requests": len(statuses),
        "forms": server.forms(),
        "forms_due": len(range(0, len(statuses), _FORM_EVERY)) if with_forms else 0,
        "not_200": sum(status != 200 for status in statuses),
        "p50_ms": round(percentile(latencies, 0.5), 2),
        "p99_ms": round(percentile(latencies, 0.99), 2),
        "max_ms": round(max(latencies), 2),
    }


def run(*, requests: int, seconds: float, database: str = "", pairs: int = _PAIRS) -> dict[str, Any]:
    """Return the whole report.

    Args:
        requests: Commands of each measurement of CPU.
        seconds: Of the open loop.
        database: None for SQLite in a temporary folder.
        pairs: How often CPU is measured, ours and bare.
    """
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory(prefix="atl-bench-") as folder:
        for number in range(pairs):
            url = database or f"sqlite+aiosqlite:///{folder}/cpu{number}.db"
            for kind, found in ((_BARE, bare), (_OURS, ours)):
                with _server(kind, database=url, holds=True) as server:
                    found.append(asyncio.run(_cpu_ms(server, requests)))
        url = database or f"sqlite+aiosqlite:///{folder}/load.db"
        with _server(_OURS, database=url, holds=False) as server:
            load = asyncio.run(_open_loop(server, seconds, with_forms=False))
        with _server(_OURS, database=url, holds=False) as server:
            mixed = asyncio.run(_open_loop(server, seconds, with_forms=True))
        with _server(_BARE, database=url, holds=False) as server:
            bare_load = asyncio.run(_open_loop(server, seconds, with_forms=False))
    ratios = [mine / theirs for mine, theirs in zip(ours, bare, strict=True)]
    return load | {
        "p99_ms_bare": bare_load["p99_ms"],
        "p99_ms_forms": mixed["p99_ms"],
        "not_200": load["not_200"] + mixed["not_200"],
        "forms": mixed["forms"],
        "forms_due": mixed["forms_due"],
        "cpu_ms": round(statistics.median(ours), 3),
        "cpu_ms_bare": round(statistics.median(bare), 3),
        "cpu_over_bare": round(statistics.median(ratios), 3),
        "cpu_over_bare_all": [round(ratio, 3) for ratio in ratios],
    }


def main() -> None:
    """Run the benchmark, or one of its servers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000, help="commands of each measurement of CPU")
    parser.add_argument("--seconds", type=float, default=20.0, help="of the load")
    parser.add_argument("--database", default="", help="none: SQLite in a temporary folder")
    parser.add_argument("--serve", choices=(_OURS, _BARE), help=argparse.SUPPRESS)
    parser.add_argument("--holds", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve(options))
        return
    report = run(requests=options.requests, seconds=options.seconds, database=options.database)
    table = (
        Table(("", "measured", "goal"))
        .with_row("CPU ms a command", report["cpu_ms"], "")
        .with_row("CPU ms, bare Bolt", report["cpu_ms_bare"], "")
        .with_row("cpu / bare", report["cpu_over_bare"], f"<= {RATIO_GOAL}")
        .with_row(f"p99 ms at {RATE}/s", report["p99_ms"], f"< {P99_GOAL_MS}")
        .with_row("p99 ms, every fourth opens a form", report["p99_ms_forms"], f"< {P99_GOAL_MS}")
        .with_row(f"p99 ms at {RATE}/s, bare Bolt", report["p99_ms_bare"], "")
        .with_row("answers not 200", report["not_200"], 0)
        .with_row("forms opened", report["forms"], report["forms_due"])
    )
    show(table, report, as_json=options.json)


if __name__ == "__main__":
    main()
