import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.documents.writers.docx_diff import ATOM, Change, changes, formats_of, place_of, text_of
from core.documents.writers.flow import Span, merged, plain, spans_of, table_of

TEXTS = st.lists(st.sampled_from(["the ", "river", " runs", ", ", "deep", "\n", " and", " wide"]), max_size=8)
SPANS = st.lists(
    st.builds(
        Span, TEXTS.map("".join), bold=st.booleans(), italic=st.booleans(), href=st.sampled_from(["", "https://a"])
    ),
    max_size=4,
).map(merged)


def applied(old: tuple[Span, ...], found: list[Change]) -> list[tuple[str, Span]]:
    """Return characters and formats after *found* is applied to *old*, from the last change to the first."""
    line = list(zip(text_of(old), formats_of(old), strict=True))
    for change in reversed(found):
        line[change.start : change.end] = zip(text_of(change.spans), formats_of(change.spans), strict=True)
    return line


@given(SPANS, SPANS, st.booleans())
def test_changes_lead_from_old_to_new(old: tuple[Span, ...], new: tuple[Span, ...], phrases: bool) -> None:
    """Applied from right to left the changes give the new text in its formats, and they never overlap."""
    found = changes(old, new, phrases=phrases)
    assert applied(old, found) == list(zip(text_of(new), formats_of(new), strict=True))
    edges = [edge for change in found for edge in (change.start, change.end)]
    assert edges == sorted(edges)


@given(SPANS)
def test_no_change_is_no_change(spans: tuple[Span, ...]) -> None:
    """A text and itself differ nowhere."""
    assert changes(spans, spans) == []


def test_phrases_are_read_as_one_change() -> None:
    """Neighbouring words that changed are one phrase for a person, several words for a file."""
    old, new = (Span("a quick brown fox"),), (Span("a slow red fox"),)
    assert [(one.start, one.end, plain(one.spans)) for one in changes(old, new)] == [(2, 7, "slow"), (8, 13, "red")]
    assert changes(old, new, phrases=True) == [Change(2, 13, (Span("slow red"),))]


def test_a_word_that_only_became_bold_is_a_change() -> None:
    """Format counts as text does."""
    assert changes((Span("a b"),), (Span("a "), Span("b", bold=True))) == [Change(2, 3, (Span("b", bold=True),))]


def test_a_note_is_one_character_whatever_stands_around_it() -> None:
    """A footnote reference is an atom, and its format is no difference."""
    old, new = spans_of("Word[^1] end"), spans_of("**Word[^1]** end")
    assert text_of(old) == f"Word{ATOM} end"
    assert [(one.start, one.end) for one in changes(old, new)] == [(0, 4)]


@pytest.mark.parametrize(
    ("markdown", "file", "places"),
    [
        ("ab c", "ab c", [0, 1, 2, 3]),
        ("ab c", " ab   c ", [1, 2, 3, 6]),
        ("a\nb", "a b", [0, 1, 2]),
        ("one X two", "one two", [0, 1, 2, 3, None, None, 4, 5, 6]),
        ("", "x", []),
    ],
)
def test_characters_find_their_place_in_the_file(markdown: str, file: str, places: list[int | None]) -> None:
    """White space may differ; what the file says otherwise has no place."""
    assert place_of(markdown, file) == places


@given(TEXTS.map("".join), TEXTS.map("".join))
def test_places_go_up(left: str, right: str) -> None:
    """Places are in order, each used once, and hold the same character."""
    places = [(index, place) for index, place in enumerate(place_of(left, right)) if place is not None]
    assert [place for _, place in places] == sorted({place for _, place in places})
    assert all(left[index] == right[place] or left[index].isspace() for index, place in places)


def test_spans_are_what_one_sees() -> None:
    """Markers are gone, formats are known, cells and blocks are lines, unsafe links are text."""
    assert spans_of("- **a** [b](https://x.example) `c` ~~d~~") == (
        Span("a", bold=True),
        Span(" "),
        Span("b", href="https://x.example"),
        Span(" "),
        Span("c", code=True),
        Span(" "),
        Span("d", strike=True),
    )
    assert spans_of("> a\n>\n> b") == (Span("a\nb"),)
    assert table_of("| a |\n| --- |\n| b<br>c |") == (((Span("a"),),), ((Span("b\nc"),),))
