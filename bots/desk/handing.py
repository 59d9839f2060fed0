"""Files that are made for one answer and kept nowhere, such as a CSV."""

from bots.desk.tools import Call, Tools
from bots.views.elements import View
from core.ids import derived_key
from core.sessions.model import SessionFile


async def send_made(tools: Tools, call: Call, view: View, *, name: str, media_type: str, data: bytes) -> None:
    """Answer privately with a file that exists for this answer alone.

    The doors take files by their place in the file store, so it lies there while the answer is sent. A request that is
    repeated finds, and removes, what an attempt before it left.

    Args:
        tools: What the desk works with.
        call: Who asks.
        view: What goes with the file.
        name: For people.
        media_type: What it is.
        data: The whole of it.
    """
    key = f"made/{derived_key('made', call.request.id, name)}"
    file = SessionFile(
        id=f"f_{derived_key('made', call.request.id, name)[:16]}",
        session_id="",
        kind="made",
        name=name,
        media_type=media_type,
        size_bytes=len(data),
        storage_key=key,
        created_at=tools.clock.now(),
    )
    await tools.files.put(key, data)
    try:
        await call.say(view, files=[file])
    finally:
        await tools.files.delete(key)
