"""From a request to a priced draft: read the files, choose cast and models, quote. Nothing is stored before all is well."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from core.casts.catalogue import load_cast
from core.casts.editors import with_editors
from core.casts.model import Cast
from core.clock import Clock
from core.credits.entitlements import Ask, check_admission
from core.credits.estimate import Quote, Range, estimate, make_job
from core.credits.tariff import Tariff
from core.credits.tiers import PriceList
from core.documents.model import Document
from core.errors import UserFacingError
from core.ids import new_id
from core.providers.base import Effort
from core.providers.catalogue import ModelSpec
from core.providers.tokens import estimate_tokens
from core.sessions.casting import Casting
from core.sessions.errors import BadRequest
from core.sessions.model import Session, SessionFile, Status, Version
from core.sessions.ports import FileStore, Store, Transaction
from core.sessions.requests import NewSession, Upload
from core.workspaces.model import Workspace

_log = structlog.get_logger(__name__)
MAX_EDITORS = 12
MAX_ROUNDS = 20
TITLE_CHARACTERS = 80
_TITLE_WORDS = 8
_DOCUMENT_SHARE = 0.8  # of a model's window; the rest is rules, brief, notes and the answer
_BRIEF_CHARACTERS = 40_000
_DEFAULT_BRIEF = "Improve this text: make it clear, correct and concise, and keep its meaning and its voice."


class DocumentReader(Protocol):
    """Reads a file within limits, in a place where a hostile one harms nobody."""

    async def read(self, data: bytes, *, name: str, max_bytes: int | None = None, platform: str = "") -> Document:
        """Return the document; raises `core.documents.errors.UnreadableFile`."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A draft that can be stored.

    Attributes:
        session: The draft, priced.
        files: Upload and references; their bytes are stored already.
        document: Version 0, None when the session begins with a brief.
        quote: What it will cost.
    """

    session: Session
    files: tuple[SessionFile, ...]
    document: Document | None
    quote: Quote

    def record(self, tx: Transaction) -> None:
        """Store the draft."""
        tx.sessions.add(self.session)
        for file in self.files:
            tx.sessions.add_file(file)
        if self.document is not None:
            tx.sessions.save_version(Version(self.session.id, 0, self.document, created_at=self.session.created_at))


class Intake:
    """Prepares sessions."""

    def __init__(
        self,
        *,
        store: Store,
        files: FileStore,
        reader: DocumentReader,
        casting: Casting,
        prices: PriceList,
        tariff: Tariff,
        clock: Clock,
    ) -> None:
        self._store = store
        self._files = files
        self._reader = reader
        self._casting = casting
        self._prices = prices
        self._tariff = tariff
        self._clock = clock

    async def prepare(self, new: NewSession) -> Prepared:
        """Return the draft that *new* asks for; see `core.sessions.service.SessionService.create` for what it raises."""
        _check(new)
        workspace = await self._workspace(new.workspace_id)
        document = await self._read(new.upload) if new.upload is not None else None
        references = [(upload, await self._read(upload)) for upload in new.references]
        read = [*([document] if document is not None else []), *(item for _, item in references)]
        draft, quote, notices = self._draft(new, workspace, document, [item.markdown for _, item in references])
        given = (new.upload, document) if new.upload is not None and document is not None else None
        files = await self._keep(draft, given, references)
        told = dict.fromkeys((*notices, *(warning for item in read for warning in item.warnings)))
        return Prepared(replace(draft, notices=tuple(told)), files, document, quote)

    async def estimate(self, new: NewSession) -> Quote:
        """Return what *new* would cost; nothing is stored. Raises as `prepare`."""
        return (await self.estimate_choices(new, lambda _: ()))[0]

    async def estimate_choices(
        self, new: NewSession, others: Callable[[Quote], Sequence[NewSession]]
    ) -> tuple[Quote, Sequence[Quote | None]]:
        """Return what *new* would cost, and what other choices would; None for those that are not possible.

        Args:
            new: What is asked for; raises as `prepare`.
            others: Says of the quote which other choices there are. Their files are the same, and are read once.
        """
        _check(new)
        workspace = await self._workspace(new.workspace_id)
        document = await self._read(new.upload) if new.upload is not None else None
        references = [(await self._read(upload)).markdown for upload in new.references]
        first = self._draft(new, workspace, document, references)[1]
        quotes: list[Quote | None] = []
        for other in others(first):
            try:
                _check(other)
                quotes.append(self._draft(other, workspace, document, references)[1])
            except UserFacingError:  # a tier that does not allow it, a window that the text does not fit
                quotes.append(None)
        return first, quotes

    def spec(self, model_id: str) -> ModelSpec:
        """Return the model with this id; raises `UnknownModel`."""
        return self._casting.resolve(model_id, today=self._clock.now().date()).spec

    def price_next(self, tx: Transaction, session: Session) -> Range | None:
        """Return what one more round of an ended session is likely to cost.

        None for a session that cannot go on with one, and where its models cannot be asked any more: whoever tries is
        told why.
        """
        if session.status not in {Status.COMPLETED, Status.STOPPED} or session.notes_only or session.forgotten_at:
            return None
        try:
            return self.price_round(tx, session, next_round(tx, session))
        except UserFacingError as error:
            _log.info("round_not_priced", session=session.id, code=error.code)
            return None

    def price_round(self, tx: Transaction, session: Session, number: int) -> Range:
        """Return what one further round of a session costs, with the reading if that was cut; raises as `Casting.find`."""
        unread = session.has_upload and all(item.finished_at is None for item in tx.sessions.list_rounds(session.id))
        workspace = tx.workspaces.find(session.workspace_id)
        versions = tx.sessions.list_versions(session.id)
        chains = self._casting.chains(
            session.cast,
            model=session.model,
            providers=session.providers,
            tier=workspace.tier if workspace is not None else "",
        )
        job = make_job(
            cast=session.cast,
            chains=chains,
            brief=session.brief,
            document=versions[-1].document if versions else None,
            references=[file.extracted for file in tx.sessions.list_files(session.id) if file.kind == "reference"],
            effort=_effort(session.effort),
        )
        job = replace(job, first_round=0 if unread else number, last_round=number)
        quote = estimate(job, self._tariff, at=self._clock.now())
        return Range(quote.low_microcredits, quote.high_microcredits)

    async def forget(self, storage_keys: Sequence[str]) -> None:
        """Delete files of a session that was deleted."""
        for key in storage_keys:
            await self._files.delete(key)

    async def _workspace(self, workspace_id: str) -> Workspace:
        workspace = await self._store.read(lambda tx: tx.workspaces.find(workspace_id))
        if workspace is None:
            raise BadRequest("workspace", f"The workspace {workspace_id} does not exist.")
        return workspace

    async def _read(self, upload: Upload) -> Document:
        return await self._reader.read(upload.data, name=upload.name)

    def _draft(
        self, new: NewSession, workspace: Workspace, document: Document | None, references: Sequence[str]
    ) -> tuple[Session, Quote, tuple[str, ...]]:
        """Return the priced draft, its quote and what people should know, after the tier allowed it."""
        settings = workspace.settings
        now = self._clock.now()
        cast = self._cast(new, workspace)
        resolution = self._casting.resolve(new.model or settings.model, today=now.date())
        effort = resolution.effort.value if resolution.effort is not None else ""
        specs = [self.spec(role.model) if role.model else resolution.spec for role in cast.roles]
        longest = max([document.words if document is not None else 0, *(len(text.split()) for text in references)])
        check_admission(
            self._prices,
            workspace.tier,
            Ask(editors=len(cast.editors), rounds=cast.stop.max_rounds, words=longest, models=specs),
        )
        chains = self._casting.chains(cast, model=resolution.spec.id, providers=settings.providers, tier=workspace.tier)
        if document is not None:
            _check_window(document, chains)
        brief = _brief(new) or (_DEFAULT_BRIEF if document is not None else "")
        quote = estimate(
            make_job(
                cast=cast,
                chains=chains,
                brief=brief,
                document=document,
                references=references,
                effort=_effort(effort),
                notes_only=new.notes_only,
            ),
            self._tariff,
            at=now,
        )
        session = Session(
            id=new.session_id or new_id("s"),
            workspace_id=new.workspace_id,
            member_id=new.member_id,
            title=_title(new),
            brief=brief,
            cast=cast,
            model=resolution.spec.id,
            thread=new.thread,
            created_at=now,
            project_id=new.project_id,
            effort=effort,
            cap_microcredits=quote.high_microcredits if new.cap_microcredits is None else new.cap_microcredits,
            quote_low_microcredits=quote.low_microcredits,
            quote_high_microcredits=quote.high_microcredits,
            notes_only=new.notes_only,
            has_upload=document is not None,
            language=new.language or settings.language,
            verbosity=new.verbosity or settings.verbosity,
            providers=settings.providers,
            origin=new.origin,
            origin_name=new.origin_name,
        )
        return session, quote, (resolution.notice,) if resolution.notice else ()

    def _cast(self, new: NewSession, workspace: Workspace) -> Cast:
        settings = workspace.settings
        key = new.cast or settings.cast
        cast = load_cast(key)
        if new.editors is not None:
            cast = with_editors(cast, new.editors)
        stop = replace(
            cast.stop,
            max_rounds=settings.rounds if new.rounds is None else new.rounds,
            threshold=settings.threshold if new.threshold is None else new.threshold,
            max_seconds=new.max_seconds,
        )
        return replace(cast, stop=stop)

    async def _keep(
        self,
        draft: Session,
        upload: tuple[Upload, Document] | None,
        references: Sequence[tuple[Upload, Document]],
    ) -> tuple[SessionFile, ...]:
        """Store the bytes; rows come with the draft, so bytes of a draft that failed are only ever orphans."""
        kept: list[SessionFile] = []
        if upload is not None:
            kept.append(await self._file(draft, *upload, "upload"))
        kept += [await self._file(draft, *reference, "reference") for reference in references]
        return tuple(kept)

    async def _file(self, draft: Session, upload: Upload, document: Document, kind: str) -> SessionFile:
        identity = new_id("f")
        key = f"sessions/{draft.id}/{identity}"
        await self._files.put(key, upload.data)
        return SessionFile(
            id=identity,
            session_id=draft.id,
            kind=kind,
            name=upload.name,
            media_type=document.source_format.media_type,
            size_bytes=len(upload.data),
            storage_key=key,
            created_at=draft.created_at,
            extracted=document.markdown if kind == "reference" else "",
        )


def next_round(tx: Transaction, session: Session) -> int:
    """Return the number of the round that a session would go on with: the one after the last that was finished."""
    rounds = tx.sessions.list_rounds(session.id)
    return max((item.number for item in rounds if item.finished_at is not None), default=0) + 1


def _check(new: NewSession) -> None:
    """Raise `BadRequest` for what can be told without reading anything."""
    brief = _brief(new)
    if not brief and new.upload is None:
        raise BadRequest("brief", "Say what to write, or give a file to work on.")
    if len(brief) > _BRIEF_CHARACTERS:
        raise BadRequest("brief", f"A brief has at most {_BRIEF_CHARACTERS:,} characters; give longer text as a file.")
    if new.notes_only and new.upload is None:
        raise BadRequest("upload", "Notes only need a file to read.")
    if new.editors is not None and not 1 <= new.editors <= MAX_EDITORS:
        raise BadRequest("editors", f"A session has 1 to {MAX_EDITORS} editors.")
    if new.rounds is not None and not 1 <= new.rounds <= MAX_ROUNDS:
        raise BadRequest("rounds", f"A session has 1 to {MAX_ROUNDS} rounds.")
    if new.threshold is not None and not 0.0 <= new.threshold <= 10.0:  # noqa: PLR2004 - the scale of every score
        raise BadRequest("threshold", "A score is between 0 and 10.")
    if new.cap_microcredits is not None and new.cap_microcredits <= 0:
        raise BadRequest("cap", "A cap is above 0.")
    if new.max_seconds is not None and new.max_seconds <= 0:
        raise BadRequest("time", "A time limit is above 0 seconds.")


def _check_window(document: Document, chains: Mapping[str, Sequence[ModelSpec]]) -> None:
    """Raise `BadRequest` where the document alone fills a model's window: no condensing would help, and it costs."""
    tokens = estimate_tokens(document.marked)
    for spec in {chain[0].id: chain[0] for chain in chains.values()}.values():
        if tokens > spec.context_tokens * _DOCUMENT_SHARE:
            most = int(document.words * spec.context_tokens * _DOCUMENT_SHARE / tokens)
            raise BadRequest(
                "upload",
                f"The file has {document.words:,} words; {spec.name} takes about {most:,}. "
                "Choose a model with a larger window, or give a part of the file.",
            )


def _brief(new: NewSession) -> str:
    return "\n\n".join(part for part in (new.preface.strip(), new.brief.strip()) if part)


def _title(new: NewSession) -> str:
    """Return the file's name, or the first eight words of the brief."""
    if new.upload is not None:
        return new.upload.name[:TITLE_CHARACTERS]
    words = new.brief.split() or new.preface.split()
    return (" ".join(words[:_TITLE_WORDS]) + (" ..." if len(words) > _TITLE_WORDS else ""))[:TITLE_CHARACTERS]


def _effort(name: str) -> Effort:
    return Effort(name) if name else Effort.LOW
