"""Checks of what a reader must know: abbreviations that are explained, words of the brief that the text takes up."""

import re
from collections.abc import Iterator, Sequence

from core.rehearsal.faults import Fault, Kind, fault_at
from core.rehearsal.lists import word_list
from core.rehearsal.text import Passage, Span

_ACRONYM = re.compile(r"(?<![\w-])([A-Z][A-Z0-9&]{1,5})(s?)(?![\w-])")
_ROMAN = re.compile(r"^[IVXLC]+$|^[QH][1-4]$")
_TERM = re.compile(r"[^\W\d_]{5,}")
_ASKING = frozenset(
    {"about", "clearly", "every", "least", "other", "should", "their", "these", "those", "where", "which"}
)
_MAX_MISSING = 3
_STEM = 5


def unexplained(passages: Sequence[Passage]) -> Iterator[Fault]:
    """Find the first use of abbreviations that are not explained there; an explanation elsewhere is suggested."""
    known = word_list("known_acronyms")
    whole = "\n".join(passage.visible for passage in passages)
    seen: set[str] = set()
    for passage in passages:
        if _is_shouting(passage):
            continue
        for match in _ACRONYM.finditer(passage.visible):
            name = match.group(1)
            if name in seen or name in known or _ROMAN.match(name):
                continue
            seen.add(name)
            if _explained_at(passage.visible, match):
                continue
            phrase = _expansion(name, whole)
            span = Span(*match.span())
            if phrase is None:
                yield fault_at(passage, span, Kind.ACRONYM, f"nothing says what {name} stands for.")
            else:
                says = f"{name} is explained nowhere, but the text speaks of “{phrase}”; say it at the first use."
                yield fault_at(passage, span, Kind.ACRONYM, says, f"{phrase} ({match.group()})")


def uncovered(passages: Sequence[Passage], brief: str) -> Iterator[Fault]:
    """Find what the brief names by a noun-like word and the text never does."""
    text = " ".join(passage.visible for passage in passages).lower()
    missing: list[str] = []
    for match in re.finditer(r"“([^”]+)”|\"([^\"]+)\"", brief):
        phrase = (match.group(1) or match.group(2)).strip()
        if phrase and phrase.lower() not in text:
            missing.append(phrase)
    wanted = re.search(r"\b(?:mention|cover|include|say|must name|address)\b(?P<list>[^.\n]*)", brief, re.IGNORECASE)
    if wanted is not None:
        words = dict.fromkeys(word.lower() for word in _TERM.findall(wanted["list"]))
        missing += [word for word in words if word not in _ASKING and word[:_STEM] not in text]
    for phrase in list(dict.fromkeys(missing))[:_MAX_MISSING]:
        comment = f"{Kind.BRIEF.value}: the brief asks for “{phrase}”, and the text never speaks of it."
        yield Fault(Kind.BRIEF, "", 0, 0, "", comment)


def _explained_at(text: str, match: re.Match[str]) -> bool:
    """Return whether an abbreviation is explained where it stands: "Service Desk (SD)" or "SD (Service Desk)"."""
    before, after = text[: match.start()], text[match.end() :]
    if re.match(r"\s*\(\s*[A-Za-z]", after):
        return True
    return before.endswith("(") and _initials_end(before[:-1], match.group(1)) is not None


def _initials_end(before: str, name: str) -> str | None:
    """Return the words at the end of *before* whose initials spell *name*, None if they do not."""
    words = re.findall(r"[\w'-]+", before)[-(len(name) + 2) :]
    for count in range(len(name), len(words) + 1):
        tail = words[-count:]
        initials = "".join(word[0] for word in tail if word.lower() not in {"of", "and", "for", "the", "in", "to"})
        if initials.upper() == name:
            return " ".join(tail)
    return None


def _expansion(name: str, whole: str) -> str | None:
    """Return the words of the text whose initials spell *name*, in lower or title case, as they stand there."""
    if len(name) < 3 or not name.isalpha():  # noqa: PLR2004 - two initials match by chance
        return None
    small = r"(?:(?:of|and|for|the|in|to) )?"
    pattern = " ".join(rf"{small if at else ''}[{letter}{letter.lower()}][a-z]{{2,}}" for at, letter in enumerate(name))
    match = re.search(rf"(?<![\w-]){pattern}(?![\w-])", whole.replace("\n", " "))
    return match.group() if match else None


def _is_shouting(passage: Passage) -> bool:
    letters = [character for character in passage.visible if character.isalpha()]
    return bool(letters) and sum(character.isupper() for character in letters) > len(letters) / 2
