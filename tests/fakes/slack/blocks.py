"""Whether Slack would take blocks, views and chunks: slack_sdk's own models first, then what they miss."""

from collections.abc import Iterable, Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.messages.chunk import Chunk
from slack_sdk.models.views import View

from tests.fakes.slack.block_kit import (
    ELEMENTS,
    KEYS,
    KINDS,
    LENGTHS,
    MOST_ELEMENTS,
    PLACES,
    PLAIN_ONLY,
    STATES,
    VIEW_KEYS,
    WHAT_HOLDS,
)
from tests.fakes.slack.limits import (
    ALL_BLOCKS_TEXT,
    BLOCKS,
    FILES_PER_INPUT,
    MARKDOWN_TEXT,
    TABLE_COLUMNS,
    TABLE_ROWS,
    TASK_TEXT,
)
from tests.fakes.slack.model import Json, Refusal, words_of


def check_blocks(blocks: Any, place: str = "message") -> None:
    """Return if Slack takes *blocks* in *place* (``message``, ``modal``, ``home``).

    Raises:
        Refusal: ``invalid_blocks`` with what is wrong, ``invalid_attachments`` for a second table,
            ``msg_blocks_too_long``.
    """
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise Refusal("invalid_blocks_format")
    problems = list(problems_of(blocks, place))
    if problems:
        raise Refusal("invalid_blocks", response_metadata={"messages": [f"[ERROR] {text}" for text in problems]})
    if sum(block["type"] == "table" for block in blocks) > 1:
        raise Refusal("invalid_attachments", response_metadata={"messages": ["[ERROR] only_one_table_allowed"]})
    if place == "message":
        markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
        if markdown > MARKDOWN_TEXT or sum(map(len, words_of(blocks))) > ALL_BLOCKS_TEXT:
            raise Refusal("msg_blocks_too_long")


def problems_of(blocks: list[Json], place: str) -> Iterator[str]:
    """Yield what Slack would not take."""
    if len(blocks) > BLOCKS[place]:
        yield f"no more than {BLOCKS[place]} items allowed [json-pointer:/blocks]"
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    for double in sorted({one for one in ids if ids.count(one) > 1}):
        yield f"`block_id` {double!r} already exists"
    for number, block in enumerate(blocks):
        for problem in _problems_of_block(block, place):
            yield f"{problem} [json-pointer:/blocks/{number}]"


def check_view(view: Any) -> Json:
    """Return a view that Slack takes.

    Raises:
        Refusal: ``invalid_arguments`` with what is wrong.
    """
    if not isinstance(view, dict):
        raise Refusal("invalid_arguments")
    problems = list(_problems_of_view(view))
    if problems:
        raise Refusal("invalid_arguments", response_metadata={"messages": [f"[ERROR] {text}" for text in problems]})
    return view


def check_chunks(chunks: Any) -> None:
    """Return if Slack takes the chunks of a stream.

    Raises:
        Refusal: ``invalid_chunks``, or as `check_blocks`.
    """
    if not isinstance(chunks, list):
        raise Refusal("invalid_chunks")
    for chunk in chunks:
        parsed = _parsed(Chunk, chunk)
        allowed = {"type"} if isinstance(parsed, str) else set(parsed.attributes)
        if isinstance(parsed, str) or set(chunk) - allowed:
            raise Refusal("invalid_chunks", response_metadata={"messages": [f"[ERROR] {chunk}"]})
        if chunk["type"] == "task_update" and chunk["status"] not in STATES:
            raise Refusal("invalid_chunks", response_metadata={"messages": ["[ERROR] status"]})
        if any(len(str(chunk.get(key, ""))) > TASK_TEXT for key in ("title", "details", "output")):
            raise Refusal("invalid_chunks", response_metadata={"messages": [f"[ERROR] over {TASK_TEXT} characters"]})
        if chunk["type"] == "markdown_text" and len(chunk["text"]) > MARKDOWN_TEXT:
            raise Refusal("msg_too_long")
        if chunk["type"] == "blocks":
            check_blocks(chunk["blocks"])


def _problems_of_view(view: Json) -> Iterator[str]:
    kind = view.get("type")
    if kind not in {"modal", "home"}:
        yield "unknown type of view"
        return
    for key in sorted(set(view) - VIEW_KEYS):
        yield f"invalid additional property: {key}"
    parsed = _parsed(View, view)
    if isinstance(parsed, str):
        yield parsed
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        yield "missing required field: blocks"
        return
    yield from _lengths("view", view)
    if kind == "modal":
        if "title" not in view:
            yield "missing required field: title"
        if "submit" not in view and any(block.get("type") == "input" for block in blocks):
            yield "`submit` is required when an input block is used"
        yield from _lengths("modal", view)
        yield from _texts_of("modal", view)
    yield from problems_of(blocks, str(kind))


def _problems_of_block(block: Json, place: str) -> Iterator[str]:
    kind = block.get("type")
    if kind not in KINDS:
        yield f"unsupported type: {kind}"
        return
    if kind not in PLACES[place]:
        yield f"{kind} is not allowed in a {place}"
    parsed = _parsed(Block, block)
    if isinstance(parsed, str):
        yield parsed
        return
    yield from _problems_of_node(block, place)
    actions = [node["action_id"] for node in _nodes(block) if "action_id" in node]
    for double in sorted({one for one in actions if actions.count(one) > 1}):
        yield f"`action_id` {double!r} already exists"


def _parsed(model: Any, content: Json) -> Any:
    """Return slack_sdk's object of *content*, or what it says against it."""
    try:
        parsed = model.parse(content) if hasattr(model, "parse") else model(**content)
        if parsed is None:
            return f"unsupported type: {content.get('type')}"
        parsed.to_dict()
    except (SlackObjectFormationError, TypeError, ValueError, KeyError, AttributeError) as problem:
        return f"{content.get('type')}: {problem}"
    return parsed


def _problems_of_node(node: Json, place: str) -> Iterator[str]:
    kind = str(node.get("type", ""))
    if kind not in KEYS:
        yield f"unsupported type: {kind}"
        return
    allowed = {"type", *KEYS[kind]} | ({"block_id"} if kind in KINDS else set())
    for key in sorted(set(node) - allowed):
        yield f"invalid additional property: {key} in {kind}"
    yield from _lengths(kind, node)
    yield from _lengths("*", node)
    yield from _texts_of(kind, node)
    if kind in {"plain_text", "mrkdwn", "markdown"} and not str(node.get("text", "")):
        yield f"{kind}: must be more than 0 characters"
    elements = node.get("elements")
    if isinstance(elements, list):
        if not elements and not kind.startswith("rich_text"):
            yield f"{kind}: no elements"
        if len(elements) > MOST_ELEMENTS.get(kind, len(elements)):
            yield f"{kind}: no more than {MOST_ELEMENTS[kind]} items allowed"
        for element in elements:
            if kind in ELEMENTS and element.get("type") not in ELEMENTS[kind]:
                yield f"{kind}: unsupported element {element.get('type')}"
    yield from _special(kind, node, place)
    for child in _children(node):
        yield from _problems_of_node(child, place)


def _special(kind: str, node: Json, place: str) -> Iterator[str]:
    most = node.get("max_files", FILES_PER_INPUT)
    rows = node.get("rows", [])
    wrong = {
        "section": any(len(text.get("text", "")) > 2000 for text in node.get("fields", [])),
        "image": not node.get("alt_text"),
        "table": len(rows) > TABLE_ROWS or any(len(row) > TABLE_COLUMNS for row in rows),
        "file_input": place != "modal" or not 1 <= most <= FILES_PER_INPUT,
        "task_card": node.get("status", "pending") not in STATES,
        "button": node.get("style", "primary") not in {"primary", "danger"},
        "checkboxes": len(node.get("options", [])) > 10,
        "radio_buttons": len(node.get("options", [])) > 10,
    }
    if wrong.get(kind):
        yield f"{kind}: {WHAT_HOLDS[kind]}"
    if kind == "feedback_buttons":
        for one in (node.get("positive_button", {}), node.get("negative_button", {})):
            yield from _lengths("feedback", one)
    options = [*node.get("options", []), *(one for group in node.get("option_groups", []) for one in group["options"])]
    if options or "options" in node or "option_groups" in node:
        yield from _problems_of_options(kind, node, options)
    if isinstance(confirm := node.get("confirm"), dict):
        yield from _lengths("confirm", confirm)


def _problems_of_options(kind: str, node: Json, options: list[Json]) -> Iterator[str]:
    if not options:
        yield f"{kind}: no options"
    if len(options) > 100:
        yield f"{kind}: no more than 100 options"
    for option in options:
        if set(option) - {"text", "value", "description", "url"}:
            yield f"{kind}: invalid additional property in an option"
        yield from _lengths("option", option)
    for group in node.get("option_groups", []):
        yield from _lengths("option_group", group)
    given = [node["initial_option"]] if "initial_option" in node else node.get("initial_options", [])
    if any(one not in options for one in given):
        yield f"{kind}: the initial option is none of the options"


def _texts_of(kind: str, node: Json) -> Iterator[str]:
    for key in PLAIN_ONLY.get(kind, ()):
        if isinstance(text := node.get(key), dict) and text.get("type") != "plain_text":
            yield f"{kind}: {key} must be plain_text"


def _lengths(kind: str, node: Json) -> Iterator[str]:
    for (owner, key), most in LENGTHS.items():
        if owner != kind or key not in node:
            continue
        value = node[key].get("text", "") if isinstance(node[key], dict) else node[key]
        if isinstance(value, str) and len(value) > most:
            yield f"{key} of {kind}: must be less than {most + 1} characters"


def _children(node: Json) -> Iterable[Json]:
    """Return the typed things right below; options, confirmations and feedback buttons have rules of their own."""
    for key, value in node.items():
        if key in {"options", "option_groups", "initial_option", "initial_options", "confirm", "filter", "style"}:
            continue
        for item in _flat(value):
            if "type" in item and key not in {"positive_button", "negative_button", "source"}:
                yield item


def _flat(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _flat(item)


def _nodes(node: Json) -> Iterator[Json]:
    yield node
    for child in _children(node):
        yield from _nodes(child)
