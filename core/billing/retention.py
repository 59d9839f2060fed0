"""Texts are kept as long as a workspace's plan says, or its operator, or itself; then they go and the receipt stays."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from core.billing.model import NoticeKind, RetentionTerm
from core.billing.notices import tell
from core.billing.ports import BillingStore, BillingTransaction
from core.clock import Clock
from core.credits.entitlements import get_tier
from core.credits.tiers import PriceList
from core.errors import TransientError
from core.sessions.forgetting import forget_texts
from core.sessions.model import ENDED, Session, Status
from core.sessions.ports import AuditEntry, FileStore
from core.workspaces.model import Workspace

LEAST_DAYS = 7
"""Nobody can choose fewer: requests in the inbox, which hold texts too, are kept that long."""
NOTICE = timedelta(days=14)
"""Between a term that gets shorter and the first text that goes because of it."""
_WORKSPACES = 50
_SESSIONS = 50
_FILES = 100
_ACTOR = "system"
_log = structlog.get_logger(__name__)


def days_of(prices: PriceList, workspace: Workspace, *, own_days: int | None) -> int | None:
    """Return how many days the texts of a workspace's ended sessions should be kept, None for without end.

    Args:
        prices: What the tiers say.
        workspace: Whose; it may have chosen fewer than its tier.
        own_days: What the operator set for where nothing is sold.
    """
    tier = get_tier(prices, workspace.tier)
    wanted = [tier.retention_days if tier.checks_balance else own_days, workspace.settings.retention_days]
    found = [days for days in wanted if days is not None]
    return max(LEAST_DAYS, min(found)) if found else None


def next_term(term: RetentionTerm, wanted: int | None, now: datetime) -> RetentionTerm:
    """Return the term that follows: a longer one at once, a shorter one two weeks after it was first asked for."""
    if wanted is None or (term.days is not None and wanted >= term.days):
        return RetentionTerm(term.workspace_id, wanted)
    if term.shorter_days is None or term.shorter_from is None or wanted < term.shorter_days:
        return replace(term, shorter_days=wanted, shorter_from=now + NOTICE)
    if now >= term.shorter_from:
        return RetentionTerm(term.workspace_id, wanted)
    return replace(term, shorter_days=wanted)


class Retention:
    """Removes what is older than it may be. Any number of processes may do it at once; each session goes once."""

    def __init__(
        self,
        *,
        store: BillingStore,
        files: FileStore,
        prices: PriceList,
        clock: Clock,
        own_days: int | None = None,
        tells: bool = False,
    ) -> None:
        """Make a retention.

        Args:
            store: The database.
            files: Where bytes are.
            prices: What the tiers say.
            clock: The time.
            own_days: What the operator set for where nothing is sold; None for without end.
            tells: Whether those who may buy are told before a shorter term begins; a shop's notices are delivered.
        """
        self._store = store
        self._files = files
        self._prices = prices
        self._clock = clock
        self._own_days = own_days
        self._tells = tells

    async def run(self) -> int:
        """Remove texts and files that are too old, some at a time; return how many sessions they were of.

        Files of sessions that a person deleted in a process that died are deleted too.
        """
        removed, after = 0, ""
        while True:
            terms = await self._store.write(lambda tx, start=after: self._settle_terms(tx, start))  # type: ignore[misc]
            for term in terms:
                if term.days is not None:
                    removed += await self._expire(term.workspace_id, term.days)
            if not terms:
                break
            after = terms[-1].workspace_id
        await self._delete_files()
        return removed

    def _settle_terms(self, tx: BillingTransaction, after: str) -> list[RetentionTerm]:
        return [self._settle(tx, workspace) for workspace in tx.workspaces.list_all(limit=_WORKSPACES, after=after)]

    def _settle(self, tx: BillingTransaction, workspace: Workspace) -> RetentionTerm:
        """Return the term that is in force now, and announce one that gets shorter."""
        now = self._clock.now()
        wanted = days_of(self._prices, workspace, own_days=self._own_days)
        before = tx.retention.find_term(workspace.id)
        if before is None and (wanted is None or workspace.created_at > now - timedelta(days=wanted)):
            term = RetentionTerm(workspace.id, wanted)  # nothing there can be older than that yet
        else:
            term = next_term(before or RetentionTerm(workspace.id), wanted, now)
        if term != before:
            tx.retention.save_term(term)
        if term.shorter_days is not None and term.shorter_from is not None:
            self._announce(tx, term, term.shorter_days, term.shorter_from)
        return term

    def _announce(self, tx: BillingTransaction, term: RetentionTerm, days: int, begins: datetime) -> None:
        """Tell those who may buy once, if anything would go on that day."""
        if not self._tells:
            return
        if tx.retention.list_expired(term.workspace_id, before=begins - timedelta(days=days), limit=1):
            tell(
                tx,
                NoticeKind.TEXTS_EXPIRE,
                f"texts:{term.workspace_id}:{begins:%Y%m%d}:{days}",
                workspace_id=term.workspace_id,
                now=self._clock.now(),
                days=days,
                from_at=begins.isoformat(),
            )

    async def _expire(self, workspace_id: str, days: int) -> int:
        before = self._clock.now() - timedelta(days=days)
        total = 0
        while True:
            found = await self._store.read(
                lambda tx: tx.retention.list_expired(workspace_id, before=before, limit=_SESSIONS)
            )
            removed = 0
            for session_id in found:
                removed += await self._store.write(
                    lambda tx, one=session_id: self._forget(tx, one, days, before)  # type: ignore[misc]
                )
            total += removed
            if removed:
                _log.info("texts_expired", workspace=workspace_id, sessions=removed, days=days)
                await self._delete_files()
            if not removed:  # there was nothing, or another process had it
                return total

    def _forget(self, tx: BillingTransaction, session_id: str, days: int, before: datetime) -> bool:
        session = tx.sessions.lock(session_id)
        if session is None or not _is_due(session, before):
            return False  # another process was faster, or a person went on with it
        now = self._clock.now()
        if session.status is Status.DRAFT:
            tx.sessions.delete(session.id)  # it never ran, so there is no receipt to keep
        else:
            forget_texts(tx, session, at=now, after_days=days)
        details = {"days": days}
        tx.audit.add(AuditEntry(now, _ACTOR, "session_expired", session.workspace_id, session.id, details))
        return True

    async def _delete_files(self) -> None:
        """Delete the bytes of files whose rows are gone: after the commit, so that no row ever names what is not there.

        One that cannot be deleted now stays on the list and keeps no other there.
        """
        stuck: set[str] = set()
        while True:
            most = _FILES + len(stuck)
            listed = await self._store.read(lambda tx, most=most: tx.retention.list_doomed_files(limit=most))  # type: ignore[misc]
            gone: list[str] = []
            for key in listed:
                if key in stuck:
                    continue
                try:
                    await self._files.delete(key)
                except TransientError as error:
                    stuck.add(key)
                    _log.warning("file_not_deleted", key=key, error=type(error).__name__)
                else:
                    gone.append(key)
            if not gone:  # nothing is left, or the store is not there
                return
            await self._store.write(lambda tx, gone=gone: tx.retention.forget_doomed_files(gone))  # type: ignore[misc]


def _is_due(session: Session, before: datetime) -> bool:
    """Return whether a session may go, as it stands under its lock."""
    if session.status is not Status.DRAFT and session.status not in ENDED:
        return False
    return not session.starred and session.forgotten_at is None and (session.ended_at or session.created_at) < before
