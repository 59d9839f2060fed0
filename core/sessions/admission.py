"""Whether a session may run now: what its workspace's tier allows and its balance pays for."""

from datetime import datetime

from core.clock import Clock
from core.credits.entitlements import Ask, check_admission
from core.credits.errors import InsufficientCredits
from core.credits.tariff import Tariff
from core.credits.tiers import PriceList
from core.sessions.allowance import check_allowance
from core.sessions.errors import BadRequest
from core.sessions.intake import Intake
from core.sessions.model import LIVE, Session, Status
from core.sessions.ports import Transaction
from core.workspaces.model import Workspace


class Admission:
    """Lets sessions in."""

    def __init__(self, *, intake: Intake, prices: PriceList, tariff: Tariff, clock: Clock) -> None:
        self._intake = intake
        self._prices = prices
        self._tariff = tariff
        self._clock = clock

    def check(self, tx: Transaction, session: Session, *, starts: bool) -> None:
        """Return if tier and balance allow the session to run now.

        Args:
            tx: The transaction that will let it run.
            session: As it would run.
            starts: Whether this is its first start, which the tier's limits of rounds and of sessions a month are for.

        Raises:
            BadRequest: If the app was removed from the workspace.
            NotEntitled: If the tier does not allow it.
            AllowanceReached: If its member, or its workspace, may not spend that much this month.
            InsufficientCredits: If the workspace cannot pay for even the low end of the quote; when it only goes on,
                if it has no credits at all.
        """
        workspace = _workspace(tx, session)
        now = self._clock.now()
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        check_admission(
            self._prices,
            workspace.tier,
            Ask(
                editors=len(session.cast.editors),
                rounds=session.cast.stop.max_rounds if starts else 0,
                models=[self._intake.spec(role.model or session.model) for role in session.cast.roles],
                live_sessions=tx.sessions.count(session.workspace_id, statuses=sorted(LIVE)) - (session.status in LIVE),
                sessions_month=_started_since(tx, session.workspace_id, month) if starts else None,
            ),
        )
        check_allowance(tx, session, workspace.settings, month=month)
        if not self._tariff.checks_balance:
            return
        captured, _ = tx.credits.session_totals(session.id)
        room = session.cap_microcredits - captured
        required = min(room, session.quote_low_microcredits) if starts else 1
        account = tx.credits.find_account(session.workspace_id)
        available = account.available_microcredits if account is not None else 0
        if available < required:
            raise InsufficientCredits(required_microcredits=required, available_microcredits=available)

    def can_pay(self, tx: Transaction, session: Session) -> bool:
        """Return whether a session that waits for credits would get somewhere, so that it is not woken in vain."""
        captured, _ = tx.credits.session_totals(session.id)
        required = min(session.cap_microcredits - captured, session.quote_low_microcredits)
        account = tx.credits.find_account(session.workspace_id)
        return account is not None and account.available_microcredits >= required


def _started_since(tx: Transaction, workspace_id: str, moment: datetime) -> int:
    """Return how many sessions a workspace started since *moment*; drafts do not count."""
    statuses = [status for status in Status if status is not Status.DRAFT]
    return tx.sessions.count(workspace_id, statuses=statuses, since=moment)


def _workspace(tx: Transaction, session: Session) -> Workspace:
    workspace = tx.workspaces.find(session.workspace_id)
    if workspace is None:
        raise BadRequest("workspace", f"The workspace {session.workspace_id} does not exist.")
    if workspace.removed_at is not None:
        raise BadRequest("workspace", "Atelier was removed from this workspace: install it again, then start.")
    return workspace
