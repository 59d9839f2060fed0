"""What the billing parts of the desk share: who may buy, what can be seen, and how an outage of Stripe is told."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bots.desk.notices import DeskNotices
from bots.desk.tools import Call, Handler, Tools
from bots.views.ask import failure_view
from bots.views.billing import Reader, buyers_words
from core.billing.buyers import Buyer
from core.billing.catalogue import Product
from core.billing.errors import BillingUnavailable, NotABuyer, NothingSold, UnknownProduct
from core.billing.overview import BillingReader, Overview, month_of
from core.billing.service import BillingService
from core.money import Unit
from core.sessions.model import Session
from core.sessions.ports import Transaction
from core.workspaces.access import Denial, configure_denial, refuse, steer_denial
from core.workspaces.errors import NotAllowed
from core.workspaces.model import Member


@dataclass(frozen=True, slots=True)
class Counter:
    """Where money is asked about.

    Attributes:
        tools: What the desk works with.
        reader: What can be seen of it.
        notices: Who hears about money, and how.
        service: What can be done about it; None where nothing is sold.
    """

    tools: Tools
    reader: BillingReader
    notices: DeskNotices
    service: BillingService | None = None

    def need_service(self) -> BillingService:
        """Return what can be done; raises `NothingSold` where nothing is sold."""
        if self.service is None:
            raise NothingSold("this installation has no shop")
        return self.service

    async def may_buy(self, call: Call) -> bool:
        """Return whether the asker may buy for the workspace."""
        return self.service is not None and await self.service.may_buy(buyer_of(call))

    async def check_buyer(self, call: Call) -> BillingService:
        """Return what can be done if the asker may buy; raises `NotABuyer`, or `NothingSold`."""
        service = self.need_service()
        if not await service.may_buy(buyer_of(call)):
            raise NotABuyer(call.workspace.id)
        return service

    async def buyers(self, workspace_id: str) -> tuple[Member, ...]:
        """Return the members who were named as buyers."""
        members = await self.tools.store.read(lambda tx: tx.workspaces.list_members(workspace_id))
        return tuple(member for member in members if member.is_buyer and not member.is_blocked)

    async def buyers_words(self, call: Call) -> str:
        """Return who may buy, in words: by name those who were named, or else the admins whom we know."""
        named = await self.buyers(call.workspace.id)
        admins = () if named else await self.notices.list_admins(call.workspace.id)
        return buyers_words(
            [member.name for member in named or admins], are_named=bool(named), platform=call.door.platform
        )

    async def card(self, call: Call) -> tuple[Overview, Reader]:
        """Return what the card shows, and to whom."""
        overview = await self.reader.overview(call.workspace.id)
        settings = call.workspace.settings
        own = 0
        if settings.member_cap_microcredits is not None:
            now = self.tools.clock.now()
            used = await self.reader.digest(call.workspace.id, since=month_of(now), until=now)
            own = sum(item.microcredits for item in used.spend if item.member_id == call.member.id)
        reader = Reader(
            may_buy=await self.may_buy(call),
            is_open=self.service is not None and self.service.is_open,
            buyers=await self.buyers_words(call),
            allowance_microcredits=settings.member_cap_microcredits,
            own_microcredits=own,
            budget_microcredits=settings.monthly_cap_microcredits,
        )
        return overview, reader

    async def product(self, workspace_id: str, key: str) -> Product:
        """Return what is sold under *key*; raises `UnknownProduct`."""
        products = (await self.reader.plans(workspace_id)).products
        for product in products:
            if product.key == key:
                return product
        raise UnknownProduct(key, tuple(item.key for item in products))

    async def session(self, call: Call, session_id: str) -> Session | None:
        """Return the session that something is bought for; None for one of another workspace."""

        def read(tx: Transaction) -> Session | None:
            found = tx.sessions.find(session_id) if session_id else None
            return found if found is not None and found.workspace_id == call.workspace.id else None

        return await self.tools.store.read(read)

    async def lacks(self, session: Session) -> int:
        """Return how many micro-credits are missing until a session gets somewhere; 0 where nothing is."""

        def read(tx: Transaction) -> int:
            captured, _ = tx.credits.session_totals(session.id)
            required = min(session.cap_microcredits - captured, session.quote_low_microcredits)
            account = tx.credits.find_account(session.workspace_id)
            return max(0, required - (account.available_microcredits if account is not None else 0))

        return await self.tools.store.read(read)


def buyer_of(call: Call) -> Buyer:
    """Return the asker as somebody who may want to buy: an admin of another workspace is none of this one."""
    is_admin = configure_denial(call.member, call.person.standing) is None
    return Buyer(call.workspace.id, call.member.id, is_admin=is_admin)


def check_reader(call: Call) -> None:
    """Return if the asker may see the workspace's money: its own people, and whom they named; raises `NotAllowed`."""
    standing = call.person.standing
    denial = steer_denial(call.workspace, call.member, standing)
    is_strange = (standing.is_outsider or standing.is_guest) and not call.member.is_buyer
    if is_strange and denial in {None, Denial.OUTSIDER, Denial.GUEST}:
        raise NotAllowed(Denial.NOT_OURS)
    if denial in {Denial.BOT, Denial.BLOCKED}:
        refuse(denial)


def guarded(act: Callable[[Call], Awaitable[None]], *, is_for_starters: bool = False) -> Handler:
    """Return *act* as a handler that only the workspace's own people get to, and that says it when Stripe is away.

    Whoever asks for a link has no use for it minutes later: they are told at once, and ask again.

    Args:
        act: What is done.
        is_for_starters: Whether everybody gets to it who may start and steer here, guests too.
    """

    async def handler(call: Call) -> None:
        if is_for_starters:
            refuse(steer_denial(call.workspace, call.member, call.person.standing))
        else:
            check_reader(call)
        try:
            await act(call)
        except BillingUnavailable as error:
            await call.say(failure_view(error, unit=Unit.CREDITS))

    return handler
