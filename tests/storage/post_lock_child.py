"""A process that takes the right to post for a session, says so, and holds it until it is killed."""

import asyncio
import sys

from storage.post_locks import post_locks


async def main(url: str, session_id: str) -> None:
    locks = post_locks(url)
    taken = locks is not None and await locks.take(session_id)
    sys.stdout.write(f"{'taken' if taken else 'busy'}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1], sys.argv[2]))
