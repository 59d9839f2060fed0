"""A whole room without an engine: real store, real ledger, scripted model, chat in memory."""

from dataclasses import dataclass, field

from core.clock import Clock
from core.credits.model import LotKind
from core.credits.service import Ledger
from core.credits.tariff import Tariff
from core.credits.tiers import load_price_list
from core.documents.align import document_from_markdown
from core.documents.exporting import Exporter, ThreadExporter
from core.documents.model import Document
from core.orchestration.acting import Acting
from core.orchestration.finish import Finisher
from core.orchestration.ports import Snapshot
from core.orchestration.posting import Poster
from core.orchestration.segment import SegmentRunner, StepOutcome
from core.orchestration.snapshot import load_snapshot
from core.orchestration.turns import TurnRunner
from core.providers.base import Model
from core.providers.catalogue import Catalogue
from core.providers.registry import Credentials, ModelRegistry
from core.sessions.casting import Casting
from core.sessions.intake import Intake
from core.sessions.model import Session, ThreadRef
from core.sessions.ports import Engine, FileStore, Store, Transaction
from core.sessions.requests import NewSession, Upload
from core.sessions.service import SessionService
from core.workspaces.model import Member, Workspace, WorkspaceSettings
from tests.fakes.chat import FakeChat
from tests.fakes.model import ScriptedModel

WORKSPACE = "fake:w1"
MEMBER = f"{WORKSPACE}/ann"
GRANT_MICROCREDITS = 5_000_000_000
TEXT = b"# Report\n\nThe first paragraph is here.\n\nThe second paragraph ends it.\n"


class MemoryFiles:
    """A `core.sessions.ports.FileStore` in memory."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes) -> None:
        self.data[key] = data

    async def get(self, key: str) -> bytes:
        return self.data[key]

    async def delete(self, key: str) -> None:
        self.data.pop(key, None)


class MarkdownReader:
    """A `core.sessions.intake.DocumentReader` for Markdown, in this process."""

    async def read(self, data: bytes, *, name: str, max_bytes: int | None = None, platform: str = "") -> Document:
        return document_from_markdown(data.decode(), title=name)


@dataclass
class RecordingEngine:
    """A `core.sessions.ports.Engine` that remembers what it was asked."""

    enqueued: list[tuple[str, int]] = field(default_factory=list)
    cancelled: list[tuple[str, int]] = field(default_factory=list)

    async def enqueue(self, session_id: str, segment: int) -> None:
        self.enqueued.append((session_id, segment))

    async def cancel(self, session_id: str, segment: int) -> None:
        self.cancelled.append((session_id, segment))


class Harness:
    """Everything a session needs.

    Args:
        store, clock, model: What it stands on.
        checks_balance: Whether credits are sold.
        registry: Whom the roles ask; by default everybody asks *model*.
        platform: Where it posts.
        member_id: Who starts sessions, of the workspace that stands before the slash.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        model: Model,
        *,
        checks_balance: bool = True,
        registry: ModelRegistry | None = None,
        platform: str = "fake",
        member_id: str = MEMBER,
    ) -> None:
        self.store, self.clock, self.model = store, clock, model
        self.platform, self.member_id = platform, member_id
        self.workspace_id = member_id.rpartition("/")[0]
        self.chat = FakeChat(clock=clock, platform=platform)
        self.files: FileStore = MemoryFiles()
        self.exporter: Exporter = ThreadExporter()
        self.engine = RecordingEngine()
        catalogue = Catalogue.load()
        registry = registry or ModelRegistry(catalogue, Credentials(), clock=clock, rehearsal_factory=lambda: model)
        self.prices = prices = load_price_list()
        self.tariff = Tariff(prices, checks_balance=checks_balance, rehearsal_priced_as=catalogue.default("anthropic"))
        self.ledger = Ledger(clock)
        casting = Casting(registry=registry, prices=prices)
        self._casting = casting
        self.rebuild()

    def rebuild(self) -> None:
        """Make services, runner and poster anew, after a test exchanged a part."""
        store, clock = self.store, self.clock
        self.intake = Intake(
            store=store,
            files=self.files,
            reader=MarkdownReader(),
            casting=self._casting,
            prices=self.prices,
            tariff=self.tariff,
            clock=clock,
        )
        self.use(self.engine)
        self.poster = Poster(
            store=store, chats={self.platform: self.chat}, clock=clock, price_next=self.intake.price_next
        )
        self.finisher = Finisher(
            store=store,
            files=self.files,
            exporter=self.exporter,
            ledger=self.ledger,
            clock=clock,
            version="test",
        )
        self.runner = SegmentRunner(
            store=store,
            casting=self._casting,
            turns=TurnRunner(
                store=store, ledger=self.ledger, tariff=self.tariff, clock=clock, price_version=self.prices.version
            ),
            acting=Acting(),
            finisher=self.finisher,
            poster=self.poster,
            clock=clock,
        )

    @property
    def scripted(self) -> ScriptedModel:
        """The model, when it is a scripted one."""
        assert isinstance(self.model, ScriptedModel)
        return self.model

    @property
    def kept(self) -> dict[str, bytes]:
        """The bytes of all files, by key."""
        assert isinstance(self.files, MemoryFiles)
        return self.files.data

    def use(self, engine: Engine) -> None:
        """Let *engine* run sessions instead of the test."""
        self.service = SessionService(
            store=self.store,
            intake=self.intake,
            prices=self.prices,
            tariff=self.tariff,
            engine=engine,
            clock=self.clock,
        )

    async def found(
        self,
        *,
        grant_microcredits: int = GRANT_MICROCREDITS,
        tier: str = "pro",
        settings: WorkspaceSettings | None = None,
    ) -> None:
        """Make the workspace, its member and its credits."""
        now = self.clock.now()

        def work(tx: Transaction) -> None:
            tx.workspaces.save(
                Workspace(
                    self.workspace_id, self.platform, "Fake", now, tier=tier, settings=settings or WorkspaceSettings()
                )
            )
            tx.workspaces.save_member(
                Member(self.member_id, self.workspace_id, self.member_id.rpartition("/")[2], "Ann", now)
            )
            if grant_microcredits:
                self.ledger.grant(
                    tx.credits,
                    workspace_id=self.workspace_id,
                    kind=LotKind.PACK,
                    amount_microcredits=grant_microcredits,
                    source_key="test",
                    actor="test",
                )

        await self.store.write(work)

    async def set_balance(self, microcredits: int) -> None:
        """Give or take credits until exactly *microcredits* are available."""

        def work(tx: Transaction) -> None:
            account = tx.credits.lock_account(self.workspace_id)
            self.ledger.adjust(
                tx.credits,
                workspace_id=self.workspace_id,
                amount_microcredits=microcredits - account.available_microcredits,
                key=f"adjust-{account.seq}",
                actor="test",
                reason="test",
            )

        await self.store.write(work)

    def request(self, **changes: object) -> NewSession:
        """Return a request to tighten `TEXT`."""
        fields: dict[str, object] = {
            "workspace_id": self.workspace_id,
            "member_id": self.member_id,
            "thread": ThreadRef(self.platform, "c1"),
            "brief": "Tighten this.",
            "upload": Upload("report.md", TEXT),
            "rounds": 2,
            "threshold": 9.5,
        }
        return NewSession(**{**fields, **changes})  # type: ignore[arg-type]  # a test may pass anything

    async def begin(self, **changes: object) -> Session:
        """Create and start a session."""
        session = await self.service.create(self.request(**changes))
        return await self.service.start(session.id, actor=self.member_id)

    async def run(self, session_id: str) -> StepOutcome:
        """Run the current segment to its end."""
        session = await self.service.get(session_id)
        while True:
            outcome = await self.runner.step(session_id, session.segment)
            if outcome["next"] != "continue":
                return outcome

    async def snapshot(self, session_id: str) -> Snapshot:
        """Return what is recorded."""
        return await load_snapshot(self.store, session_id)

    async def differences(self) -> tuple[object, ...]:
        """Return what is wrong with the ledger."""
        return await self.store.read(lambda tx: self.ledger.check(tx.credits, self.workspace_id))
