"""Rounds of the rehearsal on real text: what is noted, applied, declined and scored."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.agents.context import Tail
from core.casts.catalogue import load_cast
from core.casts.editors import with_editors
from core.documents.align import document_from_markdown
from core.documents.readers.docx import read
from core.evaluation.parsing import parse_editor, parse_synthesizer
from core.providers.rehearsal_model import answer
from core.rehearsal.drafts import draft
from core.rehearsal.patches import Patch, apply_patches, find_patch
from core.rehearsal.prompt import RehearsalPrompt
from core.sessions.model import Fate, Note, Severity
from samples.build_sample import TARGET, build
from tests.core.rehearsal.room import TestRoom

_BRIEF = TARGET.with_name("brief.txt")
_LETTER = """# A letter

We sent the the letter in order to hear more from the Board of the town, and it was read by nobody there.

- The KPI is very important to us.
- Send it to the board and to the Board again.
"""


def _sample() -> TestRoom:
    return TestRoom(read(TARGET.read_bytes(), name=TARGET.name), brief=_BRIEF.read_text(encoding="utf-8"))


def test_the_sample_is_what_its_script_builds() -> None:
    """The shipped Word file is the output of the script beside it, byte for byte."""
    assert TARGET.read_bytes() == build()


def test_a_session_on_the_sample() -> None:
    """The shipped sample takes at least two rounds to the threshold, scores rise, and notes are declined with reasons."""
    room = _sample()
    rule = room.cast.stop

    room.read()
    while len(room.scores) <= rule.max_rounds and room.scores[-1] < rule.threshold:
        room.write()
        room.read()

    declined = [note for note in room.notes if note.fate is Fate.DECLINED]
    assert len(room.scores) - 1 >= 2
    assert room.scores == sorted(set(room.scores))
    assert room.scores[0] < 6.5
    assert room.scores[-1] >= rule.threshold
    assert declined
    assert all(note.fate_reason for note in declined)
    assert any(note.fate is Fate.APPLIED for note in room.notes)
    assert all(note.quote_found for note in room.notes)


def test_the_sample_is_ordinary() -> None:
    """The sample has what real proposals have: 700 to 1,000 words, headings, lists, a table, a note, a link."""
    room = _sample()
    text = room.document.markdown

    assert 700 <= room.document.words <= 1_000
    for shape in (r"^# ", r"^## ", r"^- ", r"^1\. ", r"^\|", r"\*\*", r"\]\(https://", r"\[\^"):
        assert re.search(shape, text, re.MULTILINE), shape


def test_what_is_left_says_what_it_said() -> None:
    """The Writer changes words that notes name: figures, names, links and code stand in the same order as before."""
    room = _sample()
    facts = re.compile(r"£[\d,]+\d|https?://\S+|\bNorthgate\b|\b\d{4}\b")
    before = facts.findall(room.document.markdown)

    room.read()
    room.write()

    assert facts.findall(room.document.markdown) == before


def test_notes_are_not_repeated() -> None:
    """What an editor noted once is not noted again, whether it was applied, declined or still stands."""
    room = TestRoom.on(_LETTER)
    room.read()
    first = len(room.notes)
    room.read()

    assert len(room.notes) == first > 0

    room.write()
    room.read()
    fresh = room.notes[first:]
    assert [note for note in fresh if any(note.comment == old.comment for old in room.notes[:first])] == []


def test_an_editor_follows_up_on_its_notes() -> None:
    """An applied note whose fault is gone stays applied, one that came back has regressed, an untouched one is open."""
    room = TestRoom.on(_LETTER)
    role = room.cast.editors[1]
    quote = "We sent the the letter"
    gone = Note("n1", "s", 0, role.key, "Doubled word: “that” stands twice.", quote="knew that that", fate=Fate.APPLIED)
    back = Note(
        "n2",
        "s",
        0,
        role.key,
        "Doubled word: “the” stands twice.",
        ref=room.document.blocks[1].ref,
        quote=quote,
        fate=Fate.APPLIED,
    )
    still = Note("n3", "s", 0, role.key, "Wordy: “in order to” says no more than “to”.", quote="in order to hear")
    accepted = Note("n4", "s", 0, role.key, "Passive voice: “was read”", quote="was read by", fate=Fate.DECLINED)

    reply = parse_editor(answer(room.request(role, "edit", Tail("edit", notes=(gone, back, still, accepted)))), role)

    assert {item.note: item.fate for item in reply.earlier} == {
        "n1": Fate.APPLIED,
        "n2": Fate.REGRESSED,
        "n3": Fate.OPEN,
    }


def test_what_people_want_kept_is_kept() -> None:
    """Guidance that says to keep a passage declines the notes on it, and says why."""
    room = TestRoom.on(_LETTER, guidance=('Please keep "in order to" as it is.',))
    room.read()
    room.write()

    kept = [note for note in room.notes if "in order to" in note.quote]
    assert [(note.fate, note.fate_reason) for note in kept] == [(Fate.DECLINED, "A person asked to keep this passage.")]
    assert "in order to" in room.document.markdown


def test_of_two_notes_on_the_same_words_one_is_declined() -> None:
    """The Synthesizer declines a repeat and the lesser of two notes that cannot both be followed."""
    room = TestRoom.on(_LETTER)
    block = room.document.blocks[1]
    quote = "in order to hear more"

    def note(number: int, suggestion: str, severity: Severity = Severity.MINOR) -> Note:
        return Note(
            f"n{number}", "s", 0, "style_editor", f"Wordy: {number}", block.ref, quote, True, suggestion, severity
        )

    notes = (note(1, "to hear more"), note(2, "so that we hear more", Severity.MAJOR), note(3, "so that we hear more"))
    lead = room.cast.synthesizer
    reply = parse_synthesizer(answer(room.request(lead, "synthesize", Tail("synthesize", notes=notes))), lead)

    assert {item.note: item.reason for item in reply.decline} == {
        "n1": "The note of the style editor changes the same words and matters more to the reader.",
        "n3": "The note of the style editor asks for the same words.",
    }
    assert [step.notes for step in reply.plan] == [("n2",)]


def test_the_writer_answers_notes_that_no_rule_wrote() -> None:
    """A note of a person or a language model is applied when it says what to write, else declined with the true reason."""
    room = TestRoom.on(_LETTER)
    block = room.document.blocks[1]
    room.notes = [
        Note("n1", "s", 0, "e", "Sharper.", block.ref, "hear more", True, "learn the answer"),
        Note("n2", "s", 0, "e", "Where is the ask?"),
        Note("n3", "s", 0, "e", "Cut this.", block.ref, "was never there", False, "x"),
    ]
    room.write()

    assert "learn the answer" in room.document.markdown
    assert [note.fate_reason for note in room.notes[1:]] == [
        "It needs judgement, and a rehearsal has only rules.",
        "The passage does not stand in the document any more.",
    ]


def test_every_editor_of_a_large_cast_has_something_to_say() -> None:
    """Whatever roles a cast has, each of them reads in its own field and every reply says that it is a rehearsal."""
    room = TestRoom.on(_LETTER, cast=with_editors(load_cast("technical"), 12))
    for role in room.cast.editors:
        reply = parse_editor(answer(room.request(role, "edit", Tail("edit"))), role)

        assert reply.score is not None
        assert len(reply.criteria) == len(role.criteria)
        assert reply.summary.startswith("Rehearsal:")


def test_equal_words_elsewhere_are_another_passage() -> None:
    """A mended fault has not come back because another paragraph has the same words; moved words are the same passage."""
    room = TestRoom.on("We came in order to help them.\n\nThey left in order to help you.\n\nThis is a line of ours.\n")
    role = room.cast.editors[1]
    first, second, third = (block.ref for block in room.document.blocks)
    says = "Wordy: “in order to” says no more than “to”."

    def judged(ref: str, quote: str, fate: Fate) -> tuple[dict[str, Fate], list[str]]:
        note = Note("n1", "s", 0, role.key, says, ref, quote, True, "to help", fate=fate)
        reply = parse_editor(answer(room.request(role, "edit", Tail("edit", notes=(note,)))), role)
        return {item.note: item.fate for item in reply.earlier}, [new.block for new in reply.notes]

    assert judged(third, "in order to help", Fate.APPLIED) == ({"n1": Fate.APPLIED}, [first, second])
    assert judged(first, "in order to help", Fate.OPEN) == ({"n1": Fate.OPEN}, [second])
    assert judged(third, "came in order to help", Fate.OPEN) == ({"n1": Fate.OPEN}, [second])


def test_notes_that_can_be_followed_come_before_the_fourth_that_cannot() -> None:
    """Of each kind that only people can mend there are three notes a round, so that others find a place."""
    long = "The {} of the town is for the people of the hill and the people of the river who come here on the first day of the week for the bread and the milk of the farm."
    text = " ".join(long.format(name) for name in ("market", "hall", "school", "church", "mill", "inn", "bank", "shop"))
    room = TestRoom.on(f"{text}\n\nWe came in order to see it. We are in need of it prior to May.\n")
    role = room.cast.editors[1]
    reply = parse_editor(answer(room.request(role, "edit", Tail("edit"))), role)

    assert [note.suggestion for note in reply.notes].count("") == 3
    assert "came to see" in [note.suggestion for note in reply.notes]


def test_the_plan_says_what_people_must_do_and_asks_once() -> None:
    """Steps that rules cannot take come last and say so; places are told as people count; equal questions are one."""
    room = TestRoom.on(
        "Sales have grown by 24% in the town, and it is in order to help.\n\nThe rents have grown by 24% in the other town.\n\n"
        "We meet on Monday, 1 September 2026, with the people of the town.\n"
    )
    notes: list[Note] = []
    for role in room.cast.editors:
        reply = parse_editor(answer(room.request(role, "edit", Tail("edit"))), role)
        for new in reply.notes:
            notes.append(
                Note(
                    f"n{len(notes)}",
                    "s",
                    0,
                    role.key,
                    new.comment,
                    new.block,
                    new.quote,
                    True,
                    new.suggestion,
                    new.severity,
                )
            )
    lead = room.cast.synthesizer
    verdict = parse_synthesizer(answer(room.request(lead, "synthesize", Tail("synthesize", notes=tuple(notes)))), lead)

    assert [step.step for step in verdict.plan] == [
        "Say in fewer words what needs no more (paragraph 1).",
        "A person is needed to name the source of figures (paragraphs 1 and 2).",
        "A person is needed to put weekday and date in agreement (paragraph 3).",
    ]
    assert [question.partition("”: ")[2] for question in verdict.questions] == [
        "where does “24%” come from?",
        "is the weekday right, or the date?",
    ]


def test_an_outline_is_not_sold_as_the_text() -> None:
    """The verdict on a rehearsal's draft says that the text is still to be written, and its heading is not cut short."""
    room = TestRoom.on("", brief="Write a short letter to our neighbours about the street party on 4 July.")
    text = draft(RehearsalPrompt(brief=room.brief))
    room.document = document_from_markdown(text, title="")
    lead = room.cast.synthesizer
    reply = parse_synthesizer(answer(room.request(lead, "synthesize", Tail("synthesize"))), lead)

    assert text.startswith("# Write a short letter to our neighbours about the street party on 4 July\n")
    assert "not the text that was asked for" in reply.summary


def test_another_language_is_good_enough_only_without_faults() -> None:
    """A text whose sentences no rule reads scores 8 at most, and below that while something in it can be mended."""
    clean = "Wir schicken den Brief morgen mit der Post an das Amt und warten dann auf eine Antwort.\n"
    faulty = clean.replace("den Brief", "den den Brief")

    assert TestRoom.on(clean).read() == 8.0
    assert TestRoom.on(faulty).read() < 8.0


def test_other_languages_are_said_to_be_unchecked() -> None:
    """A text that is not English is checked for what holds in any language, and the reply says so."""
    room = TestRoom.on("# Brief\n\nWir schicken den den Brief morgen mit der Post an das Amt und warten auf Antwort.\n")
    role = room.cast.editors[1]
    reply = parse_editor(answer(room.request(role, "edit", Tail("edit"))), role)

    assert [note.suggestion for note in reply.notes] == ["schicken den Brief morgen"]
    assert "not English" in reply.summary


_LONG = (
    "Please note that we utilize it; they have the ability to utilise a number of e-mail and email tools for all of the "
    "people who come here every day of the week to work with us on the plan."
)
_SENTENCES = st.sampled_from(
    [
        "We sent the the letter in order to hear more.",
        "It is a very important matter for the Board.",
        "At this point in time the SLA is due to the fact that the board said so.",
        "The **plan** was made by [Anna](https://example.org) and `the the` code.",
        "Sales have grown by 24% and the end result is that the colour of the color is fine.",
        "A word.",
        "| a | b |",
        _LONG,
    ]
)
_BLOCKS = st.lists(
    st.tuples(st.sampled_from(["", "# ", "- ", "> ", "1. "]), st.lists(_SENTENCES, min_size=1, max_size=3)).map(
        lambda block: block[0] + " ".join(block[1])
    ),
    min_size=1,
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(blocks=_BLOCKS)
def test_rounds_on_any_text(blocks: list[str]) -> None:
    """On any text every note gets an answer, every edit applies, and scores stay on their scale.

    That scores rise is a law of texts of some length (see the sample): in two sentences, taking words out can leave more
    faults a word than before.
    """
    room = TestRoom(document_from_markdown("\n\n".join(blocks), title=""))
    room.read()
    for _ in range(2):
        room.write()
        assert room.open_notes == ()
        room.read()

    assert all(0.0 <= score <= 10.0 for score in room.scores)


@given(text=st.text("ab ", max_size=12), quote=st.text("ab ", min_size=1, max_size=6), words=st.text("ab ", max_size=6))
def test_a_patch_does_what_the_suggestion_says(text: str, quote: str, words: str) -> None:
    """Applying a patch replaces the quote by the suggestion and nothing besides."""
    patch = find_patch(text, quote, words)

    if patch is not None:
        assert apply_patches(text, [patch]) == text.replace(quote, words, 1)


def test_patches_that_meet() -> None:
    """Two changes meet when they touch the same letters, or insert where the other changes."""
    assert Patch(0, 3, "x").meets(Patch(2, 5, "y"))
    assert not Patch(0, 3, "x").meets(Patch(3, 5, "y"))
    assert Patch(3, 3, "x").meets(Patch(3, 3, "y"))


@pytest.mark.parametrize("path", [TARGET, _BRIEF])
def test_the_sample_ships(path: Path) -> None:
    """What the demonstration needs stands beside the script."""
    assert path.stat().st_size > 0
