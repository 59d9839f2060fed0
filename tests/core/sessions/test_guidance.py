"""What a message counts as does not hang on the order in which a platform tells of it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.sessions.guidance import GONE, merge
from core.sessions.model import Guidance

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MESSAGE = Guidance("m1", "s_1", "ann", "make it longer", NOW)


def edit(number: int, text: str) -> Guidance:
    return Guidance(
        "m1", "s_1", "ann", text, NOW + timedelta(seconds=number), revision=f"1700.{number}", is_heard=False
    )


DELETION = Guidance("m1", "s_1", "", "", NOW, revision=GONE, is_heard=False)
EDITS = st.lists(st.sampled_from(["shorter", "", "kinder"]), max_size=4).map(
    lambda texts: [edit(number, text) for number, text in enumerate(texts)]
)


def told(facts: list[Guidance]) -> Guidance | None:
    known: Guidance | None = None
    for fact in facts:
        known = merge(known, fact)
    return known


def outcome(known: Guidance | None) -> tuple[str, str, bool]:
    assert known is not None
    return (known.text, known.member_id, known.muted)


@given(st.data(), EDITS, st.booleans())
def test_every_order_ends_the_same(data: st.DataObject, edits: list[Guidance], is_deleted: bool) -> None:
    """The last edit counts; a deletion takes everything out; a repeat of anything changes nothing."""
    facts = [MESSAGE, *edits, *([DELETION] if is_deleted else [])]
    again = data.draw(st.lists(st.sampled_from(facts), max_size=4))
    known = told(data.draw(st.permutations([*facts, *again])))
    words = "" if is_deleted else edits[-1].text if edits else MESSAGE.text
    assert outcome(known) == (words, "ann", not words)


@given(st.data(), EDITS)
def test_what_was_never_heard_never_counts(data: st.DataObject, edits: list[Guidance]) -> None:
    """An edit of talk from before the session, of somebody who may not steer, of words to somebody else."""
    known = told(data.draw(st.permutations([*edits, DELETION])))
    assert known is not None
    assert known.muted


def test_nobody_edits_for_somebody_else() -> None:
    """Whoever said it is who edits it, whichever comes first."""
    theirs = Guidance("m1", "s_1", "bob", "no", NOW, revision="1700.1", is_heard=False)
    assert outcome(told([MESSAGE, theirs])) == outcome(told([theirs, MESSAGE])) == ("make it longer", "ann", False)


def test_words_that_a_turn_read_are_not_new_until_they_change() -> None:
    """A repeat leaves the round in which they were read; other words are read again."""
    read = Guidance("m1", "s_1", "ann", "make it longer", NOW, taken_round=2)
    assert merge(read, MESSAGE).taken_round == 2
    assert merge(read, edit(1, "shorter")).taken_round is None
