"""A process that holds a slot and beats until it is told that it is lost, or killed."""

import asyncio
import os
import sys

from storage.database import Database
from storage.durable import executor_slots
from storage.heartbeat import DatabaseHeartbeat, Pace


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(url: str) -> None:
    lost = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_lost(reason: str) -> None:
        say(f"lost {reason}")
        loop.call_soon_threadsafe(lost.set)

    slot = await executor_slots(url).take(on_lost)
    # so patient that only another's judgement can end it
    heartbeat = DatabaseHeartbeat(Database.from_url(url), slot.id, pace=Pace(beat_seconds=0.05, limit_seconds=600))
    await heartbeat.start(on_lost)
    say(slot.id)
    await lost.wait()
    os._exit(3)


asyncio.run(main(sys.argv[1]))
