"""The two processes of a benchmark of Discord: a local Discord, and the program that listens to it.

``python -m benchmarks.discord_peer serve GUILDS CHANNELS`` says in its first line, as JSON, where it is; then each line that
it reads is a number of people who type a command at once, and it answers, as JSON, how long each waited for the first answer.
``python -m benchmarks.discord_peer listen DATABASE`` reads the first of those lines and is the app until its input ends.
"""

import asyncio
import json
import logging
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import structlog

from bots.bootstrap import Choices, Parts, open_parts
from bots.discord.assembly import DiscordEars
from bots.discord.places import workspace_ref
from bots.settings import Settings
from core.clock import SystemClock
from core.sessions.ports import Transaction
from core.workspaces.model import Workspace, WorkspaceSettings
from tests.fakes.discord.local import LocalDiscord

_REPOSITORY = Path(__file__).resolve().parent.parent


@dataclass
class Peer:
    """The process of one side, by what it hears and says."""

    hears: IO[str]
    says: IO[str]

    def tell(self, line: str) -> None:
        """Say *line*."""
        self.hears.write(f"{line}\n")
        self.hears.flush()

    def answer(self) -> dict[str, Any]:
        """Return what it says next."""
        line = self.says.readline()
        if not line:
            raise RuntimeError("a process of the benchmark ended")
        found: dict[str, Any] = json.loads(line)
        return found


@contextmanager
def peer(*arguments: str) -> Iterator[Peer]:
    """Start a side, and end it."""
    command = [sys.executable, "-m", "benchmarks.discord_peer", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_REPOSITORY
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a process without pipes")
        try:
            yield Peer(process.stdin, process.stdout)
        finally:
            process.terminate()


def gateway_of(parts: Parts) -> DiscordEars:
    """Return what listens."""
    if parts.platforms.gateway is None:
        raise RuntimeError("Discord is not configured")
    return parts.platforms.gateway


@asynccontextmanager
async def program(known: dict[str, Any], database: str = "") -> AsyncIterator[Parts]:
    """Open the whole program for a local Discord, with *database* or one of its own; it does not listen yet."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory(prefix="atl-bench-") as folder:
        given: dict[str, Any] = {
            "_env_file": None,
            "database_url": database or f"sqlite+aiosqlite:///{folder}/atelier.db",
            "files_url": f"file://{folder}/files",
            "discord_token": known["token"],
            "discord_api_url": known["api"],
            "discord_gateway_url": known["gateway"],
            "discord_shard_count": 1,
        }
        async with open_parts(Settings(**given), choices=Choices(reaches_platforms=True)) as parts:
            yield parts


async def _serve(guilds: int, channels: int) -> None:
    async with LocalDiscord(SystemClock(), checks_openapi=False) as discord:
        for number in range(guilds - len(discord.world.guilds)):
            guild = discord.world.add_guild(f"server {number}", discord.ann)
            discord.world.install(guild)
            for name in range(channels):
                discord.world.add_channel(guild, f"channel-{name}")
        _say(
            {"api": discord.api_url, "gateway": discord.gateway_url, "token": discord.token, "north": discord.north.id}
        )
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(await _crowd(discord, int(line)))


async def _crowd(discord: LocalDiscord, number: int) -> dict[str, Any]:
    """Let people type at once, and return how long each waited, in seconds; whom Discord gave up waiting for is refused."""
    await discord.until(lambda: discord.commands() and discord.gateway.sessions.is_connected, seconds=60)
    users = [discord.world.add_user(f"u{one}") for one in range(number)]
    for user in users:
        discord.world.join(discord.north, user)
    asked = [discord.slash_soon(user, discord.general, "atelier new", brief="A note on lights") for user in users]
    await asyncio.gather(*(one.done.wait() for one in asked))
    await discord.until(lambda: all(discord.ephemeral(user) for user in users), seconds=120)
    await discord.until(lambda: all("Price" in discord.ephemeral(user)[-1].text for user in users), seconds=120)
    return {
        "waited": [one.answered_after for one in asked if one.answered_after is not None],
        "refused": [code for one in asked for code in one.refusals],
        "answers": [len(discord.ephemeral(user)) for user in users],
    }


async def _listen(database: str) -> None:
    known = json.loads(await asyncio.to_thread(sys.stdin.readline))
    async with program(known, database) as parts:
        await parts.database.write(lambda tx: _set_up(tx, known["north"]))
        running = asyncio.create_task(gateway_of(parts).run())
        await asyncio.to_thread(sys.stdin.readline)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        workspace = workspace_ref(known["north"])
        made = await parts.database.read(
            lambda tx: len(tx.sessions.list_sessions(workspace_id=workspace, limit=10_000))
        )
        _say({"sessions": made})


def _set_up(tx: Transaction, guild: str) -> None:
    """Let everybody start sessions, without being asked: an admin looked at the settings."""
    settings = WorkspaceSettings(is_set_up=True, no_ask_microcredits=0)
    workspace = workspace_ref(guild)
    tx.workspaces.save(Workspace(workspace, "discord", "north", SystemClock().now(), settings=settings))


def _say(known: dict[str, Any]) -> None:
    print(json.dumps(known), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(_serve(int(sys.argv[2]), int(sys.argv[3])))
    else:
        asyncio.run(_listen(sys.argv[2]))
