import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.align import changed_share, diff_edits, document_from_markdown, realign, strip_fence
from core.documents.edits import EditOp, apply_edits
from core.documents.model import BlockKind, Document, SourceFormat
from tests.core.documents.building import SENTENCES, block, document, documents, valid_edits

LONG = "The quick brown fox jumps over the lazy dog near the old river bank."
OTHER = "Nothing in this sentence has anything to do with the animals of the fable."


def texts(result: Document) -> list[tuple[str, str]]:
    return [(one.id, one.markdown) for one in result.blocks]


def test_a_first_draft_becomes_numbered_blocks_with_a_title() -> None:
    """A draft's blocks are p1, p2, ... without origin; its first heading is its title, markers taken off."""
    draft = document_from_markdown("# A *fine* title\n\nText.\n\n- a\n- b\n", source_format=SourceFormat.DOCX)
    assert texts(draft) == [("p1", "# A *fine* title"), ("p2", "Text."), ("p3", "- a"), ("p4", "- b")]
    assert (draft.title, draft.source_format, draft.next_number) == ("A fine title", SourceFormat.DOCX, 5)
    assert {one.origin for one in draft.blocks} == {None}


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        ("```markdown\n# T\n\nx\n```", "# T\n\nx"),
        ("\n````md\n# T\n\n```\ncode\n```\n````\n", "# T\n\n```\ncode\n```"),
        ("```\n# T\n```", "# T"),
        ("```\na\n```\n\ntext\n\n```\nb\n```", "```\na\n```\n\ntext\n\n```\nb\n```"),
        ("```python\nx = 1\n```", "```python\nx = 1\n```"),
        ("# T\n\n```\ncode\n```", "# T\n\n```\ncode\n```"),
        ("```", "```"),
    ],
)
def test_only_a_fence_around_the_whole_reply_is_taken_off(reply: str, text: str) -> None:
    """One fence around everything is packaging; any other fence is content."""
    assert strip_fence(reply) == text


def test_unchanged_blocks_keep_their_ids_around_new_ones() -> None:
    """What stayed keeps its id; what is new gets the next number."""
    old = document("# Title", "First.", "Second.")
    result = realign(old, "# Title\n\nFirst.\n\nBetween these two.\n\nSecond.\n")
    assert texts(result) == [("p1", "# Title"), ("p2", "First."), ("p4", "Between these two."), ("p3", "Second.")]
    assert result.next_number == 5
    assert result.blocks[3].origin == old.blocks[2].origin


def test_a_changed_block_that_corresponds_keeps_its_id() -> None:
    """Much the same words are the same block, also when blocks were added and removed around it."""
    old = document("# Title", LONG, "Gone for good, every word of it.", "End.")
    changed = LONG.replace("quick brown", "swift red")
    result = realign(old, f"# Title\n\n{OTHER}\n\n{changed}\n\nEnd.")
    assert texts(result) == [("p1", "# Title"), ("p5", OTHER), ("p2", changed), ("p4", "End.")]


def test_a_wholly_new_text_alone_in_its_place_keeps_the_id() -> None:
    """Between two blocks that stayed, one paragraph for one paragraph is the same block."""
    old = document("# Title", LONG, "End.")
    assert texts(realign(old, f"# Title\n\n{OTHER}\n\nEnd."))[1] == ("p2", OTHER)


def test_a_moved_block_keeps_its_id() -> None:
    """A block that stands elsewhere word for word is still itself."""
    old = document("# Title", LONG, OTHER, "End.")
    result = realign(old, f"# Title\n\n{OTHER}\n\nEnd.\n\n{LONG}")
    assert [one.id for one in result.blocks] == ["p1", "p3", "p4", "p2"]


def test_addresses_in_the_rewrite_decide() -> None:
    """Where the rewrite repeats the addresses, they say which block is which and are not text."""
    old = document("# Title", LONG, OTHER)
    marked = f"[{old.blocks[2].ref}] Wholly new.\n\nAlso new.\n\n[{old.blocks[1].ref}] {LONG}"
    assert texts(realign(old, marked)) == [("p3", "Wholly new."), ("p4", "Also new."), ("p2", LONG)]


def test_what_a_rewrite_leaves_out_by_habit_stays() -> None:
    """Locked blocks, images, page headers and notes survive a rewrite that does not mention them."""
    old = Document(
        (
            block(1, BlockKind.HEADER, "Page header", part="word/header1.xml"),
            block(2, BlockKind.PARAGRAPH, LONG),
            block(3, BlockKind.IMAGE, "![chart](image)"),
            block(4, BlockKind.PARAGRAPH, OTHER),
        ),
        5,
    )
    assert [one.id for one in realign(old, LONG).blocks] == ["p1", "p2", "p3"]


def test_a_locked_block_cannot_be_rewritten() -> None:
    """A rewrite of a locked block leaves its text as it was."""
    old = document("# Title", LONG, locked=frozenset({2}))
    assert texts(realign(old, f"# Title\n\n{LONG} And more.")) == [("p1", "# Title"), ("p2", LONG)]


@given(documents())
def test_realigning_the_same_text_changes_nothing(base: Document) -> None:
    """A rewrite that rewrites nothing is the identity, with and without addresses."""
    assert realign(base, base.marked) == base
    split_again = document_from_markdown(base.markdown)
    if [one.markdown for one in split_again.blocks] == [one.markdown for one in base.blocks]:
        assert realign(base, base.markdown) == base


@given(documents(), st.lists(SENTENCES, max_size=6))
def test_realigned_ids_are_unique_and_the_text_is_the_rewrite(base: Document, sentences: list[str]) -> None:
    """Every text of the rewrite stands in the result in order; ids are unique and below next_number."""
    result = realign(base, "\n\n".join(sentences))
    ids = [one.id for one in result.blocks]
    assert len(set(ids)) == len(ids)
    remaining = iter(one.markdown for one in result.blocks if not one.locked)
    locked_texts = {one.markdown for one in base.blocks if one.locked}
    assert all(text in remaining for text in sentences if text not in locked_texts) or locked_texts


@given(st.data())
def test_diff_edits_lead_from_old_to_new(data: st.DataObject) -> None:
    """Applying the edits between two states gives the text of the second."""
    old = data.draw(documents())
    new = apply_edits(old, data.draw(valid_edits(old)))
    result = apply_edits(old, diff_edits(old, new))
    assert [(one.kind, one.markdown) for one in result.blocks] == [(one.kind, one.markdown) for one in new.blocks]


def test_diff_edits_of_a_moved_block_delete_and_insert_it() -> None:
    """A move is a deletion in one place and an insertion in the other."""
    old = document("A.", "B.", "C.")
    new = Document((old.blocks[1], old.blocks[2], old.blocks[0]), 4)
    edits = diff_edits(old, new)
    assert [(edit.op, edit.ref, edit.text) for edit in edits] == [
        (EditOp.INSERT_AFTER, old.blocks[2].ref, "A."),
        (EditOp.DELETE, old.blocks[0].ref, ""),
    ]


@pytest.mark.parametrize(
    ("old", "new", "share"),
    [
        (("one two three four",), ("one two three four",), 0.0),
        (("one two three four",), ("one two three five",), 0.25),
        (("one two three four",), ("one two",), 0.5),
        (("one two",), ("one two", "three four"), 0.5),
        ((), ("one two",), 1.0),
        ((), (), 0.0),
    ],
)
def test_changed_share_counts_words(old: tuple[str, ...], new: tuple[str, ...], share: float) -> None:
    """The share is the words that differ, of the longer of the two states."""
    assert changed_share(document(*old), document(*new)) == pytest.approx(share)


@given(documents(), documents())
def test_changed_share_is_a_share(old: Document, new: Document) -> None:
    """Between 0 and 1, and 0 for the same document."""
    assert 0.0 <= changed_share(old, new) <= 1.0
    assert changed_share(old, old) == 0.0
