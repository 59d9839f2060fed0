"""The mock provider: what it says is valid and applies, and it keeps its pace."""

import itertools
import json
import time
from typing import Any

import aiohttp
import jsonschema
import pytest
from openai import AsyncOpenAI

from benchmarks.mock_replies import Kind, kind_of, prose, read_prompt, reply_text, sample, score_of
from benchmarks.mock_server import Pace, serving
from core.agents.schemas import editor_schema, revision_schema, synthesizer_schema
from core.casts.model import Criterion, Phase, Role
from core.documents.model import Block, BlockKind, Document

ROLE = Role(
    key="style",
    name="Style",
    phase=Phase.EDITOR,
    emoji="x",
    colour="#000000",
    instructions="",
    criteria=(Criterion("clarity", "Is it clear?"), Criterion("flow", "Does it flow?")),
)
DOCUMENT = Document(
    blocks=(
        Block("p1", BlockKind.HEADING, "# A heading", level=1),
        Block("p2", BlockKind.PARAGRAPH, "The first paragraph says one thing and a little more."),
        Block("p3", BlockKind.PARAGRAPH, "The second paragraph says another."),
    ),
    next_number=4,
)
NOTES = [{"id": "n1", "ref": "p2", "comment": "x"}, {"id": "n2", "ref": "p3", "comment": "y"}]
PROMPT = (
    f'<brief>Plain.</brief><document version="1">\n{DOCUMENT.marked}\n</document>'
    f"<role>Edit.</role><notes>{json.dumps(NOTES)}</notes>"
)
SCHEMAS: list[tuple[Kind, dict[str, Any]]] = [
    (Kind.EDITOR, editor_schema(ROLE)),
    (Kind.SYNTHESIZER, synthesizer_schema(ROLE)),
    (Kind.WRITER, revision_schema()),
]


@pytest.mark.parametrize(("kind", "schema"), SCHEMAS)
def test_replies_are_valid(kind: Kind, schema: dict[str, Any]) -> None:
    """A reply is valid for the schema that was asked for, with a document and without."""
    assert kind_of(schema) is kind
    for text in (PROMPT, "<brief>Nothing yet.</brief>"):
        reply = json.loads(reply_text(read_prompt(text, schema), schema, 40))
        jsonschema.validate(reply, schema)


def test_a_note_quotes_its_block() -> None:
    """An editor's note names a block of the prompt by its current ref and quotes it letter by letter."""
    schema = editor_schema(ROLE)
    note = json.loads(reply_text(read_prompt(PROMPT, schema), schema, 40))["notes"][0]
    block = next(block for block in DOCUMENT.blocks if block.ref == note["block"])
    assert block.kind is BlockKind.PARAGRAPH
    assert note["quote"]
    assert note["quote"] in block.markdown


def test_a_revision_changes_a_block_and_answers_every_note() -> None:
    """A revision's edit names a block by its current ref and changes it; every note has one answer."""
    schema = revision_schema()
    revision = json.loads(reply_text(read_prompt(PROMPT, schema), schema, 40))
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
    schema = editor_schema(ROLE)
    answer_as: Any = {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}
    messages: Any = [{"role": "system", "content": "Rules."}, {"role": "user", "content": PROMPT}]
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
