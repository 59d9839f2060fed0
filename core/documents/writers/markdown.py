"""A Document as Markdown, and as plain text."""

from core.documents.model import BlockKind, Document
from core.documents.writers.flow import Flow, flow, plain

_BULLETS = "•◦▪"


def write_markdown(document: Document) -> str:
    """Return *document* as Markdown: its blocks as they stand, comments of a Word file left out."""
    shown = tuple(block for block in document.blocks if block.kind is not BlockKind.COMMENT)
    return Document(shown, document.next_number).markdown


def write_text(document: Document) -> str:
    """Return *document* as plain text: what a reader of it sees, bullets and numbers included, one line a paragraph."""
    parts: list[str] = []
    previous: Flow | None = None
    for one in flow(document):
        if previous is not None:
            tight = previous.depth and one.depth
            parts.append("\n" if tight else "\n\n")
        parts.append(_text(one))
        previous = one
    return "".join(parts) + ("\n" if parts else "")


def _text(one: Flow) -> str:
    match one.kind:
        case BlockKind.TABLE:
            return "\n".join("\t".join(plain(cell).replace("\n", " ") for cell in row) for row in one.rows)
        case BlockKind.CODE:
            return one.code
        case BlockKind.RULE:
            return "* * *"
        case BlockKind.FOOTNOTE:
            return f"[{one.label}] {plain(one.spans)}"
        case _:
            text = "".join(f"[{span.text}]" if span.note else span.text for span in one.spans)
    indent = "  " * max(0, one.depth - 1)
    if one.marked:
        marker = f"{one.number}." if one.ordered else _BULLETS[(one.depth - 1) % len(_BULLETS)]
        return f"{indent}{marker} {text}"
    return f"{indent}{text}"
