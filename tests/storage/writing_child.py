"""A process that writes until it is killed, and says what was acknowledged."""

import asyncio
import sys
from dataclasses import replace

from storage.database import Database
from tests.storage.samples import WORKSPACE


async def main(url: str) -> None:
    database = Database.from_url(url)

    async def write(number: int) -> None:
        workspace = replace(WORKSPACE, id=f"w{number}")
        await database.write(lambda tx: tx.workspaces.save(workspace))
        sys.stdout.write(f"{workspace.id}\n")
        sys.stdout.flush()

    number = 0
    while True:
        await asyncio.gather(*(write(number + offset) for offset in range(8)))
        number += 8


asyncio.run(main(sys.argv[1]))
