"""The whole program as a process that a test kills: ``python -m tests.scenarios.slack_worker PACE``.

Its settings are its environment's, as those of `atelier serve` are; it says where it listens in its first line.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from bots.bootstrap import Choices, open_parts
from bots.http.app import HttpServer, make_app
from bots.http.health import Health
from bots.settings import load_settings
from core.clock import SystemClock
from tests.scenarios.slack_office import nothing, tick


async def main(pace: float) -> None:
    """Run until somebody kills us."""
    async with AsyncExitStack() as stack:
        choices = Choices(runs_sessions=True, reaches_platforms=True, rehearsal_pace=pace)
        parts = await stack.enter_async_context(open_parts(load_settings(), choices=choices))
        app = make_app(
            Health({}, last_inbound=nothing, clock=SystemClock()), parts.metrics, routes=parts.platforms.routes()
        )
        server = HttpServer(app, host="127.0.0.1", port=0)
        sys.stdout.write(f"http://127.0.0.1:{await server.start()}\n")
        sys.stdout.flush()
        await tick(parts, seconds=1.0)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
