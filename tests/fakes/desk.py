"""A desk that remembers what it was asked, for tests of what a platform sends to it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
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
        taken: What is left to do, oldest first.
        stored: Everything that was kept.
        fails: How many of the next requests cannot be stored.
    """

    taken: list[Request] = field(default_factory=list)
    seen: set[tuple[str, str]] = field(default_factory=set)
    stored: list[Request] = field(default_factory=list)
    fails: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def take(
        self,
        request: Request,
        *,
        source: str,
        keys: Sequence[str],
        first: Callable[[Request], Awaitable[bool]] | None = None,
    ) -> bool:
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
            self.stored.append(request)
        if is_new and first is not None:
            task = asyncio.create_task(self._first(request, first))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        elif is_new:
            self.taken.append(request)
        return is_new

    async def drain(self) -> None:
        """Return when nothing is under way."""
        while self.tasks:
            await asyncio.wait(self.tasks)

    async def _first(self, request: Request, first: Callable[[Request], Awaitable[bool]]) -> None:
        if not await first(request):
            self.taken.append(request)


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
        gate: Whoever asks for a form waits for it.
    """

    inbox: FakeInbox = field(default_factory=FakeInbox)
    words: str = ""
    forms: dict[str, Form] = field(default_factory=dict)
    owned: set[tuple[str, str]] = field(default_factory=set)
    homes: list[Actor] = field(default_factory=list)
    page: View = field(default_factory=lambda: View((Text("Your sessions"),), "Your sessions"))

    wavers: Exception | None = None
    gate: asyncio.Event | None = None

    @property
    def asked(self) -> list[Request]:
        """What was stored and is left to do, oldest first."""
        return self.inbox.taken

    def acknowledge(self, request: Request) -> str:
        return "" if self._form_of(request) else self.words

    def may_open_form(self, request: Request) -> bool:
        return (request.command or request.action) in self.forms or self.wavers is not None

    async def form_for(self, request: Request) -> Form | None:
        if self.gate is not None:
            await self.gate.wait()
        if self.wavers is not None:
            raise self.wavers
        return self._form_of(request)

    async def home(self, actor: Actor) -> View:
        self.homes.append(actor)
        return self.page

    async def owns_thread(self, thread: ThreadRef) -> bool:
        return (thread.channel, thread.thread) in self.owned

    def _form_of(self, request: Request) -> Form | None:
        if request.values or request.files:
            return None
        return self.forms.get(request.command or request.action)
