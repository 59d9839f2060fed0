"""Documents for tests, by hand and by hypothesis."""

from hypothesis import strategies as st

from core.documents.edits import Edit, EditOp
from core.documents.markdown import split_blocks
from core.documents.model import Block, BlockKind, Document, Origin

WORDS = st.lists(
    st.sampled_from(["alpha", "beta", "gamma", "delta", "river", "stone", "Über", "naïve", "quite", "very"]),
    min_size=1,
    max_size=8,
)
SENTENCES = WORDS.map(lambda words: " ".join(words).capitalize() + ".")
PIECES = st.one_of(
    SENTENCES,
    st.builds(lambda level, text: f"{'#' * level} {text}", st.integers(1, 6), SENTENCES),
    SENTENCES.map(lambda text: f"- {text}"),
    SENTENCES.map(lambda text: f"> {text}"),
    SENTENCES.map(lambda text: f"```\n{text}\n```"),
    st.builds(lambda head, body: f"| {head} |\n| --- |\n| {body} |", SENTENCES, SENTENCES),
)


def document(*markdowns: str, locked: frozenset[int] = frozenset(), next_number: int | None = None) -> Document:
    """Return a document of one block for each text; blocks are p1, p2, ... and know lines 0, 1, ... as their origin."""
    blocks = []
    for number, markdown in enumerate(markdowns, start=1):
        piece = split_blocks(markdown)[0]
        origin = Origin("text", number - 1)
        blocks.append(Block(f"p{number}", piece.kind, markdown, piece.level, origin, number in locked))
    return Document(tuple(blocks), next_number or len(blocks) + 1)


def block(number: int, kind: BlockKind, markdown: str, *, part: str = "text", level: int = 0) -> Block:
    return Block(f"p{number}", kind, markdown, level, Origin(part, number - 1))


@st.composite
def documents(draw: st.DrawFn, *, max_blocks: int = 8) -> Document:
    texts = draw(st.lists(PIECES, max_size=max_blocks))
    locked = draw(st.frozensets(st.integers(1, max(1, len(texts))), max_size=1)) if texts else frozenset()
    return document(*texts, locked=locked, next_number=len(texts) + 1 + draw(st.integers(0, 20)))


@st.composite
def valid_edits(draw: st.DrawFn, base: Document) -> list[Edit]:
    """Return edits of *base* that must all be accepted."""
    edits: list[Edit] = []
    for one in base.blocks:
        ref = draw(st.sampled_from([one.ref, one.id, f"[{one.ref}]"]))
        action = draw(st.sampled_from(["keep", "keep", "replace", "delete"]))
        if action == "replace" and not one.locked:
            edits.append(Edit(EditOp.REPLACE, ref, draw(PIECES)))
        elif action == "delete" and not one.locked:
            edits.append(Edit(EditOp.DELETE, ref))
        edits += [Edit(EditOp.INSERT_AFTER, ref, text) for text in draw(st.lists(PIECES, max_size=2))]
    edits += [Edit(EditOp.INSERT_AFTER, "p0", text) for text in draw(st.lists(PIECES, max_size=1))]
    return draw(st.permutations(edits))
