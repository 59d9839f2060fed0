"""The whole program as a process that a test kills: ``python -m tests.scenarios.discord_worker PACE``.

Its settings are its environment's, as those of `atelier serve` are; it says in its first line that it begins to listen.
"""

import asyncio
import sys
from contextlib import AsyncExitStack

from bots.bootstrap import Choices, open_parts
from bots.settings import load_settings
from tests.scenarios.slack_office import tick


async def main(pace: float) -> None:
    """Run until somebody kills us."""
    async with AsyncExitStack() as stack:
        choices = Choices(runs_sessions=True, reaches_platforms=True, rehearsal_pace=pace)
        parts = await stack.enter_async_context(open_parts(load_settings(), choices=choices))
        await parts.platforms.connect_discord(stack)
        sys.stdout.write("listening\n")
        sys.stdout.flush()
        await tick(parts, seconds=1.0)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
