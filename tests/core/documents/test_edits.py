import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.edits import Edit, EditOp, apply_edits
from core.documents.errors import EditsRejected
from core.documents.model import BlockKind, Document, number_of, split_ref
from tests.core.documents.building import PIECES, block, document, documents, valid_edits

THREE = document("# Title", "First.", "- item")


def texts(result: Document) -> list[tuple[str, str]]:
    return [(one.id, one.markdown) for one in result.blocks]


def rejected(base: Document, *edits: Edit) -> tuple[tuple[int, str, str], ...]:
    with pytest.raises(EditsRejected) as caught:
        apply_edits(base, edits)
    return caught.value.failures


def test_replace_keeps_id_and_origin_and_takes_the_new_kind() -> None:
    """A replaced block keeps its id and origin; kind and level follow its new text."""
    result = apply_edits(THREE, [Edit(EditOp.REPLACE, THREE.blocks[1].ref, "### Now a heading")])
    assert texts(result) == [("p1", "# Title"), ("p2", "### Now a heading"), ("p3", "- item")]
    assert (result.blocks[1].kind, result.blocks[1].level) == (BlockKind.HEADING, 3)
    assert result.blocks[1].origin == THREE.blocks[1].origin


def test_replace_by_several_blocks_numbers_the_others_anew() -> None:
    """The first block of a replacement takes the old place; the others are new and stand after it."""
    result = apply_edits(THREE, [Edit(EditOp.REPLACE, "p2", "One.\n\nTwo.\n\n> Three.")])
    assert texts(result) == [("p1", "# Title"), ("p2", "One."), ("p4", "Two."), ("p5", "> Three."), ("p3", "- item")]
    assert [one.origin for one in result.blocks[2:4]] == [None, None]
    assert result.next_number == 6


def test_insertions_after_one_block_keep_their_order() -> None:
    """Two insertions after one block stand in the order they were given, after the block's own new text."""
    edits = [
        Edit(EditOp.INSERT_AFTER, "p2", "A."),
        Edit(EditOp.REPLACE, "p2", "New.\n\nMore."),
        Edit(EditOp.INSERT_AFTER, "p2", "B."),
    ]
    assert [text for _, text in texts(apply_edits(THREE, edits))] == ["# Title", "New.", "More.", "A.", "B.", "- item"]


def test_p0_stands_before_the_first_block() -> None:
    """INSERT_AFTER p0 opens the document, also an empty one."""
    edit = Edit(EditOp.INSERT_AFTER, "p0", "Opening.")
    assert texts(apply_edits(THREE, [edit]))[0] == ("p4", "Opening.")
    assert texts(apply_edits(Document((), 1), [edit])) == [("p1", "Opening.")]


def test_an_insertion_after_a_deleted_block_takes_its_place() -> None:
    """DELETE and INSERT_AFTER of one block: the new text stands where the block stood."""
    edits = [Edit(EditOp.INSERT_AFTER, "p2", "Instead."), Edit(EditOp.DELETE, "p2")]
    assert texts(apply_edits(THREE, edits)) == [("p1", "# Title"), ("p4", "Instead."), ("p3", "- item")]


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (Edit(EditOp.REPLACE, "p9", "x"), "unknown"),
        (Edit(EditOp.DELETE, "p0"), "unknown"),
        (Edit(EditOp.REPLACE, "p0", "x"), "unknown"),
        (Edit(EditOp.INSERT_AFTER, "nonsense", "x"), "unknown"),
        (Edit(EditOp.REPLACE, "p2#0000", "x"), "stale"),
        (Edit(EditOp.INSERT_AFTER, "p2#0000", "x"), "stale"),
        (Edit(EditOp.REPLACE, "p2", " \n "), "empty"),
        (Edit(EditOp.INSERT_AFTER, "p2", ""), "empty"),
        (Edit(EditOp.DELETE, "p3"), "locked"),
        (Edit(EditOp.REPLACE, "p3", "x"), "locked"),
    ],
)
def test_every_fault_has_its_name(edit: Edit, why: str) -> None:
    """An edit that cannot be applied is named with its index, its ref and the reason."""
    base = document("# Title", "First.", "- item", locked=frozenset({3}))
    assert rejected(base, Edit(EditOp.REPLACE, "p1", "# Fine"), edit) == ((1, edit.ref, why),)


def test_a_second_change_of_one_block_is_a_duplicate() -> None:
    """Of several REPLACE and DELETE of one block, all but the first are duplicates."""
    edits = [Edit(EditOp.REPLACE, "p2", "a"), Edit(EditOp.DELETE, "p2"), Edit(EditOp.REPLACE, THREE.blocks[1].ref, "b")]
    assert rejected(THREE, *edits) == ((1, "p2", "duplicate"), (2, THREE.blocks[1].ref, "duplicate"))


def test_a_locked_block_can_be_followed_by_new_text() -> None:
    """Locked means the block itself: what stands after it is free."""
    base = document("Locked.", locked=frozenset({1}))
    assert [text for _, text in texts(apply_edits(base, [Edit(EditOp.INSERT_AFTER, "p1", "New.")]))] == [
        "Locked.",
        "New.",
    ]


def test_an_echoed_address_is_no_text() -> None:
    """A model that repeats the address in front of its new text does not write it into the document."""
    edit = Edit(EditOp.REPLACE, "p2", f"[{THREE.blocks[1].ref}] Better.\n\n[p9#aaaa] More.")
    assert [text for _, text in texts(apply_edits(THREE, [edit]))] == ["# Title", "Better.", "More.", "- item"]


@pytest.mark.parametrize("text", ["- new", "  - new"])
def test_a_nested_item_stays_nested(text: str) -> None:
    """A nested list item keeps depth and indentation whether or not its new text repeats the indentation."""
    base = Document((block(1, BlockKind.LIST_ITEM, "- a"), block(2, BlockKind.LIST_ITEM, "  - b", level=1)), 3)
    result = apply_edits(base, [Edit(EditOp.REPLACE, "p2", text)])
    assert [(one.markdown, one.level) for one in result.blocks] == [("- a", 0), ("  - new", 1)]


@pytest.mark.parametrize(
    ("text", "markdown", "level"),
    [("    - new", "    - new", 1), ("        - new", "        - new", 2), ("- new", "- new", 0)],
)
def test_an_inserted_item_lines_up_with_the_items_above(text: str, markdown: str, level: int) -> None:
    """An indented item inserted in a list has the depth that its indentation means there, and is never code."""
    base = Document((block(1, BlockKind.LIST_ITEM, "- a"), block(2, BlockKind.LIST_ITEM, "    - b", level=1)), 3)
    inserted = apply_edits(base, [Edit(EditOp.INSERT_AFTER, "p2", text)]).blocks[2]
    assert (inserted.kind, inserted.markdown, inserted.level) == (BlockKind.LIST_ITEM, markdown, level)


def test_new_text_in_a_place_keeps_the_place() -> None:
    """A footnote stays a footnote with its label, a page header a header, whatever its new text looks like."""
    base = Document(
        (
            block(1, BlockKind.FOOTNOTE, "[^1]: Old note.", part="word/footnotes.xml"),
            block(2, BlockKind.HEADER, "Report", part="word/header1.xml"),
        ),
        3,
    )
    edits = [Edit(EditOp.REPLACE, "p1", "New note."), Edit(EditOp.REPLACE, "p2", "Annual report\n\nDraft")]
    assert [(one.kind, one.markdown) for one in apply_edits(base, edits).blocks] == [
        (BlockKind.FOOTNOTE, "[^1]: New note."),
        (BlockKind.HEADER, "Annual report"),
        (BlockKind.HEADER, "Draft"),
    ]


@given(st.data())
def test_untouched_blocks_are_identical_and_in_the_same_order(data: st.DataObject) -> None:
    """What no edit names is the very same block, in the same order."""
    base = data.draw(documents())
    edits = data.draw(valid_edits(base))
    result = apply_edits(base, edits)
    changed = {split_ref(edit.ref)[0] for edit in edits if edit.op is not EditOp.INSERT_AFTER}
    untouched = [one for one in base.blocks if one.id not in changed]
    assert [one for one in result.blocks if one in untouched] == untouched
    assert (result.title, result.source_format, result.warnings) == (base.title, base.source_format, base.warnings)


@given(st.data())
def test_ids_are_unique_and_never_used_again(data: st.DataObject) -> None:
    """Ids stay unique; new ones start at next_number, which only grows past all of them."""
    base = data.draw(documents())
    result = apply_edits(base, data.draw(valid_edits(base)))
    ids = [one.id for one in result.blocks]
    fresh = [number_of(one.id) for one in result.blocks if one.id not in base.by_id]
    assert len(set(ids)) == len(ids)
    assert fresh == list(range(base.next_number, result.next_number))


@given(st.data())
def test_one_bad_edit_rejects_all_and_only_it_is_named(data: st.DataObject) -> None:
    """All or nothing: good edits change nothing when one among them is bad, and the bad one is named."""
    base = data.draw(documents())
    edits = data.draw(valid_edits(base))
    place = data.draw(st.integers(0, len(edits)))
    bad = data.draw(st.sampled_from([Edit(EditOp.DELETE, "p999"), Edit(EditOp.INSERT_AFTER, "p0", " ")]))
    failures = rejected(base, *edits[:place], bad, *edits[place:])
    assert failures == ((place, bad.ref, "unknown" if bad.op is EditOp.DELETE else "empty"),)


@given(st.data())
def test_deleting_what_was_inserted_and_replacing_back_restores_the_text(data: st.DataObject) -> None:
    """Insert and replace have an inverse: the old texts come back, block for block."""
    base = data.draw(documents())
    edits = [edit for edit in data.draw(valid_edits(base)) if edit.op is not EditOp.DELETE]
    result = apply_edits(base, edits)
    inverse = [Edit(EditOp.DELETE, one.ref) for one in result.blocks if one.id not in base.by_id]
    inverse += [
        Edit(EditOp.REPLACE, result.by_id[one.id].ref, one.markdown)
        for one in base.blocks
        if result.by_id[one.id] != one
    ]
    assert apply_edits(result, inverse).blocks == base.blocks


@given(documents(), PIECES)
def test_the_order_of_edits_of_different_blocks_does_not_matter(base: Document, text: str) -> None:
    """Edits of different blocks commute: the result is the same in either order."""
    edits = [Edit(EditOp.INSERT_AFTER, one.ref, text) for one in base.blocks]
    assert apply_edits(base, edits) == apply_edits(base, edits[::-1])


@given(documents())
def test_no_edits_change_nothing(base: Document) -> None:
    """The empty list of edits is the identity."""
    assert apply_edits(base, []) == base
