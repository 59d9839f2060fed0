"""The end of a session: the best version wins, is exported, and the receipt is written."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import structlog

from core.clock import Clock
from core.credits.service import Ledger
from core.documents.align import changed_share
from core.documents.errors import ExportFailed
from core.documents.exporting import Exporter, ExportOrder, run_order
from core.documents.model import SourceFormat
from core.errors import UserFacingError
from core.evaluation.scoring import best_version
from core.ids import derived_key
from core.orchestration.ports import PostKind
from core.orchestration.posting import freshen, freshen_waits, intend, is_closed, receipt_name
from core.sessions.errors import SessionNotFound
from core.sessions.guidance import heard_from
from core.sessions.machine import move
from core.sessions.model import EndReason, Guidance, Session, SessionFile, Status, Version
from core.sessions.ports import FileStore, Store, Transaction

_log = structlog.get_logger(__name__)
_SETTLE_TRIES = 20
_SETTLE_WAIT_SECONDS = 0.25


class Finisher:
    """Ends sessions."""

    def __init__(
        self, *, store: Store, files: FileStore, exporter: Exporter, ledger: Ledger, clock: Clock, version: str
    ) -> None:
        self._store = store
        self._files = files
        self._exporter = exporter
        self._ledger = ledger
        self._clock = clock
        self._version = version

    async def finish(self, session_id: str, reason: EndReason, code: str) -> frozenset[str]:
        """End the session for *reason* and return the keys of the posts that were meant.

        Repeating it after a crash changes nothing.

        Raises:
            SessionNotFound: If it was deleted.
        """
        if reason is EndReason.STOPPED:
            await self._await_settlement(session_id)
        files = await self._export_whatever_happens(session_id, reason)

        def work(tx: Transaction) -> frozenset[str]:
            session = tx.sessions.lock(session_id)
            if session is None:
                raise SessionNotFound(session_id)
            if is_closed(tx, session):
                return frozenset()
            for hold in tx.credits.list_open_holds(session.workspace_id):
                if hold.session_id == session_id:
                    self._ledger.release(tx.credits, hold_id=hold.id)
            for file in files:
                tx.sessions.add_file(file)
            best = choose(tx.sessions.list_versions(session_id), tx.sessions.list_guidance(session_id))
            session = self._ended(session, reason, code, best)
            tx.sessions.save(session)
            freshen(tx, session_id, [PostKind.SESSION_CARD, PostKind.ROUND_CARD])
            freshen_waits(tx, session_id)
            return self._announce(tx, session, files)

        return await self._store.write(work)

    async def _export_whatever_happens(self, session_id: str, reason: EndReason) -> tuple[SessionFile, ...]:
        """Return the exported files; a session that has failed ends without, rather than not at all."""
        try:
            return await self.export(session_id)
        except SessionNotFound:
            raise
        except Exception:
            if reason is not EndReason.FAILED:
                raise
            _log.exception("export_failed", session=session_id)
            return ()

    def _ended(self, session: Session, reason: EndReason, code: str, best: Version | None) -> Session:
        status = {EndReason.STOPPED: Status.STOPPED, EndReason.FAILED: Status.FAILED}.get(reason, Status.COMPLETED)
        moved = session if session.status is status else move(session, status)
        return replace(
            moved,
            end_reason=reason,
            failure_code=code,
            park_reason=None,
            wake_at=None,
            ended_at=self._clock.now(),
            best_version=best.number if best is not None else None,
        )

    def _announce(self, tx: Transaction, session: Session, files: Sequence[SessionFile]) -> frozenset[str]:
        now = self._clock.now()
        name = receipt_name(session)
        file_ids = [file.id for file in files]
        result = intend(tx, session, PostKind.RESULT, now=now, name=name, file_ids=file_ids, mention=True)
        receipt = intend(tx, session, PostKind.RECEIPT, now=now, name=name)
        return frozenset({result, receipt})

    async def _await_settlement(self, session_id: str) -> None:
        """Wait a little for a turn that is being cut to settle what it used; a dead worker's turn never will."""
        for _ in range(_SETTLE_TRIES):
            _, held = await self._store.read(lambda tx: tx.credits.session_totals(session_id))
            if held == 0:
                return
            await self._clock.sleep(_SETTLE_WAIT_SECONDS)

    async def export(self, session_id: str) -> tuple[SessionFile, ...]:
        """Write the best version as files, in the format that came in, and return them; nothing where there is none.

        A session that began with a brief gives Markdown and DOCX. An upload that nothing beat comes back as it was.
        """

        def work(
            tx: Transaction,
        ) -> tuple[Session, Sequence[Version], Version | None, Sequence[SessionFile], tuple[str, ...]]:
            session = tx.sessions.find(session_id)
            if session is None:
                raise SessionNotFound(session_id)
            models = tuple(sorted({turn.model for turn in tx.sessions.list_turns(session_id)}))
            versions = tx.sessions.list_versions(session_id)
            best = choose(versions, tx.sessions.list_guidance(session_id))
            return session, versions, best, tx.sessions.list_files(session_id), models

        session, versions, best, files, models = await self._store.read(work)
        if best is None or session.notes_only:
            return ()
        upload = next((file for file in files if file.kind == "upload"), None)
        base = next((version.document for version in versions if version.number == 0), None)
        original = await self._files.get(upload.storage_key) if upload is not None else None
        if best.number == 0 and upload is not None and original is not None:
            return (await self._keep(session, best, name=upload.name, media_type=upload.media_type, data=original),)
        ai_share = changed_share(base, best.document) if base is not None else 1.0
        wanted = (base.source_format,) if base is not None else (SourceFormat.DOCX, SourceFormat.MARKDOWN)
        stem = upload.name.rsplit(".", 1)[0] if upload is not None else session.title
        orders = [
            ExportOrder(
                document=best.document,
                target=target,
                version=self._version,
                session_id=session.id,
                models=models,
                ai_share=ai_share,
                written_at=best.created_at,
                original=original,
                base=base,
            )
            for target in wanted
        ]
        return tuple([await self._write(session, best, order, stem=stem) for order in orders])

    async def _write(self, session: Session, best: Version, order: ExportOrder, *, stem: str) -> SessionFile:
        """Write one format; where it cannot hold the text, Markdown can.

        That needs no more than the text itself: where even its process fails, this one writes it, for a session that was
        paid for must not end without it.
        """
        target = order.target
        plain = replace(order, target=SourceFormat.MARKDOWN, original=None, base=None)
        try:
            data = await self._exporter.export(order)
        except UserFacingError as error:
            _log.warning(
                "export_fell_back", session=session.id, format=target.value, code=error.code, why=_fault(error)
            )
            if order != plain:
                return await self._write(session, best, plain, stem=stem)
            data = await asyncio.to_thread(run_order, plain)
        name = (
            f"{_file_stem(stem)} (edited).{target.value}"
            if order.base is not None
            else f"{_file_stem(stem)}.{target.value}"
        )
        return await self._keep(session, best, name=name, media_type=target.media_type, data=data)

    async def _keep(self, session: Session, best: Version, *, name: str, media_type: str, data: bytes) -> SessionFile:
        identity = f"f_{derived_key(session.id, 'result', session.segment, best.number, name)[:16]}"
        key = f"sessions/{session.id}/{identity}"
        await self._files.put(key, data)
        return SessionFile(
            id=identity,
            session_id=session.id,
            kind="result",
            name=name,
            media_type=media_type,
            size_bytes=len(data),
            storage_key=key,
            created_at=self._clock.now(),
        )


def _fault(error: UserFacingError) -> str:
    """Return where a writer broke; other errors quote the document."""
    return str(error) if isinstance(error, ExportFailed) else ""


def choose(versions: Sequence[Version], guidance: Sequence[Guidance] = ()) -> Version | None:
    """Return the version that won: the best score, the earliest of equals, the newest where nothing was scored.

    Whoever goes on with an ended session knows its best version, and says what is wanted instead: a version that did
    not hear that competes no more, whatever its score.
    """
    since = heard_from(guidance)
    heard = [version for version in versions if version.number >= since] or versions
    number = best_version([(version.number, version.score) for version in heard])
    return next((version for version in heard if version.number == number), None)


def _file_stem(text: str) -> str:
    """Return *text* as a file name without its ending, safe on every platform."""
    cleaned = "".join(character if character.isalnum() or character in " -_().," else " " for character in text)
    return " ".join(cleaned.split())[:80].strip(" .") or "document"
