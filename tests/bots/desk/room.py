"""A desk with everything real but the platform and the models."""

from dataclasses import dataclass, field, replace
from typing import Any

from bots.commands import Place
from bots.desk.desk import Desk
from bots.desk.door import Door
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.parsing import Value
from bots.views.elements import Button
from core.credits.model import LotKind
from core.orchestration.posting import Poster
from core.sessions.model import Session, Status, ThreadRef
from core.sessions.ports import Store, Transaction
from core.sessions.requests import Upload
from core.workspaces.model import Workspace, WorkspaceSettings
from tests.core.orchestration.harness import TEXT, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.door import FakeDoor, Whisper
from tests.fakes.model import ScriptedModel, helpful

HOME, OTHER = "fake:w1", "fake:w2"
CHANNEL = "c1"
SCORES = {0: 5.0, 1: 6.0, 2: 7.0, 3: 8.0, 4: 8.5}
REPORT = Attachment("F1", "report.md", size_bytes=len(TEXT))


def desk_over(harness: Harness, *doors: Door, **changes: Any) -> Desk:
    """Return a desk over the parts of *harness*, as the process has it that serves *doors*."""
    parts: dict[str, Any] = {
        "store": harness.store,
        "sessions": harness.service,
        "intake": harness.intake,
        "poster": harness.poster,
        "files": harness.files,
        "registry": harness._casting._registry,
        "prices": harness.prices,
        "tariff": harness.tariff,
        "ledger": harness.ledger,
        "clock": harness.clock,
        "vendors": ("Anthropic",),
        "doors": {door.platform: door for door in doors},
    }
    return Desk(**{**parts, **changes})


@dataclass
class Room:
    """What a test talks to."""

    store: Store
    clock: FakeClock
    checks_balance: bool = True
    asks_setup: frozenset[str] = frozenset()
    harness: Harness = field(init=False)
    door: FakeDoor = field(init=False)
    desk: Desk = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.harness = Harness(
            self.store, self.clock, ScriptedModel(helpful(SCORES)), checks_balance=self.checks_balance
        )
        self.door = FakeDoor(files={"F1": TEXT, "F2": b"House rules.", "F3": b"Another text."})
        self.desk = self.make_desk()

    def make_desk(self, **changes: Any) -> Desk:
        """Return a desk over the same parts, as another process would have it."""
        choices = {"sample": Upload("proposal.md", TEXT), "asks_setup": self.asks_setup, **changes}
        return desk_over(self.harness, self.door, **choices)

    @property
    def poster(self) -> Poster:
        return self.harness.poster

    async def found(self, workspace_id: str = HOME, *, grant: int = 5_000_000_000, **settings: Any) -> None:
        """Make a workspace with credits."""

        def work(tx: Transaction) -> None:
            made = WorkspaceSettings(**settings)
            tx.workspaces.save(Workspace(workspace_id, "fake", "Fake", self.clock.now(), tier="pro", settings=made))
            if grant:
                self.harness.ledger.grant(
                    tx.credits,
                    workspace_id=workspace_id,
                    kind=LotKind.PACK,
                    amount_microcredits=grant,
                    source_key=f"test:{workspace_id}",
                    actor="test",
                )

        await self.store.write(work)

    def request(
        self,
        kind: RequestKind,
        who: str = "ann",
        *,
        workspace_id: str = HOME,
        channel: str = CHANNEL,
        thread: str = "",
        message_id: str = "",
        place: Place | None = None,
        **fields: Any,
    ) -> Request:
        """Return a request; each has an id of its own."""
        self.count += 1
        self.clock.move(1)  # no two things happen at one moment
        where = place or (Place.THREAD if thread else Place.CHANNEL)
        spot = Spot(ThreadRef("fake", channel, thread), where, message_id or f"m-{self.count}")
        return Request(f"q_{self.count}", kind, Actor(workspace_id, who), spot, **fields)

    async def send(self, request: Request) -> Request:
        """Let the desk handle a request the way a platform does, with all that it sets off."""
        await self.desk.inbox.take(request, source="fake", keys=[request.id])
        await self.desk.inbox.drain()
        return request

    async def command(
        self, name: str, who: str = "ann", *, values: dict[str, Value] | None = None, **more: Any
    ) -> Request:
        return await self.send(self.request(RequestKind.COMMAND, who, command=name, values=values or {}, **more))

    async def mention(self, text: str, who: str = "ann", **more: Any) -> Request:
        return await self.send(self.request(RequestKind.MENTION, who, text=text, **more))

    async def say(self, text: str, who: str = "ann", *, thread: str, **more: Any) -> Request:
        return await self.send(self.request(RequestKind.SAID, who, text=text, thread=thread, **more))

    async def press(self, button: Button, who: str = "ann", **more: Any) -> Request:
        fields = {"action": button.action, "target": button.target, "argument": button.argument}
        return await self.send(self.request(RequestKind.PRESS, who, **{**fields, **more}))

    @property
    def last(self) -> Whisper:
        return self.door.last

    async def sessions(self, workspace_id: str | None = HOME) -> list[Session]:
        """Return the sessions of a workspace, newest first."""
        return list(await self.harness.service.list_sessions(workspace_id=workspace_id))

    async def only(self) -> Session:
        """Return the one session that there is."""
        (session,) = await self.sessions()
        return session

    async def running(self, who: str = "ann", **more: Any) -> Session:
        """Return a session of *who* that runs, with its card and thread; no model was asked yet."""
        asked = await self.mention("tighten this", who, files=(REPORT,), **more)
        session = next(item for item in await self.sessions(asked.actor.workspace_id))
        await self.harness.runner._store.write(lambda tx: self.harness.runner._begin(tx, session.id, session.segment))
        await self.poster.flush(session.id)
        return await self.harness.service.get(session.id)

    async def ended(self, who: str = "ann", **more: Any) -> Session:
        """Return a session of *who* that is over."""
        await self.mention("tighten this --rounds 1", who, files=(REPORT,), **more)
        session = (await self.sessions())[0]
        await self.harness.run(session.id)
        ended = await self.harness.service.get(session.id)
        assert ended.status is Status.COMPLETED
        return ended

    async def change(self, session: Session, **changes: Any) -> None:
        """Write other facts of a session."""
        await self.store.write(lambda tx: tx.sessions.save(replace(session, **changes)))

    async def guidance(self, session: Session) -> list[tuple[str, bool]]:
        """Return what was said to a session and whether it is muted."""
        found = await self.store.read(lambda tx: tx.sessions.list_guidance(session.id))
        return [(item.text, item.muted) for item in found]
