"""The rehearsal as a Model: replies of the right form, at the right pace, honest about what they are."""

import asyncio
import json
from datetime import UTC, datetime

import jsonschema
import pytest

from core.agents.schemas import reply_schema
from core.casts.catalogue import load_cast
from core.documents.align import document_from_markdown
from core.evaluation.parsing import parse_editor
from core.providers.base import Request, Segment, StopReason
from core.providers.errors import PartialReply
from core.providers.rehearsal_model import PROVIDER, RehearsalModel

_CAST = load_cast("standard")
_DOCUMENT = document_from_markdown("# Title\n\nWe sent the the letter in order to hear more of it.\n", title="")
_NOTE = {
    "id": "n1",
    "ref": _DOCUMENT.blocks[1].ref,
    "editor": "style_editor",
    "quote": "sent the the letter",
    "comment": "Doubled word: “the” stands twice.",
    "suggestion": "sent the letter",
    "severity": "major",
    "fate": "open",
}
_ROLES = {
    "edit": _CAST.editors[1],
    "synthesize": _CAST.synthesizer,
    "revise": _CAST.writer,
    "repair": _CAST.writer,
}


class _Clock:
    """Counts the seconds that somebody slept, and can cut a sleep as a person's Stop does."""

    def __init__(self, cut_after: int | None = None) -> None:
        self.slept: list[float] = []
        self._cut_after = cut_after

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self._cut_after is not None and len(self.slept) > self._cut_after:
            raise asyncio.CancelledError


class _Listener:
    def __init__(self) -> None:
        self.pieces: list[str] = []

    def text(self, delta: str) -> None:
        self.pieces.append(delta)

    def restarted(self, reason: str) -> None:
        raise AssertionError(reason)

    def retrying(self, reason: str, wait_seconds: float) -> None:
        raise AssertionError(reason)

    def fell_back(self, from_model: str, to_model: str, reason: str) -> None:
        raise AssertionError(reason)


def _request(
    phase: str,
    *,
    tokens: int = 8_000,
    stream: bool = True,
    problems: str = "",
    brief: str = "A letter.",
    schema: bool = True,
) -> Request:
    role = _ROLES.get(phase, _CAST.writer)
    questions = {criterion.key: criterion.asks for criterion in role.criteria}
    document = f'<document version="0">\n{_DOCUMENT.marked}\n</document>\n' if phase != "draft" else ""
    tail = f"<notes>\n{json.dumps([_NOTE])}\n</notes>\n<criteria>\n{json.dumps(questions)}\n</criteria>\n"
    tail += f"<problems>\n{problems}\n</problems>\n" if problems else ""
    reference = '<reference name="facts.md">\n# Costs\n\nIt costs 12 euros. More below.\n</reference>\n'
    return Request(
        model="rehearsal",
        system="Rules.",
        segments=(
            Segment(f"<brief>\n{brief}\n</brief>\n{reference}", cache_break=True),
            Segment(document, cache_break=True),
            Segment(tail),
        ),
        max_output_tokens=tokens,
        json_schema=reply_schema() if phase in _ROLES and schema else None,
        stream=stream,
        labels={"role": role.key, "phase": phase},
    )


@pytest.mark.parametrize("phase", list(_ROLES))
@pytest.mark.parametrize("problems", ["", f"- {_NOTE['ref']}: the block cannot be changed\n- n7 got no answer"])
async def test_replies_satisfy_their_schema(phase: str, problems: str) -> None:
    """Where a schema was given, the reply is JSON that satisfies it."""
    reply = await RehearsalModel(clock=_Clock()).complete(_request(phase, problems=problems))

    jsonschema.validate(json.loads(reply.text), reply_schema())
    assert (reply.stop, reply.provider, reply.model) == (StopReason.COMPLETE, PROVIDER, "rehearsal")


@pytest.mark.parametrize("phase", [*_ROLES, "draft", "rewrite"])
async def test_the_same_request_gets_the_same_reply(phase: str) -> None:
    """The rehearsal is deterministic, and every reply says what it is."""
    first = await RehearsalModel(clock=_Clock()).complete(_request(phase))
    second = await RehearsalModel(clock=_Clock(), pace_tokens_per_second=50).complete(_request(phase))

    assert first == second
    assert phase == "rewrite" or "rehearsal" in first.text.lower()


async def test_without_a_schema_the_reply_says_what_its_role_says() -> None:
    """Where a server knows no schemas, a reply holds what its role has to say and is read all the same."""
    reply = await RehearsalModel(clock=_Clock()).complete(_request("edit", schema=False))
    role = _ROLES["edit"]

    assert "edits" not in json.loads(reply.text)
    assert [key for key, _ in parse_editor(reply.text, role).criteria] == [item.key for item in role.criteria]


async def test_it_streams_at_its_pace() -> None:
    """With a pace, pieces come a few words at a time and the whole takes as long as its tokens need."""
    clock, listener = _Clock(), _Listener()
    model = RehearsalModel(clock=clock, pace_tokens_per_second=80, first_token_seconds=0.4)
    reply = await model.complete(_request("draft"), listener)

    assert "".join(listener.pieces) == reply.text
    assert len(listener.pieces) > 5
    assert clock.slept[0] == 0.4
    assert sum(clock.slept[1:]) == pytest.approx(reply.usage.output_tokens / 80, abs=0.1)


async def test_without_a_pace_it_answers_at_once() -> None:
    """Without a pace nothing sleeps, and a listener hears the text in one piece; one that must not hear hears nothing."""
    clock, listener, deaf = _Clock(), _Listener(), _Listener()
    model = RehearsalModel(clock=clock)
    reply = await model.complete(_request("draft"), listener)
    await model.complete(_request("draft", stream=False), deaf)

    assert (listener.pieces, deaf.pieces, clock.slept) == ([reply.text], [], [])


async def test_a_cut_tells_what_was_used() -> None:
    """When the caller stops, the cancellation carries the text and the tokens so far."""
    listener = _Listener()
    model = RehearsalModel(clock=_Clock(cut_after=3), pace_tokens_per_second=50)

    with pytest.raises(asyncio.CancelledError) as caught:
        await model.complete(_request("draft"), listener)

    partial = caught.value.__cause__
    assert isinstance(partial, PartialReply)
    assert partial.text == "".join(listener.pieces)
    assert partial.usage.output_tokens == -(-len(partial.text) // 4)
    assert partial.usage.input_uncached_tokens > 0


async def test_a_reply_that_does_not_fit_is_truncated() -> None:
    """A reply longer than its bound is cut there and says so."""
    reply = await RehearsalModel(clock=_Clock()).complete(_request("draft", tokens=10))

    assert (reply.stop, reply.usage.output_tokens) == (StopReason.TRUNCATED, 10)


async def test_usage_is_counted() -> None:
    """Every character of the prompt is billed as uncached input, four to a token; nothing is cached or reasoned."""
    request = _request("edit")
    usage = (await RehearsalModel(clock=_Clock()).complete(request)).usage

    assert usage.input_tokens == usage.input_uncached_tokens == -(-(len(request.text) + len(request.system)) // 4)
    assert usage.reasoning_tokens == 0


async def test_a_draft_holds_only_what_was_given() -> None:
    """A first draft is made of the brief's and the references' own words and says that it is a rehearsal."""
    brief = "Announce the new office in Leeds.\n\nThe team moves in May.\n- name the address\n- thank the builders"
    text = (await RehearsalModel(clock=_Clock()).complete(_request("draft", brief=brief))).text

    assert text.startswith("# Announce the new office in Leeds\n")
    assert "rehearsal" in text.split("##")[0]
    for part in ("The team moves in May.", "- name the address", "## From facts.md", "- Costs"):
        assert part in text


async def test_a_locked_block_is_left_alone() -> None:
    """A repair declines the notes of a block that refused its edit, and answers a note that was forgotten."""
    problems = f"- {_NOTE['ref']}: the block cannot be changed in the original file; decline the note"
    reply = json.loads((await RehearsalModel(clock=_Clock()).complete(_request("repair", problems=problems))).text)

    assert reply["edits"] == []
    assert [(item["note"], item["fate"]) for item in reply["answers"]] == [("n1", "declined")]


async def test_a_rewrite_gives_text_and_answers() -> None:
    """A full rewrite is the whole document with the notes applied, and the answers below it."""
    text = (await RehearsalModel(clock=_Clock()).complete(_request("rewrite"))).text
    document, _, answers = text.partition("\n=== ANSWERS ===\n")

    assert document == "# Title\n\nWe sent the letter in order to hear more of it.\n"
    assert [(item["note"], item["fate"]) for item in json.loads(answers)] == [("n1", "applied")]


async def test_references_can_be_condensed() -> None:
    """Condensing keeps headings and first sentences."""
    assert (
        await RehearsalModel(clock=_Clock()).complete(_request("condense"))
    ).text == "# Costs\n\nIt costs 12 euros.\n"


async def test_an_unknown_phase_is_answered_honestly() -> None:
    """Asked for anything else, the rehearsal says what it is."""
    reply = await RehearsalModel(clock=_Clock()).complete(_request("chat"))

    assert "rehearsal" in reply.text
