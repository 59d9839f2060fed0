"""The terminal as a workspace: who pays and who asks when somebody works from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.credits.model import LotKind
from core.money import MICROCREDITS_PER_CREDIT
from core.sessions.model import ThreadRef
from core.workspaces.model import Member, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from bots.bootstrap import Parts
    from core.sessions.model import Session
    from core.sessions.ports import Transaction

WORKSPACE = "terminal:local"
MEMBER = f"{WORKSPACE}/me"
THREAD = ThreadRef(platform="terminal", channel="local")
DEMO_THREAD = ThreadRef(platform="terminal", channel="demo")
_WELCOME_CREDITS = 1_000


async def ensure_workspace(parts: Parts) -> None:
    """Make the terminal's workspace and member unless they exist. It has no tier's limits: its owner is the operator."""
    now = parts.clock.now()

    def work(tx: Transaction) -> None:
        if tx.workspaces.find(WORKSPACE) is None:
            tx.workspaces.save(Workspace(WORKSPACE, "terminal", "This terminal", now, tier="unlimited"))
        if tx.workspaces.find_member(MEMBER) is None:
            tx.workspaces.save_member(Member(MEMBER, WORKSPACE, "me", "You", now))

    await parts.database.write(work)


def is_demo(session: Session) -> bool:
    """Return whether a session is a demonstration."""
    return (session.thread.platform, session.thread.channel) == (DEMO_THREAD.platform, DEMO_THREAD.channel)


def began_as_demo(session_id: str) -> Callable[[Transaction], bool]:
    """Return what tells whether a session is a demonstration: it goes on with the money that it began with."""

    def tell(tx: Transaction) -> bool:
        session = tx.sessions.find(session_id)
        return session is not None and is_demo(session)

    return tell


async def grant_demo_credits(parts: Parts, session: Session) -> None:
    """Give the terminal what a demonstration may cost, so that quote, set-aside and receipt are real."""

    def work(tx: Transaction) -> None:
        available = parts.ledger.balance(tx.credits, WORKSPACE).available_microcredits
        if available < session.cap_microcredits:
            account = tx.credits.find_account(WORKSPACE)
            wanted = max(_WELCOME_CREDITS * MICROCREDITS_PER_CREDIT, session.cap_microcredits)
            parts.ledger.grant(
                tx.credits,
                workspace_id=WORKSPACE,
                kind=LotKind.PROMO,
                amount_microcredits=wanted,
                source_key=f"demo:{session.id}:{account.seq if account is not None else 0}",
                actor="system",
                reason="credits for trying it; nothing was bought",
            )

    await parts.database.write(work)
