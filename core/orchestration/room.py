"""What the room knows when a phase begins, read in one transaction."""

from dataclasses import dataclass

from core.agents.context import Material, Reference
from core.casts.model import Phase
from core.documents.model import Document
from core.orchestration.plan import PlanState, RoundState
from core.orchestration.ports import PostKind
from core.orchestration.posting import receipt_key
from core.sessions.errors import SessionNotFound
from core.sessions.model import Fate, Guidance, Note, Round, Session, Turn
from core.sessions.ports import Transaction


@dataclass(frozen=True, slots=True)
class Room:
    """A session as its roles see it.

    Attributes:
        rounds, notes, guidance: What is recorded, oldest first; guidance that was muted is left out.
        turns: The turns of the last round: what earlier ones said stands in notes, rounds and versions.
        references: Files to read.
        version: Number of the newest version, -1 before the first draft.
        document: The newest version, None before the first draft.
        spent_microcredits: What was charged so far.
        cards: The platform's id of each round's card, by round.
        tier: The workspace's tier as it is now.
        has_open_posts: Whether a post waits to be sent or edited.
        is_closed: Whether the end of this segment was written.
    """

    session: Session
    rounds: tuple[Round, ...]
    turns: tuple[Turn, ...]
    notes: tuple[Note, ...]
    guidance: tuple[Guidance, ...]
    references: tuple[Reference, ...]
    version: int
    document: Document | None
    spent_microcredits: int
    cards: dict[int, str]
    tier: str
    has_open_posts: bool = False
    is_closed: bool = False

    @property
    def material(self) -> Material:
        """The part of every prompt that never changes."""
        return Material(self.session.brief, self.references, self.session.language)

    @property
    def open_notes(self) -> tuple[Note, ...]:
        """Notes that wait for the Writer."""
        return tuple(note for note in self.notes if note.fate in {Fate.OPEN, Fate.REGRESSED})

    @property
    def directions(self) -> tuple[str, ...]:
        """What people said, in order."""
        return tuple(item.text for item in self.guidance)

    def find_round(self, number: int) -> Round | None:
        """Return one round."""
        return next((item for item in self.rounds if item.number == number), None)

    def plan_state(self) -> PlanState:
        """Return what the plan decides from."""
        return _plan_state(self.session, self.rounds, self.turns)


def _plan_state(session: Session, rounds: tuple[Round, ...], turns: tuple[Turn, ...]) -> PlanState:
    return PlanState(
        cast=session.cast,
        has_upload=session.has_upload,
        notes_only=session.notes_only,
        min_rounds=session.min_rounds,
        desired=session.desired,
        working_seconds=session.working_seconds,
        rounds=tuple(
            RoundState(item.number, frozenset(turn.role_key for turn in turns if turn.round == item.number), item.score)
            for item in rounds
        ),
    )


def read_plan_state(tx: Transaction, session_id: str) -> PlanState:
    """Return what the plan decides from, of which there is little to read.

    Raises:
        SessionNotFound: If the session was deleted.
    """
    return _plan_state(*_read_recorded(tx, session_id))


def _read_recorded(tx: Transaction, session_id: str) -> tuple[Session, tuple[Round, ...], tuple[Turn, ...]]:
    """Return a session, its rounds, and the turns of the last one."""
    session = tx.sessions.find(session_id)
    if session is None:
        raise SessionNotFound(session_id)
    rounds = tuple(tx.sessions.list_rounds(session_id))
    turns = tuple(tx.sessions.list_round_turns(session_id, rounds[-1].number)) if rounds else ()
    return session, rounds, turns


def read_room(tx: Transaction, session_id: str) -> Room:
    """Return the room of a session.

    Raises:
        SessionNotFound: If it was deleted.
    """
    session, rounds, turns = _read_recorded(tx, session_id)
    # Every round before the last is complete, so its Writer has written.
    written = [item.number for item in rounds[:-1]] + [turn.round for turn in turns if turn.phase is Phase.WRITER]
    version = max(written, default=0 if session.has_upload else -1)
    stored = tx.sessions.find_version(session_id, version) if version >= 0 else None
    captured, _ = tx.credits.session_totals(session_id)
    posts = tx.outbox.list_session(session_id)
    shown = {row.facts.get("round"): row.post_id for row in posts if row.kind == PostKind.ROUND_CARD}
    receipt = receipt_key(session)
    workspace = tx.workspaces.find(session.workspace_id)
    return Room(
        session=session,
        rounds=rounds,
        turns=turns,
        notes=tuple(tx.sessions.list_notes(session_id)),
        guidance=tuple(item for item in tx.sessions.list_guidance(session_id) if not item.muted),
        references=tuple(
            Reference(file.name, file.extracted)
            for file in tx.sessions.list_files(session_id)
            if file.kind == "reference"
        ),
        version=version,
        document=stored.document if stored is not None else None,
        spent_microcredits=captured,
        cards={item.number: shown.get(item.number, "") for item in rounds},
        tier=workspace.tier if workspace is not None else "",
        has_open_posts=any(row.is_open for row in posts),
        is_closed=any(row.key == receipt for row in posts),
    )
