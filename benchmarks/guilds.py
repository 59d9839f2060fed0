"""One process and many Discord servers: what it costs to be in 2,500 of them.

``python -m benchmarks.guilds [--guilds N] [--channels N] [--json]``

A local Discord in a process of its own streams READY and a GUILD_CREATE for each server to the real client, once with the two
servers of every test and once with all. Memory and CPU are those of the client's process, from before it connects until it
has seen the last server; each number is of a process of its own.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.discord_peer import gateway_of, peer, program
from benchmarks.harness import Table, show

GUILDS = 2_500
_REPOSITORY = Path(__file__).resolve().parent.parent
_MEBIBYTE = 1024 * 1024


async def _listen(known: dict[str, Any]) -> dict[str, Any]:
    """Be the app, and return what that cost."""
    process = psutil.Process()
    async with program(known) as parts:
        bot = gateway_of(parts).make_bot()
        before, cpu, began = process.memory_info().rss, process.cpu_times(), time.monotonic()
        async with bot:
            running = asyncio.create_task(bot.start(known["token"]))
            while not bot.is_ready():
                await asyncio.sleep(0.01)
                if running.done():
                    await running
            after, spent = process.memory_info().rss, process.cpu_times()
            report = {
                "guilds": len(bot.guilds),
                "seconds": round(time.monotonic() - began, 2),
                "cpu_seconds": round(spent.user + spent.system - cpu.user - cpu.system, 2),
                "memory_mib": round((after - before) / _MEBIBYTE, 1),
                "members_kept": sum(len(guild.members) for guild in bot.guilds),
                "messages_kept": len(bot.cached_messages),
            }
        await running
    return report


def measure(guilds: int, channels: int) -> dict[str, Any]:
    """Return what it costs to be in so many servers, measured in a new process."""
    with peer("serve", str(guilds), str(channels)) as discord:
        listen = [sys.executable, "-m", "benchmarks.guilds", "--listen", json.dumps(discord.answer())]
        done = subprocess.run(listen, capture_output=True, text=True, cwd=_REPOSITORY, check=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def main() -> None:
    """Run the benchmark, or one of its two processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guilds", type=int, default=GUILDS, help="servers")
    parser.add_argument("--channels", type=int, default=5, help="of each")
    parser.add_argument("--listen", default="", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.listen:
        print(json.dumps(asyncio.run(_listen(json.loads(options.listen)))), flush=True)
        return
    few, many = measure(2, options.channels), measure(options.guilds, options.channels)
    table = Table(("", f"{few['guilds']} servers", f"{many['guilds']} servers"))
    for name, label in (
        ("seconds", "seconds until ready"),
        ("cpu_seconds", "CPU seconds"),
        ("memory_mib", "memory, MiB more than before"),
        ("members_kept", "members kept"),
        ("messages_kept", "messages kept"),
    ):
        table = table.with_row(label, few[name], many[name])
    show(table, {"few": few, "many": many}, as_json=options.json)


if __name__ == "__main__":
    main()
