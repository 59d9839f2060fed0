"""Real Word files by others: any edit lands where it was meant, and the rest of the file is as it was."""

import io
import random
import re
import zipfile
from collections import Counter
from pathlib import Path

import docx
import pytest
from lxml import etree

from core.documents.edits import Edit, EditOp, apply_edits
from core.documents.errors import UnreadableFile
from core.documents.model import Block, BlockKind, Document, split_ref
from core.documents.readers.docx import read
from core.documents.readers.docx_index import iter_addressable
from core.documents.readers.docx_package import normalised
from core.documents.writers.docx_patch import patch

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
# Thousands of blocks: seconds a case, and nothing in it that smaller files do not have.
LARGE = 400_000
SEEDS = 4
WORD = re.compile(r"(?<![\w\[\]()<>/\\&;*_~`^#|])[A-Za-z]{3,}(?![\w\[\]()<>/\\&;*_~`^|])")
OUTSIDE = (BlockKind.HEADER, BlockKind.FOOTER, BlockKind.FOOTNOTE, BlockKind.COMMENT, BlockKind.TEXT_BOX)
NEW = (
    "A new paragraph with **bold** and *italics* and a [link](https://example.org/).",
    "## New heading",
    "- new bullet",
    "1. new number",
    "> new quote",
    "```\nnew code\n```",
    "| a | b |\n| --- | --- |\n| c | **d** |",
)

files = sorted(path for path in CORPUS.glob("*.docx") if path.stat().st_size < LARGE) if CORPUS.is_dir() else []
pytestmark = pytest.mark.skipif(not files, reason="the corpus is not here")


def said(block: Block) -> tuple[str, str]:
    """Return kind and text without what Word counts itself: numbers of items and notes."""
    text = re.sub(r"\[\^e?\d+\]", "[^n]", block.markdown)
    if block.kind is BlockKind.LIST_ITEM or block.kind in OUTSIDE:
        text = re.sub(r"^\s*\d+\. ", "1. ", text)
    if block.kind is BlockKind.COMMENT:  # it quotes the words that it is about
        text = ""
    return block.kind.value, " ".join(text.split())


def changed(block: Block, chance: random.Random) -> str | None:
    """Return the text of *block* with one small change, None if it has no word to change."""
    text = block.markdown
    words = list(WORD.finditer(text)) if "http" not in text else []
    if not words:
        return None
    word = chance.choice(words)
    plain = not set("*`[~") & set(text) and block.kind not in (BlockKind.CODE, BlockKind.HEADING)
    forms = ["Replacement", f"{word.group()} and more words"]
    if plain:
        forms += ["**strong**", "*slanted*", "[site](https://example.org/x)"]
    return text[: word.start()] + chance.choice(forms) + text[word.end() :]


def some_edits(before: Document, chance: random.Random) -> list[Edit]:
    free = [block for block in before.blocks if not block.locked]
    edits: list[Edit] = []
    for block in chance.sample(free, min(len(free), 10)):
        action = chance.choice(["change", "change", "change", "delete", "insert"])
        text = changed(block, chance)
        if action == "change" and text:
            edits.append(Edit(EditOp.REPLACE, block.ref, text))
        elif action == "delete" and len(free) > 10:
            edits.append(Edit(EditOp.DELETE, block.ref))
        elif action == "insert" and block.kind not in OUTSIDE:
            edits.append(Edit(EditOp.INSERT_AFTER, block.ref, chance.choice(NEW)))
    return edits


def elements(data: bytes, part: str) -> dict[int, etree._Element]:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return dict(iter_addressable(etree.fromstring(package.read(part))))


def canonical(node: etree._Element) -> bytes:
    return etree.tostring(node, method="c14n", exclusive=True, with_tail=False)


def missing(data: bytes, result: bytes, before: Document, touched: set[str]) -> list[str]:
    """Return the ids of untouched blocks whose XML is not in the result."""
    lost = []
    origins = {block.id: block.origin for block in before.blocks if block.origin}
    for part in {origin.part for origin in origins.values()}:
        old = elements(data, part)
        found = Counter(canonical(node) for node in elements(result, part).values())
        changed_nodes = {old[origins[name].index] for name in touched if origins[name].part == part}
        for block in before.blocks:
            if block.id in touched or origins[block.id].part != part:
                continue
            node = old[origins[block.id].index]
            related = {*node.iterancestors(), *node.iterdescendants()}
            if not related & changed_nodes and not found[canonical(node)]:
                lost.append(block.id)
    return lost


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("path", files, ids=lambda path: path.stem)
def test_edits_land_and_the_rest_stays(path: Path, seed: int) -> None:
    """The patched file reads as the edited document; untouched paragraphs are equal in canonical XML; it opens."""
    original = path.read_bytes()
    try:
        before = read(original, name=path.name)
    except UnreadableFile:
        pytest.skip("not a readable Word file")
    edits = some_edits(before, random.Random(seed))  # noqa: S311 - chance for a test
    after = apply_edits(before, edits)
    result = patch(original, before, after)
    again = read(result, name=path.name)
    assert [said(block) for block in again.blocks] == [said(block) for block in after.blocks]
    if result != original:  # a Strict file that did not change is one that python-docx cannot open
        docx.Document(io.BytesIO(result))
    touched = {split_ref(edit.ref)[0] for edit in edits if edit.op is not EditOp.INSERT_AFTER}
    assert missing(normalised(original), normalised(result), before, touched) == []
