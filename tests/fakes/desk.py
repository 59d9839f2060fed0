"""A desk that remembers what it was asked, for tests of what a platform sends to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bots.desk.forms import Form
from bots.desk.requests import Actor, Request, dump_request, load_request
from bots.views.elements import Text, View
from core.errors import TransientError
from core.sessions.model import ThreadRef


@dataclass
class FakeInbox:
    """See `bots.desk.inbox.Inbox`: keeps requests, of repeats only the first.

    Attributes:
        fails: How many of the next requests cannot be stored.
    """

    taken: list[Request] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    fails: int = 0

    async def take(self, request: Request, *, source: str, keys: Sequence[str]) -> bool:
        """Keep *request*."""
        if self.fails:
            self.fails -= 1
            raise TransientError("the database is away")
        assert load_request(dump_request(request)) == request
        assert keys
        assert all(keys)
        is_new = not any((source, key) in self.seen for key in keys)
        self.seen |= {(source, key) for key in keys}
        if is_new:
            self.taken.append(request)
        return is_new


@dataclass
class FakeDesk:
    """See `bots.desk.desk.Desk`.

    Attributes:
        inbox: What was asked.
        words: What is said at once.
        forms: What is opened at once, by command or action; a form of a command only where it has neither values nor
            files.
        owned: Threads of sessions, by channel and thread.
        homes: Whose page was asked for.
        page: What everybody's page shows.
        wavers: What is raised instead of saying whether there is a form.
    """

    inbox: FakeInbox = field(default_factory=FakeInbox)
    words: str = ""
    forms: dict[str, Form] = field(default_factory=dict)
    owned: set[tuple[str, str]] = field(default_factory=set)
    homes: list[Actor] = field(default_factory=list)
    page: View = field(default_factory=lambda: View((Text("Your sessions"),), "Your sessions"))

    wavers: Exception | None = None

    @property
    def asked(self) -> list[Request]:
        """What was stored, oldest first."""
        return self.inbox.taken

    def acknowledge(self, request: Request) -> str:
        return self.words

    async def form_for(self, request: Request) -> Form | None:
        if self.wavers is not None:
            raise self.wavers
        if request.values or request.files:
            return None
        return self.forms.get(request.command or request.action)

    async def home(self, actor: Actor) -> View:
        self.homes.append(actor)
        return self.page

    async def owns_thread(self, thread: ThreadRef) -> bool:
        return (thread.channel, thread.thread) in self.owned
