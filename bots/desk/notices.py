"""Tells people privately what billing has for them; see `core.billing.notices.BillingNotices`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from typing_extensions import override

from bots.desk.door import Door
from bots.desk.people import platform_of
from bots.desk.requests import Actor
from bots.views.billing_notices import Known, notice_view
from core.billing.model import Audience, Notice, NoticeKind
from core.billing.notices import BillingNotices
from core.clock import Clock
from core.credits.model import Account
from core.credits.tiers import PriceList
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from core.sessions.model import Session
from core.sessions.ports import Store, Transaction
from core.workspaces.access import configure_denial
from core.workspaces.model import Member, Workspace

_log = structlog.get_logger(__name__)
_SOURCE = "notice"
_MOST_ADMINS = 5
_MOST_ASKED = 50  # of each the platform is asked who they are; it remembers the answers
_PRIVATE = "a private session"
_OWN_WAY = timedelta(seconds=15)


class DeskNotices(BillingNotices):
    """Writes to people's direct messages, on every platform alike.

    A notice for buyers goes to the members whom admins named; where nobody is named, or none of them takes messages, to
    the admins whom we have met. A member who was told is remembered, so that what failed for one is not said twice to
    another; only a crash between a message and that note repeats it.
    """

    def __init__(self, *, store: Store, doors: Mapping[str, Door], prices: PriceList, clock: Clock) -> None:
        """Make the teller.

        Args:
            store: The database.
            doors: Platforms by name; they may be added later.
            prices: Names of plans and packs.
            clock: The time.
        """
        self._store = store
        self._doors = doors
        self._prices = prices
        self._clock = clock

    @override
    async def deliver(self, notice: Notice) -> bool:
        if notice.kind is NoticeKind.ASK_ADMIN and self._clock.now() - notice.created_at < _OWN_WAY:
            return False  # the press that asks is telling it just now
        if await self._store.read(lambda tx: _people(tx, notice.workspace_id)) is None:
            return True  # the app was removed: there is nobody to tell any more
        return bool(await self.tell(notice))

    async def tell(self, notice: Notice) -> tuple[Member, ...]:
        """Tell a notice and return who heard of it, now or before; empty if nobody can be told, here or at all.

        Raises:
            TransientError: If somebody could not be told just now.
        """
        door = self._doors.get(platform_of(notice.workspace_id))
        found = await self._store.read(lambda tx: _people(tx, notice.workspace_id))
        if found is None or door is None:
            return ()
        workspace, members = found
        known = await self._known(notice, members)
        session = await self._session(notice)
        buyers = [member for member in members if member.is_buyer]
        chosen = [member for member in members if member.id in notice.member_ids]
        first = chosen if notice.audience is Audience.MEMBERS else buyers
        for group in (first, [item for item in buyers if item not in first]):
            told = await self._tell_all(door, notice, group, known, session)
            if told:
                return told
        return await self._tell_all(door, notice, await self._admins(door, workspace, members), known, session)

    async def tell_names(self, notice: Notice, *, is_new: bool) -> tuple[str, ...]:
        """Tell a notice unless somebody heard of it before; return the names of those who know, empty if nobody does.

        Args:
            notice: The notice.
            is_new: Whether the caller added it: of two presses in one moment only that one tells it.

        Raises:
            TransientError: If somebody could not be told just now, or another press is telling it.
        """
        heard = await self._heard(notice)
        if not heard and not is_new and self._clock.now() - notice.created_at < _OWN_WAY:
            raise TransientError("somebody else is telling it")
        return tuple(member.name for member in heard or await self.tell(notice))

    async def _heard(self, notice: Notice) -> list[Member]:
        def read(tx: Transaction) -> list[Member]:
            members = tx.workspaces.list_members(notice.workspace_id)
            return [item for item in members if tx.inbound.has(source=_SOURCE, event_id=_told_name(notice, item))]

        return await self._store.read(read)

    async def list_admins(self, workspace_id: str) -> Sequence[Member]:
        """Return admins whom we know, those whom we met first before others; see `core.workspaces.access`."""
        door = self._doors.get(platform_of(workspace_id))
        found = await self._store.read(lambda tx: _people(tx, workspace_id))
        return await self._admins(door, *found) if door is not None and found is not None else ()

    async def _tell_all(
        self, door: Door, notice: Notice, members: Sequence[Member], known: Known, session: Session | None
    ) -> tuple[Member, ...]:
        """Return who was told, now or before.

        Raises:
            TransientError: If somebody could not be told just now.
        """
        told: list[Member] = []
        later: TransientError | None = None
        for member in members:
            try:
                if await self._tell(door, notice, member, _for_eyes_of(member, known, session)):
                    told.append(member)
            except TransientError as error:
                later = error
        if later is not None:
            raise later
        return tuple(told)

    async def _tell(self, door: Door, notice: Notice, member: Member, known: Known) -> bool:
        name = _told_name(notice, member)
        if await self._store.read(lambda tx: tx.inbound.has(source=_SOURCE, event_id=name)):
            return True
        if not await door.tell(member.id, notice_view(notice, known)):
            _log.info("notice_untold", kind=notice.kind.value, workspace=notice.workspace_id)
            return False
        now = self._clock.now()
        await self._store.write(lambda tx: tx.inbound.add(source=_SOURCE, event_id=name, at=now))
        return True

    async def _admins(self, door: Door, workspace: Workspace, members: Sequence[Member]) -> list[Member]:
        """Return admins among those whom we know, those whom we met first before others."""
        found: list[Member] = []
        for member in sorted(members, key=lambda item: item.created_at)[:_MOST_ASKED]:
            if len(found) >= _MOST_ADMINS:
                break
            try:
                standing = await door.standing(Actor(workspace.id, member.external_id, member.name))
            except PostRefused:  # somebody who left
                continue
            if configure_denial(member, standing) is None:
                found.append(member)
        return found

    async def _session(self, notice: Notice) -> Session | None:
        session_id = str(notice.facts.get("session", ""))
        found = await self._store.read(lambda tx: tx.sessions.find(session_id)) if session_id else None
        return found if found is not None and found.workspace_id == notice.workspace_id else None

    async def _known(self, notice: Notice, members: Sequence[Member]) -> Known:
        """Return the names of what a notice speaks of."""

        def read(tx: Transaction) -> dict[str, Any]:
            projects = tx.workspaces.list_projects(notice.workspace_id, archived=True)
            account = tx.credits.find_account(notice.workspace_id) or Account(notice.workspace_id)
            return {
                "projects": {item.id: item.name for item in projects},
                "available_microcredits": account.available_microcredits,
            }

        return Known(
            members={member.id: member.name for member in members},
            products=_names(self._prices),
            platform=platform_of(notice.workspace_id),
            **await self._store.read(read),
        )


def _told_name(notice: Notice, member: Member) -> str:
    return f"{notice.key}:{member.id}"


def _people(tx: Transaction, workspace_id: str) -> tuple[Workspace, list[Member]] | None:
    """Return a workspace that has the app, and its members who are not blocked."""
    workspace = tx.workspaces.find(workspace_id)
    if workspace is None or workspace.removed_at is not None:
        return None
    return workspace, [member for member in tx.workspaces.list_members(workspace_id) if not member.is_blocked]


def _names(prices: PriceList) -> dict[str, str]:
    tiers = {tier.key: tier.name for tier in prices.tiers}
    return tiers | {pack.key: pack.name for pack in prices.packs}


def _for_eyes_of(member: Member, known: Known, session: Session | None) -> Known:
    """Return what one person may know: the title of a private session is its starter's alone."""
    if session is None:
        return known
    is_theirs = session.member_id == member.id
    title = session.title if is_theirs or not session.origin else _PRIVATE
    return replace(known, session_title=title, session_status=session.status, may_start=is_theirs)
