"""Replies as values: what is kept, what is mended, and that nothing raises."""

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.casts.catalogue import load_cast
from core.documents.edits import Edit, EditOp
from core.evaluation.parsing import parse_answers, parse_editor, parse_revision, parse_synthesizer
from core.evaluation.replies import Answer, EarlierFate, PlanStep, ReplyNote
from core.sessions.model import EvaluationTier, Fate, Severity

_CAST = load_cast("standard")
_EDITOR = _CAST.editors[0]
_LEAD = _CAST.synthesizer
_PIECES = st.sampled_from(
    [
        '{"',
        '"}',
        "}",
        "]",
        "[",
        '":',
        ",",
        "score",
        "notes",
        "edits",
        "7/10",
        "\\",
        "'",
        "```",
        "\n",
        " ",
        "ten",
        "%",
        "“",
    ]
)
_TEXTS = st.one_of(st.text(max_size=300), st.lists(_PIECES, max_size=60).map("".join))
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["score", "notes", "criteria", "plan", "edits", "op", "block", "note", "fate", "text", "x"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@settings(deadline=None)  # the machine is shared; the cost of hostile replies has its own test
@given(text=_TEXTS | _JSON.map(json.dumps) | _JSON.map(str))
@example(text="{" * 3_000)
@example(text='{"a":' * 3_000)
@example(text='{"score": 1e999, "notes": {"comment": {}}}')
@example(text='{"score": ' + "9" * 5_000 + "}")
def test_no_text_raises(text: str) -> None:
    """Whatever a model says can be read, and every score lies within 0.0 to 10.0 with one decimal."""
    editor = parse_editor(text, _EDITOR)
    lead = parse_synthesizer(text, _LEAD)
    parse_revision(text)
    parse_answers(text)

    for score in [editor.score, lead.score, *dict(editor.criteria).values(), *dict(lead.criteria).values()]:
        assert score is None or (0.0 <= score <= 10.0 and round(score, 1) == score)
    assert (editor.tier is EvaluationTier.FALLBACK) <= (editor.score is None)


@pytest.mark.parametrize(
    "text",
    ['{"score": 1, "notes": "' + 'x "y ' * 12_000, "[" * 60_000, '{"' * 30_000, "7 of " * 20_000, "score " * 20_000],
    ids=["quotes", "brackets", "braces", "fractions", "labels"],
)
def test_a_hostile_reply_costs_little(text: str) -> None:
    """A reply of 60,000 characters that is broken everywhere is read in seconds at most, not in minutes."""
    start = time.process_time()

    parse_editor(text, _EDITOR)

    assert time.process_time() - start < 3


def test_an_editor_reply_is_read_whole() -> None:
    """Notes, fates, criteria and the rest arrive as they were given."""
    text = json.dumps(
        {
            "notes": [
                {
                    "block": "[p3#ab12]",
                    "quote": " at this point",
                    "comment": "Wordy.",
                    "suggestion": " now",
                    "severity": "Major",
                },
                {"block": "", "quote": "", "comment": "No ending.", "suggestion": "", "severity": "strange"},
                {"block": "p1", "quote": "x", "comment": "", "suggestion": ""},
            ],
            "earlier": [
                {"note": "n1", "fate": "fixed", "reason": "gone"},
                {"note": "n2", "fate": "declined", "reason": "not an editor's to say"},
                {"note": "", "fate": "open", "reason": ""},
            ],
            "criteria": {"purpose": 8, "completeness": 6, "argument": 7, "structure": 7},
            "score": 2,
            "summary": "Good start.",
            "self_assessment": "I may be harsh.",
        }
    )

    reply = parse_editor(text, _EDITOR)

    assert reply.notes == (
        ReplyNote("p3#ab12", " at this point", "Wordy.", " now", Severity.MAJOR),
        ReplyNote("", "", "No ending.", "", Severity.MINOR),
    )
    assert reply.earlier == (EarlierFate("n1", Fate.APPLIED, "gone"),)
    assert (reply.tier, reply.score) == (EvaluationTier.JSON, 7.2)
    assert (reply.summary, reply.self_assessment) == ("Good start.", "I may be harsh.")


def test_notes_in_prose_are_not_lost() -> None:
    """Bullets of a reply in prose become notes, with the quote and the address that they name."""
    reply = parse_editor('Fair.\n- [p4#00ff] cut "in order to", it says nothing\n2. No ending\n\nScore: 6/10', _EDITOR)

    assert [(note.block, note.quote) for note in reply.notes] == [("p4#00ff", "in order to"), ("", "")]
    assert (reply.tier, reply.score, reply.summary[:5]) == (EvaluationTier.PROSE, 6.0, "Fair.")


def test_the_synthesizer_is_read_whole() -> None:
    """Plan, declined notes and questions arrive as they were given."""
    text = json.dumps(
        {
            "plan": [{"step": "Lead with the price.", "notes": ["n1", "n4"]}, "Fix n2 too", {"step": ""}],
            "decline": [{"note": "n3", "reason": "taste"}, {"reason": "nobody"}],
            "questions": ["Who signs?", ""],
            "criteria": {"fitness": 6, "quality": 7, "reliability": 7},
            "score": 6.5,
            "summary": "Close.",
            "self_assessment": "",
        }
    )

    reply = parse_synthesizer(text, _LEAD)

    assert reply.plan == (PlanStep("Lead with the price.", ("n1", "n4")), PlanStep("Fix n2 too", ("n2",)))
    assert reply.decline == (Answer("n3", Fate.DECLINED, "taste"),)
    assert (reply.questions, reply.score) == (("Who signs?",), 6.5)


def test_a_plan_in_prose_is_still_a_plan() -> None:
    """Numbered lines of a Synthesizer that forgot the JSON become the plan."""
    reply = parse_synthesizer("1. Cut the opening (n1, n2)\n2. Add a date\n\nOverall: 7/10", _LEAD)

    assert reply.plan == (PlanStep("Cut the opening (n1, n2)", ("n1", "n2")), PlanStep("Add a date"))
    assert (reply.tier, reply.score) == (EvaluationTier.PROSE, 7.0)


def test_a_revision_is_read_whole() -> None:
    """Edits keep their text to the letter; what cannot be an edit is named and not dropped in silence."""
    text = json.dumps(
        {
            "edits": [
                {"op": "replace", "block": "p1#ab12", "text": "# New\n\nText ", "notes": ["n1"]},
                {"op": "insert-after", "pid": "p0", "text": "Start", "notes": "n2"},
                {"op": "delete", "block": "p3", "text": "ignored", "notes": []},
                {"op": "move", "block": "p4", "text": "x"},
                {"op": "replace", "block": "", "text": "x"},
                {"op": "replace", "block": "p5", "text": " "},
                "nonsense",
            ],
            "answers": [{"note": "n3", "fate": "declined", "reason": "no source"}, {"note": "n4", "fate": "open"}],
            "summary": "Done.",
            "self_assessment": "Unsure.",
        }
    )

    reply = parse_revision(text)

    assert reply is not None
    assert reply.edits == (
        Edit(EditOp.REPLACE, "p1#ab12", "# New\n\nText ", ("n1",)),
        Edit(EditOp.INSERT_AFTER, "p0", "Start", ("n2",)),
        Edit(EditOp.DELETE, "p3"),
    )
    assert reply.answers == (Answer("n3", Fate.DECLINED, "no source"),)
    assert [problem.split(":")[0] for problem in reply.malformed] == ["edit 4", "edit 5", "edit 6", "edit 7"]


@pytest.mark.parametrize("cut", range(30, 100, 7))
def test_half_a_revision_is_none(cut: int) -> None:
    """A revision that breaks off anywhere is not read as one, although its JSON could be mended."""
    text = json.dumps(
        {"edits": [{"op": "replace", "block": "p1#ab12", "text": "One two three four five", "notes": []}]}
    )

    assert parse_revision(text) is not None
    assert parse_revision(text[:cut]) is None


@pytest.mark.parametrize(
    "text",
    ["", "I would rather not.", "# A whole document\n\nWith text.", '{"score": 7}', '{"text": "edits"}', "[1, 2]"],
)
def test_what_is_no_revision_is_none(text: str) -> None:
    """Text without edits or answers is no revision."""
    assert parse_revision(text) is None


def test_a_bare_list_of_edits_is_a_revision() -> None:
    """Some models leave the object out; the edits count all the same."""
    reply = parse_revision('```json\n[{"op": "delete", "block": "p2#aaaa", "text": "", "notes": ["n1"]}]\n```')

    assert reply is not None
    assert reply.edits == (Edit(EditOp.DELETE, "p2#aaaa", "", ("n1",)),)


def test_answers_after_a_rewrite() -> None:
    """The array below a full rewrite gives the answers."""
    assert parse_answers('[{"note": "n1", "fate": "applied", "reason": "Done."},]') == (
        Answer("n1", Fate.APPLIED, "Done."),
    )
