"""Values to store, complete in every field, so that a lost field is seen."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.casts.model import Cast, Criterion, Phase, Role, StopRule
from core.documents.edits import Edit, EditOp
from core.documents.model import Block, BlockKind, Document, Origin, SourceFormat
from core.providers.base import Usage
from core.sessions.model import (
    AttemptState,
    Desired,
    EndReason,
    EvaluationTier,
    Fate,
    Guidance,
    Note,
    ParkReason,
    Round,
    Session,
    SessionFile,
    Severity,
    Status,
    ThreadRef,
    Turn,
    TurnAttempt,
    Version,
)
from core.workspaces.model import Member, Preferences, Project, Verbosity, Workspace, WorkspaceSettings

NOW = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
WORKSPACE = Workspace(
    id="slack:T1",
    platform="slack",
    name="Ünïcode & Söhne",
    created_at=NOW,
    tier="pro",
    settings=WorkspaceSettings(providers=("anthropic", "openai"), verbosity=Verbosity.FULL, retention_days=30),
)
MEMBER = Member(
    id="slack:T1/U1",
    workspace_id="slack:T1",
    external_id="U1",
    name="Ada",
    created_at=NOW,
    locale="en-GB",
    is_buyer=True,
    preferences=Preferences(no_ask_microcredits=5, last_choices={"rounds": "3"}, welcomed=True),
)
PROJECT = Project(
    id="p_1", workspace_id="slack:T1", name="Launch", created_at=NOW, description="All of it", key="launch"
)
CAST = Cast(
    key="standard",
    name="Standard",
    roles=(
        Role("writer", "Writer", Phase.WRITER, "✍️", "#112233", "Write."),
        Role("style", "Style", Phase.EDITOR, "🎨", "#223344", "Judge.", criteria=(Criterion("tone", "Is it?", 2.0),)),
        Role("synthesizer", "Synthesizer", Phase.SYNTHESIZER, "🧭", "#334455", "Decide."),
    ),
    stop=StopRule(max_rounds=4, max_seconds=600),
)
USAGE = Usage(1, 2, 3, 4, 5, 6)
DOCUMENT = Document(
    blocks=(
        Block("p1", BlockKind.HEADING, "# Tïtle", level=1, origin=Origin("word/document.xml", 0)),
        Block("p2", BlockKind.PARAGRAPH, "One.", locked=True),
    ),
    next_number=3,
    source_format=SourceFormat.DOCX,
    title="Tïtle",
    warnings=("A picture is not shown.",),
)


def session(session_id: str = "s_1", **changes: Any) -> Session:
    """Return a session with every field set."""
    full = Session(
        id=session_id,
        workspace_id=WORKSPACE.id,
        member_id=MEMBER.id,
        title="A title",
        brief="Make it better.",
        cast=CAST,
        model="claude",
        thread=ThreadRef("slack", "C1", "1.2", "1.1"),
        created_at=NOW,
        status=Status.WAITING,
        desired=Desired.PAUSE,
        segment=3,
        project_id=PROJECT.id,
        effort="high",
        cap_microcredits=10**12,
        quote_low_microcredits=1,
        quote_high_microcredits=2,
        notes_only=True,
        has_upload=True,
        language="de-CH",
        verbosity=Verbosity.QUIET,
        providers=("anthropic",),
        end_reason=EndReason.PLATEAU,
        park_reason=ParkReason.BALANCE,
        failure_code="provider_overloaded",
        wake_at=NOW + timedelta(minutes=5),
        best_version=2,
        working_seconds=12.5,
        min_rounds=2,
        starred=True,
        started_at=NOW + timedelta(seconds=1),
        ended_at=NOW + timedelta(seconds=2),
    )
    return replace(full, **changes)


def session_file(file_id: str = "f_1", **changes: Any) -> SessionFile:
    full = SessionFile(file_id, "s_1", "reference", "a.docx", "application/x", 5, "s_1/f_1", NOW, extracted="# A")
    return replace(full, **changes)


def round_(number: int = 1, **changes: Any) -> Round:
    full = Round("s_1", number, NOW, 7.3, ("Cut it.", "Keep it."), "Better.", ("Why?",), ("A file.",), NOW)
    return replace(full, **changes)


def turn(role_key: str = "style", number: int = 1, **changes: Any) -> Turn:
    full = Turn(
        id=f"s_1/r{number}/{role_key}",
        session_id="s_1",
        round=number,
        role_key=role_key,
        phase=Phase.EDITOR,
        model="claude",
        provider="anthropic",
        text='{"score": 7}',
        usage=USAGE,
        charged_microcredits=2**40,
        cost_microdollars=12,
        price_version="2026-11",
        started_at=NOW,
        finished_at=NOW + timedelta(seconds=3),
        score=7.1,
        tier=EvaluationTier.PROSE,
        criteria=(("tone", 7.0), ("aim", 6.5)),
        self_assessment="Fine.",
        summary="Good.",
        attempts=2,
        notices=("Fell back.",),
    )
    return replace(full, **changes)


def attempt(number: int = 1, **changes: Any) -> TurnAttempt:
    full = TurnAttempt("s_1/r1/style", "s_1", number, AttemptState.INTERRUPTED, NOW, "Half a", "killed", USAGE)
    return replace(full, **changes)


def note(number: int = 1, **changes: Any) -> Note:
    full = Note(
        id=f"n{number}",
        session_id="s_1",
        round=1,
        role_key="style",
        comment="Too long.",
        ref="p2#f3c1",
        quote="One.",
        quote_found=False,
        suggestion="1.",
        severity=Severity.CRITICAL,
        fate=Fate.DECLINED,
        fate_reason="It is not.",
        fate_round=2,
    )
    return replace(full, **changes)


def version(number: int = 0, **changes: Any) -> Version:
    edits = (Edit(EditOp.REPLACE, "p2#f3c1", "Two.", ("n1",)),)
    return replace(Version("s_1", number, DOCUMENT, NOW, edits, rewritten=True, score=8.5), **changes)


def guidance(guidance_id: str = "1700.1", **changes: Any) -> Guidance:
    return replace(Guidance(guidance_id, "s_1", MEMBER.id, "Shorter!", NOW, taken_round=2, muted=True), **changes)
