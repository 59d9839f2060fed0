"""The rehearsal's first drafts and condensed references: what was given, put in order, and nothing besides."""

import re
import textwrap
from collections.abc import Iterable

from core.rehearsal.prompt import RehearsalPrompt
from core.rehearsal.text import to_passage

_TITLE_CHARACTERS = 80
_MAX_POINTS = 12
_LIST_ITEM = re.compile(r"^\s*(?:[-*+]|\d{1,2}[.)])\s+(.+)$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_NOTICE = (
    "This is a rehearsal draft: an outline made by rules from the brief and the references alone. "
    "It holds their words in order and invents nothing; a language model or a person writes the text."
)


def draft(prompt: RehearsalPrompt) -> str:
    """Return a first draft in Markdown: a title, what the brief says, what the references say, and what is open."""
    sentences = _sentences(prompt.brief)
    points = _LIST_ITEM.findall(prompt.brief)[:_MAX_POINTS]
    parts = [f"# {_title(prompt.brief)}", f"*{_NOTICE}*", "## What was asked"]
    parts += sentences[: _MAX_POINTS // 2] or ["No brief was given."]
    if points:
        parts += ["## Points to cover", "\n".join(f"- {point.strip()}" for point in points)]
    for name, text in prompt.references:
        parts.append(f"## From {_inline(name)}")
        said = _points_of(text)
        parts.append("\n".join(f"- {point}" for point in said) if said else "The reference holds no sentences.")
    parts += [
        "## What is still open",
        "The brief names no further facts. People add them here, or attach a file that holds them.",
    ]
    return "\n\n".join(parts) + "\n"


def is_outline(blocks: Iterable[str]) -> bool:
    """Return whether a document still is the outline that `draft` made."""
    return any(_NOTICE in block for block in blocks)


def condense(prompt: RehearsalPrompt) -> str:
    """Return headings and the first sentence of each paragraph of the references, or of the document without one."""
    texts = [text for _, text in prompt.references] or ["\n\n".join(markdown for _, markdown in prompt.blocks)]
    kept: list[str] = []
    for text in texts:
        for paragraph in re.split(r"\n\s*\n", text.strip()):
            if not paragraph.strip():
                continue
            kept.append(paragraph if _HEADING.match(paragraph) else _first_sentence(paragraph))
    return "\n\n".join(kept) + "\n"


def _title(brief: str) -> str:
    heading = next((match.group(1) for line in brief.splitlines() if (match := _HEADING.match(line))), "")
    words = _inline(heading or (_sentences(brief) or ["Untitled"])[0])
    return (
        textwrap.shorten(words, _TITLE_CHARACTERS, placeholder=" ...").rstrip(":;,!?").removesuffix(".") or "Untitled"
    )


def _sentences(text: str) -> list[str]:
    plain = "\n\n".join(line for line in text.splitlines() if not _LIST_ITEM.match(line) and not _HEADING.match(line))
    found: list[str] = []
    for paragraph in re.split(r"\n\s*\n", plain):
        passage = to_passage("p1#0000", paragraph.strip())
        found += [_inline(passage.markdown[span.start : span.end]) for span in passage.sentences]
    return [sentence for sentence in found if sentence]


def _points_of(text: str) -> list[str]:
    """Return the headings of a reference, or the first sentence of each paragraph where it has none."""
    lines = [match.group(1) for line in text.splitlines() if (match := _HEADING.match(line))]
    if not lines:
        lines = [_first_sentence(part) for part in re.split(r"\n\s*\n", text.strip()) if part.strip()]
    return [_inline(line) for line in lines[:_MAX_POINTS] if line.strip()]


def _first_sentence(paragraph: str) -> str:
    passage = to_passage("p1#0000", paragraph.strip())
    spans = passage.sentences
    return passage.markdown[: spans[0].end] if spans else paragraph.strip()


def _inline(text: str) -> str:
    """Return *text* on one line, without what would begin a block."""
    return re.sub(r"^[#>\-*+\s]+", "", " ".join(text.split())).strip()
