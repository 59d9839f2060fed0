"""Commands in Discord, many at once: how long people wait for the first answer. Discord waits three seconds.

``python -m benchmarks.discord_ack [--commands N] [--times N] [--database URL] [--json]``

People type `/atelier new` in the same moment. A local Discord in one process sends the interactions through its gateway; the
whole program in another one acknowledges them over HTTP, stores them, and makes and prices a session for each, with the real
desk and the real database (SQLite in a temporary folder, unless one is named; that one must be empty and have its tables).
Time is Discord's own, from the moment at which an interaction was sent to the moment at which its answer had come.
"""

import argparse
import json
from typing import Any

from benchmarks.discord_peer import peer
from benchmarks.harness import Table, percentile, show

COMMANDS = 200
GOAL_SECONDS = 3.0


def run(*, commands: int, times: int, database: str = "") -> dict[str, Any]:
    """Return the whole report.

    Args:
        commands: How many at once.
        times: How often; the first time nothing is warm.
        database: Empty for SQLite in a temporary folder.
    """
    crowds = []
    with peer("serve", "2", "1") as discord, peer("listen", database) as program:
        program.tell(json.dumps(discord.answer()))
        for _ in range(times):
            discord.tell(str(commands))
            crowds.append(discord.answer())
        program.tell("")
        sessions = program.answer()["sessions"]
    waited = [seconds for crowd in crowds for seconds in crowd["waited"]]
    return {
        "commands": commands * times,
        "acknowledged": len(waited),
        "failed": sum(len(crowd["refused"]) for crowd in crowds),
        "answered_once": sum(number == 1 for crowd in crowds for number in crowd["answers"]),
        "sessions": sessions,
        "p50_seconds": round(percentile(waited, 0.5), 2),
        "p99_seconds": round(percentile(waited, 0.99), 2),
        "max_seconds": round(max(waited), 2),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=COMMANDS, help="at once")
    parser.add_argument("--times", type=int, default=3, help="how often")
    parser.add_argument("--database", default="", help="none: SQLite in a temporary folder")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = run(commands=options.commands, times=options.times, database=options.database)
    table = (
        Table(("", "measured", "goal"))
        .with_row("acknowledged", report["acknowledged"], report["commands"])
        .with_row("failed", report["failed"], 0)
        .with_row("sessions made", report["sessions"], report["commands"])
        .with_row("p50 seconds", report["p50_seconds"], "")
        .with_row("p99 seconds", report["p99_seconds"], f"< {GOAL_SECONDS}")
        .with_row("longest", report["max_seconds"], f"< {GOAL_SECONDS}")
    )
    show(table, report, as_json=options.json)


if __name__ == "__main__":
    main()
