"""What a platform does for the desk: answer privately, look people up, fetch files."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bots.desk.requests import Actor, Attachment, Request, Spot
from bots.errors import CannotPost, FileUnavailable
from bots.views.elements import View
from core.sessions.model import SessionFile, ThreadRef

__all__ = ["CannotPost", "Door", "FileUnavailable", "Mark", "Standing"]


class Mark(StrEnum):
    """A sign on somebody's message."""

    TAKEN = "taken"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Standing:
    """Who somebody is in the workspace, as the platform says now.

    Attributes:
        name: As people see it.
        locale: BCP 47 tag, empty when unknown.
        is_admin: May configure and, unless others are named, buy: Slack admins and owners, Discord managers.
        is_guest: A guest of the workspace.
        is_outsider: Somebody of another workspace, in a shared channel.
        is_bot: Not a person.
        roles: Ids of the roles that somebody has, where the platform has them.
    """

    name: str
    locale: str = ""
    is_admin: bool = False
    is_guest: bool = False
    is_outsider: bool = False
    is_bot: bool = False
    roles: tuple[str, ...] = ()


class Door(Protocol):
    """One platform, as the desk sees it.

    Every verb may raise `core.errors.TransientError` (try again later) and `core.orchestration.ports.PostRefused` (the
    platform says no for good). Views are drawn by the platform as its posts are; what people and models wrote can ping
    nobody.
    """

    @property
    def platform(self) -> str:
        """``slack`` or ``discord``."""
        ...

    @property
    def keeps_one_answer(self) -> bool:
        """Whether a private answer takes the place of the one before to the same request."""
        ...

    async def whisper(self, request: Request, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        """Answer so that only the asker sees it; the next call replaces the one before where the platform can.

        Where a private answer is not possible any more (a token that ended), it goes to the asker's direct messages.
        Files go with it, or to the direct messages where a private answer cannot carry any.
        """
        ...

    async def tell(self, member_id: str, view: View) -> bool:
        """Write to a member's direct messages; False where that person takes none."""
        ...

    async def mark(self, spot: Spot, mark: Mark, *, on: bool = True) -> None:
        """Put a sign on the message that asked, or take it away; a repeat is harmless."""
        ...

    async def standing(self, actor: Actor) -> Standing:
        """Return who somebody is; remembered for a while."""
        ...

    async def check_post(self, request: Request, thread: ThreadRef) -> None:
        """Return if the app may post in the thread; raises `CannotPost`."""
        ...

    async def channel_name(self, thread: ThreadRef) -> str:
        """Return what people call a channel, such as ``#plans``; empty where the platform does not say it (now)."""
        ...

    async def open_direct(self, actor: Actor) -> ThreadRef:
        """Return the app's own conversation with somebody; raises `CannotPost`."""
        ...

    async def open_private(self, request: Request) -> ThreadRef:
        """Return where a private session of this request lives: direct messages, or a private thread.

        Raises:
            CannotPost: If the app may not make one.
        """
        ...

    async def fetch(self, request: Request, attachment: Attachment) -> bytes:
        """Return the bytes of a file; raises `FileUnavailable`."""
        ...

    async def keep(self, request: Request) -> Request:
        """Return a request that will wait, with files that can still be fetched when it goes on in some days.

        Raises:
            FileUnavailable: If the platform does not give one.
        """
        ...

    async def let_go(self, request: Request) -> None:
        """Delete what `keep` put aside; harmless where it did not, and to repeat."""
        ...

    async def files_nearby(self, request: Request) -> Sequence[Attachment]:
        """Return files that were given earlier in the request's thread, newest first, with their authors."""
        ...

    async def ask_author(self, request: Request, author_id: str, view: View) -> bool:
        """Show a question where its one addressee will see it (the thread, or direct messages); False where it cannot."""
        ...

    def is_at_home(self, request: Request) -> bool:
        """Return whether somebody asked on the page that the platform keeps for them, which then shows what came of it."""
        ...

    async def show_home(self, actor: Actor, view: View) -> None:
        """Show *view* on the page that the platform keeps for somebody."""
        ...

    def mention(self, external_id: str) -> str:
        """Return how a person is named in a view's Markdown without a ping where possible, such as a display form."""
        ...
