"""From Markdown to a Document, and from one Document to the next: which block became which."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import Final

from core.documents.edits import PLACE_KINDS, Edit, EditOp
from core.documents.markdown import Piece, inline_text, split_blocks
from core.documents.model import Block, BlockKind, Document, SourceFormat, split_marked, split_ref

_FENCE = re.compile(r"^(?P<fence>`{3,}|~{3,})[ \t]*(?P<info>[\w-]*)[ \t]*$")
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_MARKED = re.compile(r"^\[p\d+#[0-9a-f]{4}\]", re.MULTILINE)
_TOKEN = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+(?:['’\-]\w+)*")  # noqa: RUF001 - both apostrophes stand in real text

# Half of the words in the same order is where two paragraphs stop being versions of each other (judged on rewrites).
_SAME_BLOCK: Final = 0.5
# Below so many words, one changed word is a lot: characters tell more.
_SHORT_TOKENS: Final = 6
# Comparing each with each costs about 20 microseconds a pair: above this number only neighbours are compared.
_MOST_PAIRS: Final = 10_000
_BAND: Final = 50

# A rewrite given as one text leaves these out more often than it means to delete them.
_KEPT_KINDS: Final = PLACE_KINDS | {BlockKind.IMAGE}


def document_from_markdown(
    text: str, *, source_format: SourceFormat = SourceFormat.MARKDOWN, title: str = ""
) -> Document:
    """Return the Document of a first draft: blocks p1, p2, ... without origin.

    Args:
        text: Markdown; one ``markdown`` fence around the whole of it is taken off.
        source_format: The format in which the document will be written.
        title: Its title; by default the text of its first heading, possibly empty.
    """
    pieces = split_blocks(strip_fence(text))
    blocks = tuple(Block(f"p{number}", one.kind, one.markdown, one.level) for number, one in enumerate(pieces, 1))
    headings = (inline_text(block.markdown) for block in blocks if block.kind is BlockKind.HEADING)
    return Document(blocks, len(blocks) + 1, source_format, title or next(headings, ""))


def strip_fence(text: str) -> str:
    """Return *text* without the one fence that a model put around the whole of it, if it did."""
    lines = text.strip().split("\n")
    first = _FENCE.match(lines[0].strip())
    if first is None or len(lines) < 2 or lines[-1].strip() != first["fence"]:  # noqa: PLR2004 - a fence is two lines
        return text
    inner = "\n".join(lines[1:-1])
    if first["info"].lower() in ("markdown", "md"):
        return inner
    # A fence that does not say so may be code: only a heading in it tells that it is a whole document.
    whole = not first["info"] and first["fence"] not in inner and _HEADING.search(inner)
    return inner if whole else text


def realign(old: Document, markdown: str) -> Document:
    """Return the Document that a full rewrite of *old* makes, with the ids of every block that can be told again.

    Blocks that stayed keep id, origin and kind, wherever they stand now. Changed blocks that clearly correspond
    (the same address in front of them, much the same words, or alone between two that stayed) keep id and origin.
    All others are new. Locked blocks, images and what stands outside the running text (page headers, footnotes,
    comments, text boxes) are never lost: left out of the rewrite, they stay after the block that they followed.

    Args:
        old: The state that was rewritten.
        markdown: The whole new text, with or without ``[p12#f3c1]`` addresses and an enclosing fence.
    """
    drafts = list(_drafts(strip_fence(markdown)))
    taken = _matches(old.blocks, drafts)
    blocks: list[Block] = []
    next_number = old.next_number
    for index, draft in enumerate(drafts):
        piece = draft.piece
        match = taken.get(index)
        if match is None:
            blocks.append(Block(f"p{next_number}", piece.kind, piece.markdown, piece.level))
            next_number += 1
        else:
            blocks.append(_carried(old.blocks[match], piece))
    return replace(old, blocks=_with_kept(old, blocks), next_number=next_number)


def diff_edits(old: Document, new: Document) -> tuple[Edit, ...]:
    """Return edits that turn the text of *old* into that of *new*.

    A block that moved is deleted in one place and inserted, under a new id, in the other.
    """
    edits: list[Edit] = []
    stayed = ids_in_order(old, new)
    anchor = "p0"
    kept = set()
    for block in new.blocks:
        if block.id in stayed:
            before = old.by_id[block.id]
            kept.add(block.id)
            anchor = before.ref
            if before.markdown != block.markdown:
                edits.append(Edit(EditOp.REPLACE, before.ref, block.markdown))
        else:
            edits.append(Edit(EditOp.INSERT_AFTER, anchor, block.markdown))
    edits += [Edit(EditOp.DELETE, block.ref) for block in old.blocks if block.id not in kept]
    return tuple(edits)


def changed_share(old: Document, new: Document) -> float:
    """Return the share of words that differ between two states: 0.0 for the same text, 1.0 for a wholly new one.

    Words count as kept where they stand in the same block in the same order. The share is of the longer state, so
    that cutting a text to half is a change of 0.5, as writing its second half is.
    """
    kept = before = after = 0
    for block in old.blocks:
        before += len(_WORD.findall(block.markdown))
    for block in new.blocks:
        words = _WORD.findall(block.markdown)
        after += len(words)
        source = old.by_id.get(block.id)
        if source is None:
            continue
        if source.markdown == block.markdown:
            kept += len(words)
        else:
            matcher = SequenceMatcher(None, _WORD.findall(source.markdown), words, autojunk=False)
            kept += sum(match.size for match in matcher.get_matching_blocks())
    return 1.0 - kept / max(before, after) if before or after else 0.0


@dataclass(frozen=True, slots=True)
class _Draft:
    """A piece of the new text, and the id that stood in front of it."""

    piece: Piece
    hint: str = ""


def _drafts(text: str) -> Iterator[_Draft]:
    first = _MARKED.search(text)
    if first is None:
        yield from map(_Draft, split_blocks(text))
        return
    yield from map(_Draft, split_blocks(text[: first.start()]))
    for ref, markdown in split_marked(text[first.start() :]):
        indent = len(markdown) - len(markdown.lstrip(" "))
        for index, piece in enumerate(split_blocks("\n".join(line[indent:] for line in markdown.split("\n")))):
            yield _Draft(piece, split_ref(ref)[0] if index == 0 else "")


def _matches(old: Sequence[Block], drafts: Sequence[_Draft]) -> dict[int, int]:
    """Return the old block of each draft that has one, by index."""
    taken: dict[int, int] = {}
    places = {block.id: index for index, block in enumerate(old)}
    used: set[int] = set()
    for index, draft in enumerate(drafts):
        if draft.hint in places and places[draft.hint] not in used:
            taken[index] = places[draft.hint]
            used.add(taken[index])
    free_old = [index for index in range(len(old)) if index not in used]
    free_new = [index for index in range(len(drafts)) if index not in taken]
    before = [old[index].markdown for index in free_old]
    after = [drafts[index].piece.markdown for index in free_new]
    gaps: list[tuple[list[int], list[int]]] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            taken.update(zip(free_new[j1:j2], free_old[i1:i2], strict=True))
        else:
            gaps.append((free_old[i1:i2], free_new[j1:j2]))
    _match_moved(old, drafts, gaps, taken)
    for olds, news in gaps:
        _match_similar(old, drafts, olds, news, taken)
    return taken


def _match_moved(
    old: Sequence[Block], drafts: Sequence[_Draft], gaps: list[tuple[list[int], list[int]]], taken: dict[int, int]
) -> None:
    """Take the blocks that stand elsewhere now, word for word, out of *gaps*."""
    homeless: dict[str, list[int]] = {}
    for olds, _ in gaps:
        for index in olds:
            homeless.setdefault(old[index].markdown, []).append(index)
    moved = set()
    for _, news in gaps:
        for index in news:
            places = homeless.get(drafts[index].piece.markdown)
            if places:
                taken[index] = places.pop(0)
                moved.add(taken[index])
    for olds, news in gaps:
        olds[:] = [index for index in olds if index not in moved]
        news[:] = [index for index in news if index not in taken]


def _match_similar(
    old: Sequence[Block], drafts: Sequence[_Draft], olds: list[int], news: list[int], taken: dict[int, int]
) -> None:
    """Match the blocks of one gap so that the sum of their likeness is the greatest, order kept."""
    if len(olds) == len(news) == 1 and old[olds[0]].kind is drafts[news[0]].piece.kind:
        taken[news[0]] = olds[0]
        return
    likeness = _likeness([old[index] for index in olds], [drafts[index].piece for index in news])
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    for row in range(len(olds) - 1, -1, -1):
        for column in range(len(news) - 1, -1, -1):
            paired = likeness.get((row, column), 0.0) + best[row + 1][column + 1]
            best[row][column] = max(best[row + 1][column], best[row][column + 1], paired)
    row = column = 0
    while row < len(olds) and column < len(news):
        score = likeness.get((row, column), 0.0)
        if score and best[row][column] == score + best[row + 1][column + 1]:
            taken[news[column]] = olds[row]
            row, column = row + 1, column + 1
        elif best[row][column] == best[row + 1][column]:
            row += 1
        else:
            column += 1


def _likeness(olds: Sequence[Block], news: Sequence[Piece]) -> dict[tuple[int, int], float]:
    before = [_TOKEN.findall(block.markdown) for block in olds]
    after = [_TOKEN.findall(piece.markdown) for piece in news]
    bags_before = [Counter(tokens) for tokens in before]
    bags_after = [Counter(tokens) for tokens in after]
    narrow = len(olds) * len(news) > _MOST_PAIRS
    scores: dict[tuple[int, int], float] = {}
    for row, block in enumerate(olds):
        middle = row * len(news) // len(olds)
        columns = range(max(0, middle - _BAND), min(len(news), middle + _BAND)) if narrow else range(len(news))
        for column in columns:
            short = min(len(before[row]), len(after[column])) < _SHORT_TOKENS
            shared = (bags_before[row] & bags_after[column]).total()
            if not short and 2 * shared < _SAME_BLOCK * (len(before[row]) + len(after[column])):
                continue
            if short:
                score = SequenceMatcher(None, block.markdown, news[column].markdown, autojunk=False).ratio()
            else:
                score = SequenceMatcher(None, before[row], after[column], autojunk=False).ratio()
            if score >= _SAME_BLOCK:
                scores[row, column] = score + (0.1 if block.kind is news[column].kind else 0.0)
    return scores


def _carried(block: Block, piece: Piece) -> Block:
    if block.locked:
        return block
    if block.kind in PLACE_KINDS or block.markdown == piece.markdown:
        return replace(block, markdown=piece.markdown)
    indent = block.markdown[: len(block.markdown) - len(block.markdown.lstrip(" "))]
    if piece.kind is block.kind is BlockKind.LIST_ITEM and block.level > piece.level and indent:
        # A nested item that was rewritten alone, behind its address, came without its indentation.
        lines = (indent + line if line.strip() else line for line in piece.markdown.split("\n"))
        return replace(block, markdown="\n".join(lines))
    return replace(block, kind=piece.kind, markdown=piece.markdown, level=piece.level)


def _with_kept(old: Document, blocks: Sequence[Block]) -> tuple[Block, ...]:
    present = {block.id for block in blocks}
    following: dict[str, list[Block]] = {}
    anchor = ""
    for block in old.blocks:
        if block.id in present:
            anchor = block.id
        elif block.locked or block.kind in _KEPT_KINDS:
            following.setdefault(anchor, []).append(block)
    result = list(following.get("", ()))
    for block in blocks:
        result.append(block)
        result += following.get(block.id, ())
    return tuple(result)


def ids_in_order(old: Document, new: Document) -> set[str]:
    """Return the ids that stand in both documents in the same order: those of blocks that did not move."""
    before = [block.id for block in old.blocks if block.id in new.by_id]
    after = [block.id for block in new.blocks if block.id in old.by_id]
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return {before[match.a + k] for match in matcher.get_matching_blocks() for k in range(match.size)}
