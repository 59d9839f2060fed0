"""Checks that need no knowledge of the language."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise

from core.documents.model import number_of
from core.rehearsal.faults import Fault, Kind, fault_at
from core.rehearsal.lists import word_list
from core.rehearsal.text import Passage, Span

_DOUBLED = re.compile(r"\b([^\W\d_]{2,})(\s+)\1\b", re.IGNORECASE)
_SPACE_BEFORE = re.compile(r"(?<=\w) +([,.])(?=\s|$)")
_SPACED_SEMICOLON = re.compile(r"(?<=\w) +(;)(?=\s|$)")  # French sets a space there
_TWICE = re.compile(r"(?<![.!?,])(,,|;;|::|!!+|\?\?+|(?<!\.)\.\.(?!\.))")
_PLACEHOLDER = re.compile(
    r"\b(?:TBD|TBC|TODO|FIXME|XXX+|lorem ipsum|insert \w+(?: \w+)? here)\b|\?\?\?|_{4,}", re.IGNORECASE
)
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DATE = re.compile(
    rf"\b(?P<day>{'|'.join(_DAYS)}),?\s+(?:the\s+)?(?:(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{'|'.join(_MONTHS)})|"
    rf"(?P<m2>{'|'.join(_MONTHS)})\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?),?\s+(?P<year>(?:19|20)\d\d)\b"
)
_TOTAL_LABEL = re.compile(r"^\W*(?:grand )?(?:total|sum|summe|gesamt|insgesamt|totale?|somme|suma)\b", re.IGNORECASE)
_NUMBER = re.compile(r"-?\d+(?:[ ,.']\d{3})*(?:\.\d+)?")
_MAX_PARAGRAPH_WORDS = 110
_MIN_REPEATED_WORDS = 6


def doubled_words(passage: Passage) -> Iterator[Fault]:
    """Find "the the"; words that may stand twice ("had had", "die die") are left alone."""
    allowed = word_list("repeatable")
    for match in _DOUBLED.finditer(passage.visible):
        word = match.group(1)
        if word.lower() in allowed or (word.isupper() and len(word) > 1) or _is_name_twice(passage, match):
            continue
        span = Span(match.start(), match.end())
        yield fault_at(passage, span, Kind.DOUBLED, f"“{word}” stands twice.", word)


def punctuation(passage: Passage) -> Iterator[Fault]:
    """Find spaces before commas and full stops, and marks that stand twice."""
    yield from _spaces_before(passage, _SPACE_BEFORE)
    for match in _TWICE.finditer(passage.visible):
        span = Span(match.start(), match.end())
        yield fault_at(passage, span, Kind.PUNCTUATION, "the mark stands more than once.", match.group()[0])


def spaced_semicolons(passage: Passage) -> Iterator[Fault]:
    """Find spaces before semicolons, for languages that set none there."""
    return _spaces_before(passage, _SPACED_SEMICOLON)


def placeholders(passage: Passage) -> Iterator[Fault]:
    """Find what was left to be filled in."""
    for match in _PLACEHOLDER.finditer(passage.visible):
        yield fault_at(
            passage, Span(match.start(), match.end()), Kind.PLACEHOLDER, f"“{match.group()}” waits to be filled in."
        )


def long_paragraphs(passage: Passage) -> Iterator[Fault]:
    """Find paragraphs of more than 110 words and where they could be divided: at the sentence nearest their middle."""
    if not passage.is_prose or passage.is_list_item or passage.is_quotation:
        return
    count = len(passage.words)
    sentences = passage.sentences
    if count <= _MAX_PARAGRAPH_WORDS or len(sentences) < 2:  # noqa: PLR2004 - one sentence cannot be divided here
        return
    middle = (sentences[0].start + sentences[-1].end) // 2
    left, right = min(pairwise(sentences), key=lambda pair: (abs(pair[1].start - middle), pair[1].start))
    gap = Span(left.end, right.start)
    says = f"this paragraph has {count} words and holds more than one thought; it can be divided here."
    yield fault_at(passage, gap, Kind.LENGTHY, says, "\n\n")


def weekdays(passage: Passage) -> Iterator[Fault]:
    """Find dates whose weekday is another one."""
    for match in _DATE.finditer(passage.visible):
        month = _MONTHS.index(match["m1"] or match["m2"]) + 1
        try:
            right = _DAYS[date(int(match["year"]), month, int(match["d1"] or match["d2"])).weekday()]
        except ValueError:
            yield fault_at(passage, Span(*match.span()), Kind.WEEKDAY, "there is no such day in the calendar.")
            continue
        if right != match["day"]:
            says = f"that day is a {right}, not a {match['day']}; either the weekday or the date is wrong."
            yield fault_at(passage, Span(*match.span()), Kind.WEEKDAY, says)


def totals(passage: Passage) -> Iterator[Fault]:
    """Find last rows of tables that are called a total and are not the sum of the rows above."""
    if not passage.is_table:
        return
    rows = [_cells(passage.markdown, start, end) for start, end in _lines(passage.markdown)]
    rows = [row for row in rows if any(re.search(r"\w", passage.markdown[cell.start : cell.end]) for cell in row)]
    if len(rows) < 4 or not _TOTAL_LABEL.match(passage.visible[rows[-1][0].start : rows[-1][0].end]):  # noqa: PLR2004 - a head, two rows, a total
        return
    for column, cell in enumerate(rows[-1][1:], 1):
        if any(len(row) <= column for row in rows):
            continue
        stated = _number_in(passage.visible, cell)
        parts = [_number_in(passage.visible, row[column]) for row in rows[1:-1]]
        numbers = [part[0] for part in parts if part is not None]
        if stated is None or len(numbers) != len(parts):
            continue
        total = round(sum(numbers), 6)
        if abs(total - stated[0]) > 0.005 * max(1.0, abs(total)) or (total == int(total) and total != stated[0]):
            says = f"the rows above add up to {_shown(total, '')}, not to {passage.visible[stated[1].start : stated[1].end]}."
            written = passage.visible[stated[1].start : stated[1].end]
            yield fault_at(passage, stated[1], Kind.TOTAL, says, _shown(total, written))


def headings(passages: Sequence[Passage]) -> Iterator[Fault]:
    """Find headings that skip a level, end with a full stop or have nothing below them; the first may be the title."""
    levels = [passage.heading_level for passage in passages]
    above = 0
    for position, passage in enumerate(passages):
        level = levels[position]
        if not level:
            continue
        if above and level > above + 1:
            says = f"a level {level} below a level {above} skips one."
            yield _heading_fault(passage, says, "#" * (above + 1) + passage.markdown[level:])
        elif passage.markdown.rstrip().endswith((".", ":")) and not passage.markdown.rstrip().endswith("..."):
            yield _heading_fault(passage, "a heading takes no full stop or colon.", passage.markdown.rstrip()[:-1])
        elif above and (position + 1 == len(levels) or 0 < levels[position + 1] <= level):
            yield _heading_fault(passage, "nothing stands below it.", "")
        above = level


def repeated_sentences(passages: Sequence[Passage]) -> Iterator[Fault]:
    """Find sentences of six words and more that stand twice."""
    seen: dict[str, str] = {}
    for passage in passages:
        if passage.heading_level:  # a title may say what the first sentence says
            continue
        for sentence in passage.sentences:
            key = " ".join(re.findall(r"\w+", passage.visible[sentence.start : sentence.end].lower()))
            if len(key.split()) < _MIN_REPEATED_WORDS:
                continue
            if key in seen:
                yield fault_at(
                    passage, sentence, Kind.REPEATED, f"the same sentence stands in paragraph {number_of(seen[key])}."
                )
            else:
                seen[key] = passage.id


def _is_name_twice(passage: Passage, match: re.Match[str]) -> bool:
    """Return whether both words have a capital inside a sentence: Walla Walla, Duran Duran."""
    word, second = match.group(1), match.group().split()[-1]
    opens = any(sentence.start == match.start() for sentence in passage.sentences)
    return word[0].isupper() and word == second and not opens and not passage.heading_level


def _spaces_before(passage: Passage, mark: re.Pattern[str]) -> Iterator[Fault]:
    for match in mark.finditer(passage.visible):
        span = Span(match.start(), match.end())
        if passage.is_plain(Span(span.start - 1, span.end)):  # a blanked marker looks like a space
            yield fault_at(passage, span, Kind.PUNCTUATION, "there is a space before the mark.", match.group(1))


def _heading_fault(passage: Passage, says: str, suggestion: str) -> Fault:
    text = passage.markdown
    return Fault(Kind.HEADING, passage.ref, 0, len(text), text, f"{Kind.HEADING.value}: {says}", suggestion)


def _lines(text: str) -> list[tuple[int, int]]:
    return [(match.start(), match.end()) for match in re.finditer(r"[^\n]+", text)]


def _cells(text: str, start: int, end: int) -> list[Span]:
    pipes = [match.start() for match in re.compile(r"(?<!\\)\|").finditer(text, start, end)]
    return [Span(left + 1, right) for left, right in pairwise(pipes)] or [Span(start, end)]


def _number_in(text: str, cell: Span) -> tuple[float, Span] | None:
    """Return the only number of a cell and its place; None where there is none or more than one."""
    found = list(_NUMBER.finditer(text, cell.start, cell.end))
    if len(found) != 1:
        return None
    match = found[0]
    return float(re.sub(r"[ ,']|\.(?=\d{3}\b(?!\d))", "", match.group())), Span(*match.span())


def _shown(number: float, model: str) -> str:
    """Return *number* with the thousands mark of *model*."""
    text = f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"
    mark = re.search(r"\d([ ,.'])\d{3}\b", model)
    return text if model == "" else text.replace(",", mark.group(1) if mark else "")
