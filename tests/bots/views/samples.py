"""A session of two rounds over an upload, as views get it."""

from dataclasses import replace

from core.documents.edits import Edit, EditOp
from core.documents.model import Block, BlockKind, Document
from core.orchestration.ports import Snapshot
from core.sessions.model import Fate, Note, Round, Severity, Turn, Version
from tests.contracts.chat_port import NOON, some_session

_BASE = some_session("terminal")
DOCUMENT = Document((Block("p1", BlockKind.PARAGRAPH, "We will will do it."),), 2)
SESSION = replace(_BASE.session, title="proposal.docx", brief="Tighten it", has_upload=True, best_version=1)


def turn(number: int, role_key: str, charged_credits: float, score: float | None = None) -> Turn:
    role = SESSION.cast.role(role_key)
    return replace(
        _BASE.snapshot.turns[0],
        id=f"{SESSION.id}/r{number}/{role_key}",
        round=number,
        role_key=role_key,
        phase=role.phase,
        charged_microcredits=int(charged_credits * 1_000_000),
        score=score,
        summary=f"{role.name} says so.",
    )


NOTES = (
    Note("n1", SESSION.id, 0, "style", "Doubled word.", "p1#aaaa", "will will", severity=Severity.MAJOR,
         fate=Fate.APPLIED, fate_round=1),
    Note("n2", SESSION.id, 0, "facts", "No source.", "", severity=Severity.MINOR, fate=Fate.DECLINED,
         fate_reason="the appendix has it", fate_round=1),
    Note("n3", SESSION.id, 0, "content", "Say who pays.", "p1#aaaa", "do it", suggestion="do it for you",
         severity=Severity.CRITICAL),
    Note("n4", SESSION.id, 1, "style", "Passive.", "p1#bbbb", "is done by", quote_found=False),
)  # fmt: skip
ROUNDS = (
    Round(SESSION.id, 0, NOON, 6.1, ("Cut the doubled word.",), "A fair start.", ("Who pays?",), ("Old notes.",), NOON),
    Round(SESSION.id, 1, NOON, 7.8, (), "Better.", (), (), NOON),
)
VERSIONS = (
    Version(SESSION.id, 0, DOCUMENT, NOON, score=6.1),
    Version(
        SESSION.id, 1, DOCUMENT, NOON, edits=(Edit(EditOp.REPLACE, "p1#aaaa", "We will do it.", ("n1",)),), score=7.8
    ),
)
TURNS = (
    turn(0, "content", 1.2, 6.0),
    turn(0, "style", 1.1, 6.2),
    turn(0, "facts", 1.0, 6.1),
    turn(0, "lead", 0.7, 6.1),
    turn(1, "writer", 2.0),
    turn(1, "content", 1.2, 7.9),
    turn(1, "style", 1.1, 7.7),
    turn(1, "facts", 1.0, 7.8),
    turn(1, "lead", 0.7, 7.8),
)
SNAPSHOT = Snapshot(
    session=SESSION,
    rounds=ROUNDS,
    turns=TURNS,
    notes=NOTES,
    versions=VERSIONS,
    spent_microcredits=10_000_000,
    balance_microcredits=90_000_000,
)
