"""Forgetting the texts of a session: what was written goes, what was paid stays. The one place that does it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from core.sessions.model import Session
from core.sessions.ports import Transaction


def forget_texts(tx: Transaction, session: Session, *, at: datetime, after_days: int | None = None) -> Sequence[str]:
    """Remove the texts of a session that has ended, and whatever could be read out of them; a repeat is harmless.

    Brief, title, versions, comments, directions, replies, files and the keys of its posts go. Who had it, when, which
    models, how it scored and what each turn cost stay, as does the ledger: together they are the receipt. What was
    posted stays on the platform, which is not ours to clear.

    Args:
        tx: The transaction.
        session: As it stands, locked.
        at: Now.
        after_days: After how many days the workspace's term asks for it; None where a person does.

    Returns:
        Where the file store keeps the bytes that are to be deleted once the transaction is committed.
    """
    if session.forgotten_at is not None:
        return ()
    keys = tuple(file.storage_key for file in tx.sessions.list_files(session.id))
    tx.sessions.forget_texts(session.id)
    title = f"Session of {session.created_at:%Y-%m-%d}"
    kept = replace(session, title=title, brief="", notices=(), best_version=None)
    tx.sessions.save(replace(kept, forgotten_at=at, forgotten_after_days=after_days))
    return keys
