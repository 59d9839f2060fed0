"""Shortens a reference without a model: what is dropped is chosen by structure, so the result is the same every time."""

import re

from core.providers.tokens import estimate_tokens

_SENTENCE_END = re.compile(r"(?<=[.!?。！？])\s+")  # noqa: RUF001 - full-width marks end sentences too
_HEADING = re.compile(r"^#{1,6} ")
_CUT = "[...]"


def condense(text: str, budget_tokens: int) -> str:
    """Return *text* within *budget_tokens*, as much of it as structure allows; empty when not even headings fit.

    First every paragraph keeps its first two sentences, then its first, then only headings and the opening paragraph
    stay, then the end is cut. What is missing inside is marked by ``[...]``.
    """
    if estimate_tokens(text) <= budget_tokens:
        return text
    paragraphs = [paragraph for paragraph in re.split(r"\n\s*\n", text.strip()) if paragraph.strip()]
    candidates = (
        "\n\n".join(_lead(paragraph, 2) for paragraph in paragraphs),
        "\n\n".join(_lead(paragraph, 1) for paragraph in paragraphs),
        "\n\n".join(
            paragraph for position, paragraph in enumerate(paragraphs) if position == 0 or _HEADING.match(paragraph)
        )
        + f"\n\n{_CUT}",
    )
    for candidate in candidates:
        if estimate_tokens(candidate) <= budget_tokens:
            return candidate
    return _cut(candidates[1], budget_tokens)


def _lead(paragraph: str, sentences: int) -> str:
    if _HEADING.match(paragraph):
        return paragraph
    pieces = _SENTENCE_END.split(paragraph)
    return paragraph if len(pieces) <= sentences else " ".join([*pieces[:sentences], _CUT])


def _cut(text: str, budget_tokens: int) -> str:
    kept: list[str] = []
    for paragraph in text.split("\n\n"):
        if estimate_tokens("\n\n".join([*kept, paragraph, _CUT])) > budget_tokens:
            break
        kept.append(paragraph)
    return "\n\n".join([*kept, _CUT]) if kept else ""
