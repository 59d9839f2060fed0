"""What a Writer's reply comes to."""

from core.agents.revision import read_rewrite, revise, settle_notes
from core.documents.align import document_from_markdown
from core.documents.edits import Edit, EditOp
from core.evaluation.replies import Answer, RevisionReply
from core.sessions.model import Fate, Note

DOCUMENT = document_from_markdown("# Title\n\nOne.\n\nTwo.\n")
ONE, TWO = DOCUMENT.blocks[1], DOCUMENT.blocks[2]


def _note(identity: str, ref: str = "") -> Note:
    return Note(identity, "s", 0, "style_editor", "comment", ref=ref)


def test_good_edits_stand_and_bad_ones_are_named() -> None:
    """One edit that cannot be applied does not take the others with it; it is named for the repair."""
    reply = RevisionReply(
        edits=(
            Edit(EditOp.REPLACE, ONE.ref, "One, better.", ("n1",)),
            Edit(EditOp.REPLACE, "p77#abcd", "Nowhere.", ("n2",)),
            Edit(EditOp.REPLACE, f"{TWO.id}#0000", "Stale.", ("n3",)),
        )
    )
    revision = revise(DOCUMENT, reply, [_note("n1"), _note("n2"), _note("n3")])
    assert revision.document.markdown == "# Title\n\nOne, better.\n\nTwo.\n"
    assert revision.answers == {"n1": (Fate.APPLIED, "")}
    assert any("p77" in problem for problem in revision.problems)
    assert "n2 got no answer" in revision.problems
    assert "n3 got no answer" in revision.problems


def test_a_repair_builds_on_what_stood() -> None:
    """Edits kept from the first answer are applied together with the repaired ones, once."""
    kept = (Edit(EditOp.REPLACE, ONE.ref, "One, better.", ("n1",)),)
    reply = RevisionReply(edits=(Edit(EditOp.DELETE, TWO.ref, note_ids=("n2",)),))
    revision = revise(DOCUMENT, reply, [_note("n1"), _note("n2")], kept=kept)
    assert revision.document.markdown == "# Title\n\nOne, better.\n"
    assert revision.problems == ()


def test_declined_notes_keep_their_reason() -> None:
    """An answer without an edit is an answer."""
    reply = RevisionReply(answers=(Answer("n1", Fate.DECLINED, "It contradicts the brief."),))
    revision = revise(DOCUMENT, reply, [_note("n1")])
    settled = settle_notes([_note("n1"), _note("n2")], revision.answers, round_number=3)
    assert [(item.id, item.fate, item.fate_reason, item.fate_round) for item in settled] == [
        ("n1", Fate.DECLINED, "It contradicts the brief.", 3)
    ]


def test_a_rewrite_answers_by_what_changed() -> None:
    """After a rewrite, a note without an answer counts as applied where its passage changed, and stays open elsewhere."""
    text = "# Title\n\nOne.\n\nTwo is quite different now.\n\n=== ANSWERS ===\n[]"
    revision = read_rewrite(DOCUMENT, text, [_note("n1", ONE.ref), _note("n2", TWO.ref)])
    assert revision.answers == {"n2": (Fate.APPLIED, "The passage was rewritten.")}
    assert [block.id for block in revision.document.blocks] == [block.id for block in DOCUMENT.blocks]
