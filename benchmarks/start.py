"""What starting costs: ``python -m benchmarks.start [--json]``. CPU time of fresh processes, the best of several runs.

Each role's and each provider's SDK is imported when it is first used, so neither the command line nor the composition
root may pay for them.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.harness import Table, show

RUNS = 5
GOALS = {"import bots.bootstrap": 1.0, "atelier --help": 0.5}
_CODE = {
    "import bots.bootstrap": "import bots.bootstrap",
    "atelier --help": "import sys; sys.argv = ['atelier', '--help']; import admin_cli.main; admin_cli.main.run()",
}
_REPOSITORY = Path(__file__).resolve().parent.parent


def cpu_seconds(what: str, *, runs: int = RUNS) -> float:
    """Return the least CPU time, user and system, that *what* took in *runs* fresh processes.

    The least, because whatever else the machine does only ever adds to it.
    """
    return min(_run_once(_CODE[what]) for _ in range(runs))


def _run_once(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=_REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one object on one line")
    options = parser.parse_args()
    found = {what: round(cpu_seconds(what), 3) for what in GOALS}
    table = Table(("start", "CPU s", "goal"))
    for what, seconds in found.items():
        table = table.with_row(what, seconds, GOALS[what])
    show(table, found, as_json=options.json)


if __name__ == "__main__":
    _main()
