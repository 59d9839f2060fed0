"""A platform as the desk sees it, in memory: it remembers what was answered, and refuses when told to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bots.desk.door import CannotPost, FileUnavailable, Mark, Standing
from bots.desk.requests import Actor, Attachment, Request, Spot
from bots.views.elements import Button, Buttons, View
from bots.views.plain import plain_text
from core.sessions.model import SessionFile, ThreadRef


@dataclass(frozen=True, slots=True)
class Whisper:
    """One private answer."""

    to: str
    view: View
    files: tuple[SessionFile, ...] = ()

    @property
    def text(self) -> str:
        return plain_text(self.view)

    @property
    def buttons(self) -> tuple[Button, ...]:
        return tuple(button for row in self.view.elements if isinstance(row, Buttons) for button in row.buttons)

    def button(self, action: str, argument: str | None = None) -> Button:
        """Return the one button of this action."""
        found = [item for item in self.buttons if item.action == action and argument in {None, item.argument}]
        assert len(found) == 1, (action, self.buttons)
        return found[0]


@dataclass
class FakeDoor:
    """See `bots.desk.door.Door`.

    Attributes:
        standings: By the platform's id of a person; anybody else is an ordinary member.
        files: Bytes by the file's id.
        nearby: What was given earlier in the thread, newest first.
        closed: Channels where the app may not post.
        faults: What the next whispers raise, first one first.
        shy: People who cannot be asked or written to.
        names: What people call channels.
        homes: Pages that were shown.
        home_faults: What showing the next pages raises.
    """

    platform: str = "fake"
    keeps_one_answer: bool = True
    standings: dict[str, Standing] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    nearby: list[Attachment] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    faults: list[Exception] = field(default_factory=list)
    shy: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    homes: list[Whisper] = field(default_factory=list)
    home_faults: list[Exception] = field(default_factory=list)
    whispers: list[Whisper] = field(default_factory=list)
    told: list[Whisper] = field(default_factory=list)
    asked: list[Whisper] = field(default_factory=list)
    marks: dict[str, set[Mark]] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    let_gone: list[str] = field(default_factory=list)

    @property
    def last(self) -> Whisper:
        """The newest private answer."""
        return self.whispers[-1]

    async def whisper(self, request: Request, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        if self.faults:
            raise self.faults.pop(0)
        self.whispers.append(Whisper(request.actor.external_id, view, tuple(files)))

    async def tell(self, member_id: str, view: View) -> bool:
        person = member_id.rpartition("/")[2]
        if person in self.shy:
            return False
        self.told.append(Whisper(person, view))
        return True

    async def mark(self, spot: Spot, mark: Mark, *, on: bool = True) -> None:
        marks = self.marks.setdefault(spot.message_id, set())
        (marks.add if on else marks.discard)(mark)

    async def standing(self, actor: Actor) -> Standing:
        return self.standings.get(actor.external_id) or Standing(actor.external_id.capitalize())

    async def check_post(self, request: Request, thread: ThreadRef) -> None:
        if thread.channel in self.closed:
            raise CannotPost("not_in_channel", "Type /invite @Atelier")

    async def channel_name(self, thread: ThreadRef) -> str:
        return self.names.get(thread.channel, "")

    async def open_direct(self, actor: Actor) -> ThreadRef:
        if f"dm-{actor.external_id}" in self.closed:
            raise CannotPost("no_dms", "Allow direct messages")
        return ThreadRef(self.platform, f"dm-{actor.external_id}")

    async def open_private(self, request: Request) -> ThreadRef:
        return await self.open_direct(request.actor)

    async def fetch(self, request: Request, attachment: Attachment) -> bytes:
        if attachment.id not in self.files:
            raise FileUnavailable(attachment.name, "it is gone")
        self.fetched.append(attachment.id)
        return self.files[attachment.id]

    async def keep(self, request: Request) -> Request:
        self.kept += [file.id for file in request.files]
        return request

    async def let_go(self, request: Request) -> None:
        self.let_gone += [file.id for file in request.files]

    async def files_nearby(self, request: Request) -> Sequence[Attachment]:
        return self.nearby

    async def ask_author(self, request: Request, author_id: str, view: View) -> bool:
        if author_id in self.shy:
            return False
        self.asked.append(Whisper(author_id, view))
        return True

    def is_at_home(self, request: Request) -> bool:
        return request.spot.thread.channel == "home"

    async def show_home(self, actor: Actor, view: View) -> None:
        if self.home_faults:
            raise self.home_faults.pop(0)
        self.homes.append(Whisper(actor.external_id, view))

    def mention(self, external_id: str) -> str:
        return f"@{external_id}"


def admin(name: str = "Boss") -> Standing:
    """Return the standing of an admin."""
    return replace(Standing(name), is_admin=True)
