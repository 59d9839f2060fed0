"""What every handler of the desk works with, and what it is called with."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from bots.desk.door import Door, Standing
from bots.desk.forms import Form
from bots.desk.inbox import Inbox
from bots.desk.requests import Request
from bots.parsing import Given
from bots.views.elements import Button, View
from bots.views.words import round_price
from core.clock import Clock
from core.credits.entitlements import allows_model
from core.credits.service import Ledger
from core.credits.tariff import REHEARSAL, Tariff
from core.credits.tiers import PriceList
from core.errors import UserFacingError
from core.money import Unit
from core.orchestration.ports import PostKind, Snapshot
from core.orchestration.posting import Poster, freshen
from core.orchestration.snapshot import load_snapshot
from core.providers.catalogue import ModelSpec
from core.providers.registry import ModelRegistry
from core.sessions.intake import Intake
from core.sessions.model import Session, SessionFile
from core.sessions.ports import FileStore, Store, Transaction
from core.sessions.requests import Upload
from core.sessions.service import SessionService
from core.workspaces.model import Member, Workspace


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that handlers act through.

    Attributes:
        vendors: Names of the companies whose models get the text, as people know them; empty for the rehearsal alone.
        doors: Platforms by name.
        sample: The document of the free sample, None where none ships.
        own_retention_days: Days after which texts go where nothing is sold, None for never.
        asks_setup: Platforms on which only admins may start until one of them looked at the settings.
        ways: What parts of the desk know of ways out of errors.
        greetings: What is done for a workspace when its first member turns up, by its id; each may be repeated.
    """

    store: Store
    sessions: SessionService
    intake: Intake
    poster: Poster
    files: FileStore
    registry: ModelRegistry
    prices: PriceList
    tariff: Tariff
    ledger: Ledger
    clock: Clock
    vendors: tuple[str, ...]
    doors: Mapping[str, Door]
    inbox: Inbox
    sample: Upload | None = None
    asks_setup: frozenset[str] = frozenset()
    own_retention_days: int | None = None
    ways: list["FindWays"] = field(default_factory=list)
    greetings: list[Callable[[str], Awaitable[object]]] = field(default_factory=list)

    async def ways_out(self, call: "Call", error: UserFacingError, session_id: str = "") -> tuple[Button, ...]:
        """Return the buttons that lead out of an error for the one whom it met.

        Args:
            call: Who asked.
            error: What went wrong.
            session_id: The session that it kept from going on; empty for none.
        """
        return tuple([button for find in self.ways for button in await find(call, error, session_id)])

    async def greet(self, workspace_id: str) -> None:
        """Do what is done for a workspace that is new here."""
        for greeting in self.greetings:
            await greeting(workspace_id)

    @property
    def unit(self) -> Unit:
        """In which unit people see amounts."""
        return self.tariff.unit

    @property
    def sells(self) -> bool:
        """Whether credits are sold here; where they are not there are no tiers, gates or buy words."""
        return self.tariff.sells

    async def snapshot(self, session_id: str) -> Snapshot:
        """Return everything that views may show of a session; raises `SessionNotFound`."""
        return await load_snapshot(self.store, session_id, self.unit, price_next=self.intake.price_next)

    async def next_price(self, session: Session) -> str:
        """Return what going on with an ended session is likely to cost, as a sentence; empty where nobody can tell."""
        return round_price(await self.store.read(lambda tx: self.intake.price_next(tx, session)), self.unit)

    async def balance(self, workspace_id: str) -> int:
        """Return what a workspace can spend, in micro-credits."""
        account = await self.store.read(lambda tx: tx.credits.find_account(workspace_id))
        return account.available_microcredits if account is not None else 0

    def models_for(self, workspace: Workspace) -> tuple[ModelSpec, ...]:
        """Return the models that a workspace may choose: of configured providers, allowed by it and by its tier."""
        catalogue, today = self.registry.catalogue, self.clock.now().date()
        configured = self.registry.configured_providers()
        may_see = workspace.settings.providers
        specs = [
            spec
            for spec in catalogue.list()
            if spec.provider in configured and (not may_see or spec.provider in may_see) and not spec.is_over(today)
        ]
        if not configured:
            specs = [spec for spec in catalogue.list() if spec.provider == REHEARSAL]
        return tuple(spec for spec in specs if allows_model(self.prices, workspace.tier, spec))

    async def once(self, *names: str) -> bool:
        """Return True the first time that something of this name happens, False for about a week after that."""
        now = self.clock.now()
        name = ":".join(names)
        return await self.store.write(lambda tx: tx.inbound.add(source="desk", event_id=name, at=now))

    async def refresh(self, session_id: str, *, round_number: int | None = None) -> None:
        """Bring the card of a session, or of one of its rounds, up to date; one that was not posted yet stays so."""
        kind = PostKind.SESSION_CARD if round_number is None else PostKind.ROUND_CARD

        def work(tx: Transaction) -> None:
            if tx.sessions.lock(session_id) is not None:
                freshen(tx, session_id, [kind], round_number=round_number)

        await self.store.write(work)
        await self.poster.flush(session_id)


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks, as recorded and as the platform says."""

    workspace: Workspace
    member: Member
    standing: Standing


@dataclass(frozen=True, slots=True)
class Call(Given):
    """A request on its way to a handler.

    *values* are the options of a command; of a press on a command's button the session.
    """

    request: Request
    person: Person
    door: Door

    @property
    def workspace(self) -> Workspace:
        """Whose the request is."""
        return self.person.workspace

    @property
    def member(self) -> Member:
        """Who asks."""
        return self.person.member

    @property
    def channel(self) -> str:
        """Where it was asked."""
        return self.request.spot.thread.channel

    async def say(self, view: View, *, files: Sequence[SessionFile] = ()) -> None:
        """Answer so that only the asker sees it."""
        await self.door.whisper(self.request, view, files=files)


Handler = Callable[[Call], Awaitable[None]]
FormMaker = Callable[[Call], Awaitable[Form | None]]
FindWays = Callable[[Call, UserFacingError, str], Awaitable[Sequence[Button]]]


@dataclass(frozen=True, slots=True)
class Handlers:
    """What one part of the desk can do.

    Attributes:
        commands: By the command's name; a button whose action is the same name arrives here too, with its session.
        presses: By the button's action, for buttons that are no command; they go before commands.
        forms: By action or command: forms that are opened at once, before anything is stored.
        ways: Finds buttons that lead out of errors.
    """

    commands: Mapping[str, Handler] = field(default_factory=dict)
    presses: Mapping[str, Handler] = field(default_factory=dict)
    forms: Mapping[str, FormMaker] = field(default_factory=dict)
    ways: FindWays | None = None


Part = Callable[[Tools], Handlers]
