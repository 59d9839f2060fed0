"""A session in the terminal."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.live import Live
from typing_extensions import override

from bots.terminal.drawing import draw, unmarked
from bots.terminal.live import Board
from bots.terminal.payload import decode_elements, encode
from bots.views.plain import plain_text
from bots.views.streams import harmless
from bots.views.words import round_name
from core.clock import Clock
from core.orchestration.ports import ChatPort, Content, Part, PostKind, Progress, Snapshot
from core.sessions.model import Session, ThreadRef

_FRAME_SECONDS = 0.1


class Mode(StrEnum):
    """How a terminal shows a session."""

    LIVE = "live"
    """Panels that move, for people."""
    PLAIN = "plain"
    """Lines, where control codes would only disturb: a pipe, a log."""
    SILENT = "silent"
    """Nothing: standard output belongs to somebody else's program."""


class TerminalChat(ChatPort):
    """See `core.orchestration.ports.ChatPort`.

    What a terminal cannot do, and what happens instead:

    - A printed post cannot be changed: `edit` prints the new text once, below. Cards that only report progress are not
      printed; they move the live display.
    - A terminal has no history to read. `find` knows what this process printed, which is all that its reader saw: a
      session that goes on in another terminal is printed there from where it stands.
    - One session is shown at a time: with *focus* set to a session's id, posts of others are taken and not printed,
      since a worker in this process may go on with sessions that an earlier one left.
    - There are no mentions and no buttons; the command line says what to type.
    """

    def __init__(self, console: Console, *, clock: Clock, mode: Mode | None = None) -> None:
        self._console = console
        self._clock = clock
        self._mode = mode or (Mode.LIVE if console.is_terminal else Mode.PLAIN)
        self._live: Live | None = None
        self._board = Board()
        self._frame: asyncio.TimerHandle | None = None
        self._ids: dict[str, tuple[str, datetime]] = {}
        self._texts: dict[str, str] = {}
        self._count = 0
        self.focus = ""
        self.printed: list[tuple[str, str]] = []

    @property
    @override
    def platform(self) -> str:
        return "terminal"

    @override
    def render(self, content: Content) -> Sequence[Part]:
        view, payload = encode(content)
        return (
            Part(
                text=unmarked(harmless(plain_text(view))) or view.fallback, payload=payload, file_ids=content.file_ids
            ),
        )

    @override
    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        """Print the card; a session is its own thread."""
        thread = replace(session.thread, thread=session.id)
        card_id = await self.find(thread, key, since) if since is not None else None
        return replace(thread, card=card_id or await self.send(thread, card, key=key))

    @override
    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        self._count += 1
        post_id = f"t{self._count}-{key[:8]}"
        self._ids[key] = (post_id, self._clock.now())
        if not self._elsewhere(str(part.payload.get("session", ""))):
            self._show(post_id, part)
        return post_id

    @override
    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        if not self._elsewhere(str(part.payload.get("session", ""))):
            self._show(post_id, part, is_edit=True)
        return post_id

    @override
    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        post_id, at = self._ids.get(key, ("", since))
        return post_id if post_id and at >= since else None

    @override
    def progress(self, update: Progress) -> None:
        if self._elsewhere(update.session_id):
            return
        panel = self._board.take(update)
        match self._mode:
            case Mode.LIVE:
                self._request_frame()
            case Mode.PLAIN if update.state != "writing":
                self._line(f"{round_name(update.round)}, {panel.name}: {panel.state_words}")
            case _:
                pass

    def expect(self, snapshot: Snapshot) -> None:
        """Know names and numbers of a session before its first post: one that goes on has posted its card long ago."""
        (card,) = self.render(Content(PostKind.SESSION_CARD, snapshot))
        payload: dict[str, Any] = card.payload
        self._board.know(payload["status"])

    def say(self, text: str) -> None:
        """Print a line of ours between the posts."""
        if self._mode is not Mode.SILENT:
            self._console.print(harmless(text), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Stop the live display and leave the cursor below it."""
        if self._frame is not None:
            self._frame.cancel()
            self._frame = None
        if self._live is not None:
            self._board.clear()
            self._live.update("", refresh=True)
            self._live.stop()
            self._live = None

    def _elsewhere(self, session_id: str) -> bool:
        return bool(self.focus and session_id and session_id != self.focus)

    def _show(self, post_id: str, part: Part, *, is_edit: bool = False) -> None:
        payload: dict[str, Any] = part.payload
        if "status" in payload:
            self._board.know(payload["status"])
        kind = payload.get("kind")
        moves = bool(payload.get("silent")) or (is_edit and self._is_old_news(post_id, kind))
        if moves or self._texts.get(post_id) == part.text:
            self._request_frame()
            return
        if kind == PostKind.ROUND_CARD:
            self._board.clear()
        self._texts[post_id] = part.text
        self.printed.append((post_id, part.text))
        if self._mode is Mode.SILENT:
            return
        elements = decode_elements(payload)
        if self._mode is Mode.LIVE and elements:
            self._console.print(draw(elements, payload.get("files", {})))
        else:
            self._line(f"{part.text}\n")
        self._request_frame()

    def _is_old_news(self, post_id: str, kind: object) -> bool:
        """Whether an edit only refines what stands above already: a card's state, the fates of a round's comments."""
        return kind == PostKind.SESSION_CARD or (kind == PostKind.ROUND_CARD and post_id in self._texts)

    def _line(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def _request_frame(self) -> None:
        """Draw soon; every sign of life until then is in the same frame."""
        if self._mode is not Mode.LIVE or self._frame is not None:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # progress may come from anywhere; without a loop the next one draws
            return
        self._frame = loop.call_later(_FRAME_SECONDS, self._draw)

    def _draw(self) -> None:
        self._frame = None
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(self._board.draw(self._console.width), refresh=True)


def silent_chat(clock: Clock) -> TerminalChat:
    """Return a terminal that nobody looks at: a worker of the service takes sessions of terminals too."""
    return TerminalChat(Console(quiet=True), clock=clock, mode=Mode.SILENT)
