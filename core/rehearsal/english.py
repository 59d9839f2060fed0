"""Checks of English prose, passage by passage."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

from core.rehearsal.faults import Fault, Kind, fault_at, like
from core.rehearsal.lists import plain_phrases, word_list
from core.rehearsal.text import Passage, Span

_MAX_SENTENCE_WORDS = 30
_MIN_HALF_WORDS = 7
_NEAR = 8  # characters that hold "how" and its space
_SUBJECTS = r"(?:I|we|it|they|he|she|this|there|these|those|you)\b"
_JOINT = re.compile(
    rf";\s+(?=\w)|,?\s+(?P<word>and|but|so)\s+(?={_SUBJECTS})|,\s+(?P<late>and|but|so)\s+(?=(?:the|our|each|every)\s)"
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|will|would|can|could|must|should|shall|may|might|do|does|did|\w+(?:ed|es))\b"
)
_NEGATION_WORDS = 3  # before an intensifier, in which a negation still governs it
_NEXT_WORD = re.compile(r"\s+([^\W\d_]+)")
_SECOND_THAT = re.compile(r"\b(?:and|or|but|nor) that\b", re.IGNORECASE)
_AGENT = re.compile(
    r"(?:[^\S\n]+[\w'\u2019-]+){0,6}?[^\S\n]+by\b(?![^\S\n]+(?:the end|then|now|noon|\d))", re.IGNORECASE
)
_HOW = re.compile(r"\b(?:how|as|too|so)\s+$", re.IGNORECASE)
_SUBORDINATE = re.compile(r"\b(?:if|when|because|although|while|unless|since|that|which|who|whether)\b", re.IGNORECASE)


def wordy(passage: Passage) -> Iterator[Fault]:
    """Find phrases that a plainer one replaces."""
    phrases = plain_phrases()
    for match in _plain_pattern().finditer(passage.visible):
        phrase = " ".join(match.group().lower().split())
        plainer = phrases[phrase]
        if plainer in word_list("quantities") and _points(passage.visible, match.end()):
            plainer = f"{plainer} of"
        says = f"“{match.group()}” says no more than “{plainer}”." if plainer else f"“{match.group()}” says nothing."
        replacement = None if _governs_more(passage, phrase, match.end()) else like(match.group(), plainer)
        yield fault_at(passage, Span(*match.span()), Kind.WORDY, says, replacement)


def intensifiers(passage: Passage) -> Iterator[Fault]:
    """Find "very" and its kind before a word that is stronger without it."""
    for match in _intensifier_pattern().finditer(passage.visible):
        word = match.group("word")
        span = Span(*match.span("word"))
        if not passage.is_plain(Span(match.start(), match.end())) or _is_negated(passage.visible, match.start()):
            continue
        yield fault_at(passage, span, Kind.INTENSIFIER, f"“{word}” weakens what it should stress.", "")


def vague_words(passage: Passage) -> Iterator[Fault]:
    """Find words that promise a quantity or a time and give none."""
    for match in _phrase_pattern("vague").finditer(passage.visible):
        if _HOW.search(passage.visible, max(0, match.start() - _NEAR), match.start()):
            continue
        says = f"“{match.group()}” leaves the reader to guess how many, how much or when."
        yield fault_at(passage, Span(*match.span()), Kind.VAGUE, says)


def long_sentences(passage: Passage) -> Iterator[Fault]:
    """Find sentences of more than 30 words and, where they have a joint, the place to divide them."""
    if not passage.is_prose:
        return
    for sentence in passage.sentences:
        count = passage.words_in(sentence)
        if count <= _MAX_SENTENCE_WORDS:
            continue
        joint = _joint(passage, sentence)
        if joint is None:
            first = [word for word in passage.words if sentence.start <= word.start < sentence.end]
            opening = Span(sentence.start, first[min(7, len(first) - 1)].end)
            yield fault_at(passage, opening, Kind.LONG, f"this sentence has {count} words.")
            continue
        span, replacement = joint
        yield fault_at(
            passage, span, Kind.LONG, f"this sentence has {count} words; it can be divided here.", replacement
        )


def passives(passage: Passage) -> Iterator[Fault]:
    """Find passive voice, the kind that names nobody who acts."""
    if not passage.is_prose:
        return
    adjectives = word_list("adjectives")
    for match in _passive_pattern().finditer(passage.visible):
        if match["participle"].lower() in adjectives or _AGENT.match(passage.visible, match.end()):
            continue
        yield fault_at(passage, Span(*match.span()), Kind.PASSIVE, f"“{match.group()}” does not say who acts.")


def _joint(passage: Passage, sentence: Span) -> tuple[Span, str] | None:
    """Return what divides a sentence nearest its middle, and what to write there; None where there is no safe place."""
    text = passage.visible
    middle = (sentence.start + sentence.end) // 2
    found: list[tuple[int, Span, str]] = []
    for match in _JOINT.finditer(text, sentence.start, sentence.end):
        left, right = Span(sentence.start, match.start()), Span(match.end(), sentence.end)
        head = text[left.start : left.end]
        if (
            min(passage.words_in(left), passage.words_in(right)) < _MIN_HALF_WORDS
            or head.count("(") != head.count(")")
            or not _FINITE.search(head)
            or not _FINITE.search(text[right.start : right.end])
            or (_SUBORDINATE.match(head) and "," not in head)
            or _is_inside_a_clause(match.group(), head)
            or _is_inside_a_quotation(head)
        ):
            continue
        conjunction = (match["word"] or match["late"] or "and").lower()
        if match["late"] and not _FINITE.search(text, right.start, min(right.end, right.start + 60)):
            continue
        word = re.compile(r"\w+").match(text, right.start)
        if word is None:
            continue
        opener = "" if conjunction == "and" else conjunction.capitalize() + " "
        subject = word.group() if opener else word.group()[0].upper() + word.group()[1:]
        found.append((abs(match.start() - middle), Span(match.start(), word.end()), f". {opener}{subject}"))
    return min(found)[1:] if found else None


def _is_inside_a_clause(joint: str, head: str) -> bool:
    """Return whether what follows a joint may belong to the "if" or "because" before it: no comma says that it does not."""
    if joint.startswith((";", ",")):
        return False
    return joint.strip().lower() == "so" or _SUBORDINATE.search(head, head.rfind(",") + 1) is not None


def _is_inside_a_quotation(head: str) -> bool:
    return head.count("“") != head.count("”") or head.count('"') % 2 == 1


def _points(text: str, at: int) -> bool:
    """Return whether the next word points at something, so that a word of quantity needs "of" before it."""
    following = _NEXT_WORD.match(text, at)
    return following is not None and following.group(1).lower() in word_list("pointing")


def _governs_more(passage: Passage, phrase: str, at: int) -> bool:
    """Return whether a second "that" of the sentence hangs on an opening such as "it should be noted that"."""
    if not phrase.endswith("that"):
        return False
    end = next((sentence.end for sentence in passage.sentences if sentence.start <= at <= sentence.end), at)
    return _SECOND_THAT.search(passage.visible, at, end) is not None


def _is_negated(text: str, at: int) -> bool:
    """Return whether a negation governs the word at *at*: one of the few words before it, in the same clause."""
    clause = re.split(r"[.,;:!?()\n]", text[max(0, at - 60) : at])[-1]
    before = re.findall(r"[\w'\u2019]+", clause.lower())[-_NEGATION_WORDS:]
    return any(word in word_list("negations") or word.endswith(("n't", "n\u2019t")) for word in before)


@cache
def _plain_pattern() -> re.Pattern[str]:
    return _alternatives(plain_phrases())


@cache
def _phrase_pattern(name: str) -> re.Pattern[str]:
    return _alternatives(word_list(name))


@cache
def _intensifier_pattern() -> re.Pattern[str]:
    words = "|".join(sorted(word_list("intensifiers"), key=len, reverse=True))
    kept = "|".join(sorted(word_list("kept_after_intensifiers")))
    return re.compile(
        rf"\b(?P<word>{words})\s+(?!(?:than|a|an|the|of|and|or|but|{kept})\b)[a-z]\w+",
        re.IGNORECASE,
    )


@cache
def _passive_pattern() -> re.Pattern[str]:
    irregular = "|".join(sorted(word_list("participles")))
    return re.compile(
        rf"\b(?:is|are|was|were|be|been|being)\s+(?:(?:not|also|now|still|already|often|only)\s+|\w+ly\s+)?"
        rf"(?P<participle>\w{{2,}}ed|{irregular})\b(?!-)",
        re.IGNORECASE,
    )


def _alternatives(phrases: Iterable[str]) -> re.Pattern[str]:
    ordered = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    written = [re.escape(phrase).replace(r"\ ", r"[ \n]+") for phrase in ordered]
    return re.compile(rf"(?<!\w)(?:{'|'.join(written)})(?!\w)", re.IGNORECASE)
