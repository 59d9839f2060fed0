"""A chat platform in memory: it remembers what was posted, and fails in every way a real one does when told to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from core.clock import Clock, SystemClock
from core.errors import TransientError
from core.orchestration.ports import (
    Content,
    HistoryUnreadable,
    NotInstalled,
    Part,
    PostRefused,
    PostUncertain,
    Progress,
)
from core.sessions.model import Session, ThreadRef

Renderer = Callable[[Content], Sequence[Part]]


class Fault(StrEnum):
    """What happens to one send."""

    LOST_ANSWER = "lost_answer"
    """The post arrives, its answer does not: PostUncertain."""
    LOST_POST = "lost_post"
    """Neither arrives: PostUncertain as well, since the sender cannot tell."""
    BUSY = "busy"
    """The platform says later, and nothing arrives: TransientError."""
    REFUSED = "refused"
    """The platform says never: PostRefused."""
    AWAY = "away"
    """The app is not there any more: NotInstalled."""


@dataclass(frozen=True, slots=True)
class FakePost:
    """One message as the platform keeps it; `history` holds every earlier text, oldest first."""

    id: str
    key: str
    thread: ThreadRef
    part: Part
    at: datetime
    is_card: bool = False
    history: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class FakeCall:
    """One call of the port: the verb and what it was about (a key for sends and finds, an id for edits)."""

    verb: str
    target: str
    outcome: str = "ok"


def plain_parts(content: Content) -> tuple[Part, ...]:
    """Return one part whose text names the content, enough to recognise it in a test."""
    pieces = [content.kind.value]
    if content.round is not None:
        pieces.append(f"r{content.round}")
    pieces += [piece for piece in (content.role_key, content.code) if piece]
    pieces += [f"{name}={value}" for name, value in sorted(content.facts.items())]
    if content.mention:
        pieces.append(f"@{content.snapshot.session.member_id}")
    return (Part(text=" ".join(pieces), file_ids=content.file_ids),)


@dataclass
class FakeChat:
    """A `core.orchestration.ports.ChatPort` that records everything.

    Attributes:
        renderer: Turns contents into parts; by default one short line that names them.
        faults: What happens to the next sends (and `open_thread`s), first one first; None is a success.
        edit_faults: The same for edits: a lost answer is an edit that happened.
        unreadable: True while history cannot be read back.
        loses_edits: True where an edit makes a new message, as Discord's do after an hour.
        calls: Every call in order.
        posts: Every message that the platform keeps, in order of arrival.
        rendered: Every content that was rendered.
        updates: Every progress.
    """

    platform: str = "terminal"
    clock: Clock = field(default_factory=SystemClock)
    renderer: Renderer = plain_parts
    faults: list[Fault | None] = field(default_factory=list)
    edit_faults: list[Fault | None] = field(default_factory=list)
    unreadable: bool = False
    loses_edits: bool = False
    calls: list[FakeCall] = field(default_factory=list)
    posts: list[FakePost] = field(default_factory=list)
    rendered: list[Content] = field(default_factory=list)
    updates: list[Progress] = field(default_factory=list)
    retry_after_seconds: float = 1.0
    _count: int = 0

    def render(self, content: Content) -> Sequence[Part]:
        self.rendered.append(content)
        return self.renderer(content)

    async def open_thread(self, session: Session, card: Part, *, key: str, since: datetime | None = None) -> ThreadRef:
        """Post the card; the thread is named after it, as in Slack."""
        thread = session.thread
        if since is not None and (earlier := await self.find(thread, key, since)) is not None:
            return replace(thread, thread=earlier, card=earlier)
        post_id = self._receive("open_thread", thread, card, key=key, is_card=True)
        return replace(thread, thread=post_id, card=post_id)

    async def send(self, thread: ThreadRef, part: Part, *, key: str) -> str:
        return self._receive("send", thread, part, key=key)

    async def edit(self, thread: ThreadRef, post_id: str, part: Part) -> str:
        fault = self.edit_faults.pop(0) if self.edit_faults else None
        self.calls.append(FakeCall("edit", post_id, fault.value if fault else "ok"))
        self._fail_before(fault)
        position = next((i for i, post in enumerate(self.posts) if post.id == post_id), None)
        if position is None or self.loses_edits:
            post_id = self._keep(thread, part, key="")
        else:
            post = self.posts[position]
            self.posts[position] = replace(post, part=part, history=(*post.history, post.part))
        self._fail_after(fault)
        return post_id

    async def find(self, thread: ThreadRef, key: str, since: datetime) -> str | None:
        self.calls.append(FakeCall("find", key, "unreadable" if self.unreadable else "ok"))
        if self.unreadable:
            raise HistoryUnreadable("history cannot be read", retry_after_seconds=self.retry_after_seconds)
        return next((post.id for post in self.posts if post.key == key and post.at >= since), None)

    def progress(self, update: Progress) -> None:
        self.updates.append(update)

    @property
    def texts(self) -> list[str]:
        """Texts of all messages as they stand now, in order of arrival."""
        return [post.part.text for post in self.posts]

    @property
    def duplicates(self) -> list[str]:
        """Keys that more than one message carries: always empty when the outbox does its work."""
        keys = [post.key for post in self.posts if post.key]
        return sorted({key for key in keys if keys.count(key) > 1})

    def texts_in(self, thread: ThreadRef) -> list[str]:
        """Return the texts of a thread, its card not counted, in order of arrival."""
        return [
            post.part.text
            for post in self.posts
            if not post.is_card and (post.thread.channel, post.thread.thread) == (thread.channel, thread.thread)
        ]

    def streamed(self, session_id: str, round_number: int, role_key: str) -> str:
        """Return the text that a role's progress showed since it last started or restarted."""
        text = ""
        for update in self.updates:
            if (update.session_id, update.round, update.role_key) == (session_id, round_number, role_key):
                text = "" if update.state in {"started", "restarted"} else text + update.delta
        return text

    def _receive(self, verb: str, thread: ThreadRef, part: Part, *, key: str, is_card: bool = False) -> str:
        fault = self.faults.pop(0) if self.faults else None
        self.calls.append(FakeCall(verb, key, fault.value if fault else "ok"))
        self._fail_before(fault)
        post_id = self._keep(thread, part, key=key, is_card=is_card)
        self._fail_after(fault)
        return post_id

    def _keep(self, thread: ThreadRef, part: Part, *, key: str, is_card: bool = False) -> str:
        self._count += 1
        post_id = f"m{self._count}"
        self.posts.append(FakePost(post_id, key, thread, part, self.clock.now(), is_card=is_card))
        return post_id

    def _fail_before(self, fault: Fault | None) -> None:
        if fault is Fault.AWAY:
            raise NotInstalled("account_inactive")
        if fault is Fault.REFUSED:
            raise PostRefused("msg_too_long")
        if fault is Fault.BUSY:
            raise TransientError("rate limited", retry_after_seconds=self.retry_after_seconds)
        if fault is Fault.LOST_POST:
            raise PostUncertain("connection reset before the answer")

    def _fail_after(self, fault: Fault | None) -> None:
        if fault is Fault.LOST_ANSWER:
            raise PostUncertain("connection reset before the answer")
