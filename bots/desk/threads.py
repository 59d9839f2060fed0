"""Whose a thread is."""

from bots.desk.tools import Tools
from core.sessions.model import Session, Status, ThreadRef


async def find_session(tools: Tools, thread: ThreadRef) -> Session | None:
    """Return the newest session of a thread; one that was never started has none."""
    if not thread.thread:
        return None
    found = await tools.store.read(
        lambda tx: tx.sessions.find_by_thread(thread.platform, thread.channel, thread.thread)
    )
    return None if found is None or found.status is Status.DRAFT else found
