"""Reads scores from plain sentences: "Score: 7/10", "eight out of ten", "85 %", "7,5 von 10", "★★★★☆"."""

import math
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

TOP = 10.0
_FIVE = 5.0
_PERCENT = 100.0
_SLIP = 20.0  # 10.5 or 12 is a slip above ten, 85 is a percentage

# No kept library reads number words of several languages at once without being told the language first (text2num wants
# it), and only zero to ten are needed.
_WORDS: dict[str, int] = {
    word: number
    for number, words in enumerate(
        (
            "zero nought null zéro cero nul noll ноль",
            "one eins un une uno een ett один",
            "two zwei deux dos due dois twee två два",
            "three drei trois tres tre três drie три",
            "four vier quatre cuatro quattro quatro fyra четыре",
            "five fünf cinq cinco cinque vijf fem пять",
            "six sechs seis sei zes sex шесть",
            "seven sieben sept siete sette sete zeven sju семь",
            "eight acht huit ocho otto oito åtta восемь",
            "nine neun neuf nueve nove negen nio девять",
            "ten zehn dix diez dieci dez tien tio десять",
        )
    )
    for word in words.split()
}
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
_DIGITS = r"\d{1,3}(?:[.,]\d{1,2})?"
_NUMBER = rf"(?:{_DIGITS}|(?:(?:{_WORD})(?:(?: and a half| and a quarter|[ -]point[ -](?:{_WORD})|einhalb)|\b)))"
_RANGE = rf"(?P<low>{_NUMBER})(?:\s*(?:-|–|—|to|bis|à|and)\s*(?P<high>{_NUMBER}))?"  # noqa: RUF001 - dashes of ranges
_OF = r"(?:/|\bout\s+of\b|\bof\b|\bvon\b|\bsur\b|\bsobre\b|\bde\b|\bsu\b|\bvan\b|\bav\b|\bиз\b|\bon\s+a\s+scale\s+of\s+(?:1|0|one|zero)\s*(?:to|-|–))"  # noqa: RUF001
_BASE = (
    r"(?P<base>10|5|20|100|ten|five|zehn|dix|diez|dieci|dez|tien|tio|десяти|cinq|cinco|fünf)(?:[.,]0)?(?![\d/]|[.,]\d)"
)
_BASES = {"ten": 10, "zehn": 10, "dix": 10, "diez": 10, "dieci": 10, "dez": 10, "tien": 10, "tio": 10, "десяти": 10}
_FIVES = frozenset({"five", "cinq", "cinco", "fünf"})
_LABELS = (
    r"score|rating|grade|mark|verdict|punktzahl|bewertung|gesamtnote|note|wertung|punkte|puntuación|puntaje|calificación|"
    r"punteggio|voto|valutazione|nota|pontuação|cijfer|beoordeling|betyg|poäng|оценка|балл|评分|分数|得分|スコア|点数|점수|평점"
)
_LABEL = rf"(?:{_LABELS})"
_MARKS = r"[\s*_`~\"'()\[\]|>]*"
_GLUE = rf"{_MARKS}(?:[:=：\-–—]|is\b|of\b|ist\b|est\b|es\b|è\b|é\b|would be\b|for this[\w ]{{0,30}}(?:is|:)){_MARKS}(?:an?\s+|about\s+|around\s+|ca\.?\s+|~\s*)?"  # noqa: RUF001
_TOTAL = r"(?:overall|final|total|my|gesamt|insgesamt|globale?|finale?|totale?|итоговая|общая|总体|综合|総合|종합)"

_FRACTION = re.compile(rf"(?<![\d/.,\w]){_RANGE}{_MARKS}{_OF}{_MARKS}{_BASE}", re.IGNORECASE)
_LABELLED = re.compile(
    rf"\b{_LABEL}\b{_GLUE}{_RANGE}{_MARKS}(?P<rest>%|percent|prozent|{_OF}{_MARKS}{_BASE})?", re.IGNORECASE
)
_OVERALL = re.compile(
    rf"\b{_TOTAL}\b[\s\-]*(?:{_LABEL}|quality|impression)?\b{_GLUE}{_RANGE}{_MARKS}(?P<rest>%|percent|prozent|{_OF}{_MARKS}{_BASE})?",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    rf"\b(?:give|gives|gave|giving|rate|rated|score|scored|scores|award|deserves?|grade|geben?|gebe|donne|doy|vergebe)\b"
    rf"(?:\s+(?:it|this|that|the|text|document|draft|piece|version|dem|ihm|den|diesem|le|ce|al|un|une|eine?|einen?|an?|at|as|overall|about|solid|strong|weak|texte|texto)\b){{0,5}}\s+"
    rf"{_RANGE}(?P<rest>\s*(?:%|percent))?(?!\s*(?:-|–)?\w*(?:words?|notes?|points? to|sentences?|paragraphs?|examples?|reasons?))",  # noqa: RUF001
    re.IGNORECASE,
)
_PERCENTAGE = re.compile(
    rf"(?<![\d.,])(?P<low>{_DIGITS})\s*(?:%|percent\b|per cent\b|prozent\b|pour cent\b|por ciento\b)", re.IGNORECASE
)
_JUDGES = re.compile(rf"\b(?:{_LABELS}|quality|overall|rate|ready|good|qualität|calidad|qualité)\b", re.IGNORECASE)
_STARS = re.compile(r"(?P<full>[★⭐]️?(?:\s?[★⭐]️?){0,9})(?P<empty>(?:\s?☆){0,9})")
_STAR_WORDS = re.compile(
    rf"(?P<low>{_NUMBER})(?:\s*{_OF}\s*(?P<base>5|five))?[\s-]*(?:stars?|sterne|étoiles|estrellas|stelle)\b",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"(?:\bnot|n['\u2019]t|\bnever|\bkein\w*|\bnicht|\bpas|\bno)\s+(?:(?:quite|yet|be|give\w*|it|this|that|anything|near|an?|un|eine?|the)\s+){0,4}$",
    re.IGNORECASE,
)
_COUNTED_BEFORE = re.compile(
    r"\b(?:chapter|page|part|step|section|figure|table|slide|item|paragraph|day|week|round|version)\s+$", re.IGNORECASE
)
_COUNTED_AFTER = re.compile(r"\s+(?!points\b|stars\b|marks\b|perhaps\b)[a-z]{3,}s\b", re.IGNORECASE)
_NEARBY = 60
_BARE = 12  # "85 %" alone is an answer; in a sentence it must be said of what


def clean_score(value: float) -> float:
    """Return *value* within 0.0 to 10.0 with one decimal, halves rounded up."""
    clamped = min(max(value, 0.0), TOP)
    return float(Decimal(str(clamped)).quantize(Decimal("0.1"), ROUND_HALF_UP))


def score_of(value: object) -> float | None:
    """Return the score that a JSON value means, None if it means none.

    Numbers up to 10 are themselves; 10 to 20 is a slip above ten; above that a percentage. Strings are read as prose.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        number = _finite(value)
        return None if number is None else clean_score(_scaled(number))
    if isinstance(value, str):
        return _score_of_text(value)
    return None


def find_score(text: str) -> float | None:
    """Return the overall score that a text states in words, None if it states none.

    A score that is called overall or final wins over a labelled one, that over "7/10", that over "I give it an 8", that over
    stars and percentages; among equals the last one, as people sum up at the end.
    """
    for reader in (_overall, _labelled, _fractions, _given, _stars, _percentages):
        scores = list(reader(text))
        if scores:
            return clean_score(scores[-1])
    return None


def find_labelled(text: str, names: str) -> float | None:
    """Return the score that follows one of *names* (alternatives of a regular expression), None if there is none."""
    pattern = re.compile(
        rf"\b(?:{names})\b{_GLUE}{_RANGE}{_MARKS}(?P<rest>%|percent|{_OF}{_MARKS}{_BASE})?(?![\d.,]*\d)", re.IGNORECASE
    )
    match = pattern.search(text)
    return None if match is None else clean_score(_value(match))


def _score_of_text(text: str) -> float | None:
    cleaned = text.strip().strip("\"'`* ")
    plain = re.fullmatch(rf"(?P<low>{_NUMBER})\s*(?P<rest>%|percent)?", cleaned, re.IGNORECASE)
    if plain is not None:
        number = _number(plain["low"])
        return clean_score(number / TOP if plain["rest"] else _scaled(number))
    try:
        number = float(cleaned)
    except ValueError:
        return find_score(cleaned)
    return None if not math.isfinite(number) else clean_score(_scaled(number))


def _overall(text: str) -> Iterator[float]:
    return _each(_OVERALL, text)


def _labelled(text: str) -> Iterator[float]:
    return _each(_LABELLED, text)


def _given(text: str) -> Iterator[float]:
    return _each(_GIVEN, text)


def _each(pattern: re.Pattern[str], text: str) -> Iterator[float]:
    for match in pattern.finditer(text):
        base = match.groupdict().get("base")
        above = base and _number(match["low"]) > _base(base)
        if not above and not _DENIED.search(text[: match.start("low")][-_NEARBY:]):
            yield _value(match)


def _fractions(text: str) -> Iterator[float]:
    for match in _FRACTION.finditer(text):
        low, base = _number(match["low"]), _base(match["base"])
        of_five = base == _FIVE and not re.match(r"\s*(?:stars?\b|[.!?;)*]|$)", text[match.end() :])
        if low > base or of_five or _counts(match, text) or _DENIED.search(text[: match.start()][-_NEARBY:]):
            continue
        yield _value(match)


def _counts(match: re.Match[str], text: str) -> bool:
    """Return whether "2 of 10" counts things ("chapter 2 of 10", "2 of 10 readers") and judges nothing."""
    if _COUNTED_BEFORE.search(text[: match.start()][-_NEARBY:]):
        return True
    return "/" not in match.group() and _COUNTED_AFTER.match(text, match.end()) is not None


def _stars(text: str) -> Iterator[float]:
    for match in _STAR_WORDS.finditer(text):
        yield _number(match["low"]) * 2
    for match in _STARS.finditer(text):
        full = len(re.findall(r"[★⭐]", match["full"]))
        total = full + match["empty"].count("☆")
        yield full * TOP / max(total, int(_FIVE))


def _percentages(text: str) -> Iterator[float]:
    """Yield percentages that judge; "cut 30 % of it" does not."""
    for match in _PERCENTAGE.finditer(text):
        start = max(text.rfind(".", 0, match.start()), text.rfind("\n", 0, match.start())) + 1
        if len(text.strip()) <= _BARE or _JUDGES.search(text[start : match.end() + _NEARBY]):
            value = _number(match["low"])
            if value <= _PERCENT:
                yield value / TOP


def _value(match: re.Match[str]) -> float:
    """Return the score of a match with ``low``, perhaps ``high``, ``rest`` and ``base``."""
    groups = match.groupdict()
    low = _number(groups["low"])
    high = _number(groups["high"]) if groups.get("high") else low
    middle = (low + high) / 2
    rest = (groups.get("rest") or "").strip().lower()
    if groups.get("base"):
        return middle * TOP / _base(groups["base"])
    if rest:
        return middle / TOP
    return _scaled(middle)


def _scaled(number: float) -> float:
    return number if number <= _SLIP else number / TOP


def _base(text: str) -> float:
    lowered = text.lower()
    return _FIVE if lowered in _FIVES else float(_BASES.get(lowered) or lowered)


def _number(text: str) -> float:
    lowered = text.lower().strip()
    if lowered[:1].isdigit():
        return float(lowered.replace(",", "."))
    first, *rest = re.split(r"[ -]", lowered)
    whole = float(_WORDS.get(first.removesuffix("einhalb"), 0))
    if first.endswith("einhalb") or "half" in rest:
        return whole + 0.5
    if "quarter" in rest:
        return whole + 0.25
    if "point" in rest:
        return whole + _WORDS.get(rest[-1], 0) / TOP
    return whole


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return TOP if value > 0 else 0.0
    return number if math.isfinite(number) else None
