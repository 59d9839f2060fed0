"""The mock provider: what it says is valid and applies, and it keeps its pace."""

import itertools
import json
import time
from dataclasses import replace
from typing import Any

import aiohttp
import jsonschema
import pytest
from openai import AsyncOpenAI

from benchmarks.mock_replies import Kind, prose, read_prompt, reply_text, sample, score_of
from benchmarks.mock_server import Pace, serving
from core.agents.context import Material, Tail, Window, build_prompt
from core.agents.schemas import reply_schema
from core.casts.catalogue import load_cast
from core.documents.model import Block, BlockKind, Document
from core.sessions.model import Note

DOCUMENT = Document(
    blocks=(
        Block("p1", BlockKind.HEADING, "# A heading", level=1),
        Block("p2", BlockKind.PARAGRAPH, "The first paragraph says one thing and a little more."),
        Block("p3", BlockKind.PARAGRAPH, "The second paragraph says another."),
    ),
    next_number=4,
)
CAST = load_cast("standard")
NOTES = tuple(
    Note(id=f"n{number}", session_id="s", round=0, role_key="style_editor", comment="x", ref=f"p{number + 1}")
    for number in (1, 2)
)
TAILS = {
    Kind.EDITOR: Tail("edit", notes=NOTES),
    Kind.SYNTHESIZER: Tail("synthesize", notes=NOTES, evaluations=(("Style editor", 6.0, "So, so."),)),
    Kind.WRITER: Tail("revise", notes=NOTES, plan=("Be plain.",)),
}
ROLES = {Kind.EDITOR: CAST.editors[0], Kind.SYNTHESIZER: CAST.synthesizer, Kind.WRITER: CAST.writer}
SCHEMA = reply_schema()


def prompt_of(kind: Kind, document: Document | None = DOCUMENT, **changes: Any) -> str:
    """Return what Atelier asks a role of *kind*."""
    return "".join(
        segment.text
        for segment in build_prompt(
            role=ROLES[kind],
            material=Material("Write <evaluations> plainly."),
            document=document,
            version=1,
            tail=replace(TAILS[kind], **changes),
            window=Window(100_000, 4_000),
        ).segments
    )


def reply_of(kind: Kind) -> dict[str, Any]:
    """Return the reply to what a role of *kind* is asked."""
    reply: dict[str, Any] = json.loads(reply_text(read_prompt(prompt_of(kind), SCHEMA), SCHEMA, 40))
    return reply


@pytest.mark.parametrize("kind", TAILS)
def test_replies_are_valid(kind: Kind) -> None:
    """Each kind of request is recognised and gets a reply that is valid for the schema."""
    assert read_prompt(prompt_of(kind), SCHEMA).kind is kind
    jsonschema.validate(reply_of(kind), SCHEMA)


def test_a_draft_is_free_text() -> None:
    """The first draft, asked for without a schema, is Markdown with a heading."""
    prompt = read_prompt(prompt_of(Kind.WRITER, None, task="draft", notes=()), None)
    assert prompt.kind is Kind.WRITER
    assert reply_text(prompt, None, 40).startswith("# ")


def test_every_criterion_is_scored() -> None:
    """An editor scores what its role is asked to score."""
    assert [item["key"] for item in reply_of(Kind.EDITOR)["criteria"]] == [c.key for c in CAST.editors[0].criteria]


def test_a_note_quotes_its_block() -> None:
    """An editor's note names a block of the prompt by its current ref and quotes it letter by letter."""
    (note,) = reply_of(Kind.EDITOR)["notes"]
    block = next(block for block in DOCUMENT.blocks if block.ref == note["block"])
    assert block.kind is BlockKind.PARAGRAPH
    assert note["quote"]
    assert note["quote"] in block.markdown


def test_a_revision_changes_a_block_and_answers_every_note() -> None:
    """A revision's edit names a block by its current ref and changes it; every note has one answer."""
    revision = reply_of(Kind.WRITER)
    (edit,) = revision["edits"]
    block = next(block for block in DOCUMENT.blocks if block.ref == edit["block"])
    assert edit["text"] != block.markdown
    assert sorted(edit["notes"] + [answer["note"] for answer in revision["answers"]]) == ["n1", "n2"]


def test_a_benchmark_plays_all_its_rounds() -> None:
    """Scores rise by more than the gain that counts and stay below the usual threshold."""
    scores = [score_of(version) for version in range(12)]
    assert all(later - earlier >= 0.1 for earlier, later in itertools.pairwise(scores))
    assert max(scores) < 8.0


def test_prose_has_the_words_that_were_asked_for() -> None:
    """Free text has its number of words, in several paragraphs when it is long."""
    assert len(prose(150).split()) == 150
    assert prose(150).count("\n\n") == 2


def test_any_strict_schema_gets_a_valid_value() -> None:
    """A schema that is none of Atelier's gets a small valid value."""
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
            "b": {"anyOf": [{"type": "null"}, {"type": "string"}]},
            "c": {"type": "boolean"},
            "d": {"enum": ["x", "y"]},
        },
        "required": ["a", "b", "c", "d"],
        "additionalProperties": False,
    }
    jsonschema.validate(sample(schema), schema)


def test_the_bound_is_the_critical_path() -> None:
    """Phases follow each other, editors of a round run at once, a reading has no Writer."""
    pace = Pace(ttft_seconds=0.4, tokens_per_second=80)
    writer, other = 0.4 + 199 / 80, 0.4 + 59 / 80
    assert pace.bound_seconds(3, 3) == pytest.approx(3 * (writer + 2 * other))
    assert pace.bound_seconds(1, 3, reading=True) == pytest.approx(writer + 4 * other)


@pytest.mark.loopback
async def test_the_real_sdk_reads_a_stream() -> None:
    """The official SDK gets every token as an event of its own, the usage, and the same text as in one piece."""
    answer_as: Any = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": SCHEMA}}
    messages: Any = [{"role": "system", "content": "Rules."}, {"role": "user", "content": prompt_of(Kind.EDITOR)}]
    async with serving(Pace()) as base_url, AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="mock",
            messages=messages,
            response_format=answer_as,
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        whole = await client.chat.completions.create(model="mock", messages=messages, response_format=answer_as)
        async with aiohttp.ClientSession() as http, http.get(base_url.removesuffix("/v1") + "/stats") as response:
            stats = await response.json()
    deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(deltas) == 60
    assert "".join(deltas) == whole.choices[0].message.content
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 60
    assert (stats["requests"], stats["streams"], stats["in_flight"]) == (2, 1, 0)


@pytest.mark.loopback
async def test_the_pace_is_kept() -> None:
    """A paced stream ends no earlier than its bound says, and not much later."""
    pace = Pace(ttft_seconds=0.05, tokens_per_second=1000)
    async with serving(pace) as base_url, AsyncOpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        started = time.perf_counter()
        stream = await client.chat.completions.create(
            model="mock", messages=[{"role": "user", "content": "Write."}], stream=True
        )
        async for _ in stream:
            pass
        took = time.perf_counter() - started
    assert pace.due_seconds(199) <= took < pace.due_seconds(199) + 1.0
