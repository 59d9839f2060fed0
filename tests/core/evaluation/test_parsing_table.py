"""Messy replies: what models really write when they were asked for JSON, and what must be read from it."""

import pytest

from core.casts.model import Criterion, Phase, Role
from core.evaluation.parsing import parse_editor
from core.sessions.model import EvaluationTier

JSON, PROSE, FALLBACK = EvaluationTier.JSON, EvaluationTier.PROSE, EvaluationTier.FALLBACK
ROLE = Role(
    key="style_editor",
    name="Style editor",
    phase=Phase.EDITOR,
    emoji="🖋️",
    colour="#7c3aed",
    instructions="Edit.",
    criteria=(Criterion("clarity", "Clear?", 2.0), Criterion("tone", "Fitting?", 1.0)),
)

REPLIES: list[tuple[str, EvaluationTier, float | None]] = [
    # JSON as asked, and as models bend it
    ('{"notes": [], "score": 7.5}', JSON, 7.5),
    ('```json\n{"notes": [], "score": 8}\n```', JSON, 8.0),
    ('```\n{"score": 6.25}\n```', JSON, 6.3),
    ('Here is my evaluation:\n\n{"score": 7}\n\nLet me know if you need more.', JSON, 7.0),
    ('{"score": 7, "notes": [],}', JSON, 7.0),
    ("{'score': 6.5, 'notes': [], 'summary': 'It\\'s fine'}", JSON, 6.5),
    ('{"score": 7, "summary": "She said "yes" to it"}', JSON, 7.0),
    ("{score: 7, notes: []}", JSON, 7.0),
    ("{“score”: 7.5, “summary”: “good”}", JSON, 7.5),
    ('{"score": "8/10"}', JSON, 8.0),
    ('{"score": "8.5"}', JSON, 8.5),
    ('{"score": "7,5"}', JSON, 7.5),
    ('{"score": "85%"}', JSON, 8.5),
    ('{"score": 85}', JSON, 8.5),
    ('{"score": 11}', JSON, 10.0),
    ('{"score": 1000000}', JSON, 10.0),
    ('{"score": -3}', JSON, 0.0),
    ('{"Score": 7.5}', JSON, 7.5),
    ('{"overall_score": 7}', JSON, 7.0),
    ('{"rating": {"value": 6}}', JSON, 6.0),
    ('{"evaluation": {"score": 7.2, "notes": []}}', JSON, 7.2),
    ('[{"score": 7.2, "notes": []}]', JSON, 7.2),
    ('{"criteria": {"clarity": 9, "tone": 6}, "score": 1}', JSON, 8.0),
    ('{"criteria": {"clarity": "9/10", "tone": "six"}}', JSON, 8.0),
    ('{"criteria": {"clarity": {"score": 9}, "tone": {"score": 6}}}', JSON, 8.0),
    ('{"criteria": [{"key": "Clarity", "score": 9}, {"name": "tone", "score": 6}]}', JSON, 8.0),
    ('{"criteria": {"clarity": 9}, "score": 5}', JSON, 5.0),
    ('{"criteria": {"clarity": 9}}', JSON, 9.0),
    ('{"score": 7, "notes": [{"comment": "cut", "quote": "very', JSON, 7.0),
    ('{"score": 7 // generous\n, "notes": []}', JSON, 7.0),
    ('{"score": None, "notes": [{"comment": "No verdict yet."}]}', JSON, None),
    ('{"score": NaN, "notes": ["Too long."]}', JSON, None),
    ('I used {curly} braces. {"score": 7}', JSON, 7.0),
    ('<thinking>maybe {"x": 1}</thinking>{"score": 6, "notes": []}', JSON, 6.0),
    ('{"score": 7}\n{"score": 2}', JSON, 7.0),
    ('{"score": 7.5, "summary": "line one\nline two"}', JSON, 7.5),
    # prose in English
    ("Score: 7/10", PROSE, 7.0),
    ("**Score:** 7.5 / 10", PROSE, 7.5),
    ("Overall score \u2013 8", PROSE, 8.0),
    ("I'd say eight out of ten.", PROSE, 8.0),
    ("Seven and a half out of ten, and that is kind.", PROSE, 7.5),
    ("A solid 7 out of 10.", PROSE, 7.0),
    ("I would give this draft an 8.", PROSE, 8.0),
    ("I rate it 6.5 because the ending drags.", PROSE, 6.5),
    ("Rating: 85 %", PROSE, 8.5),
    ("85%", PROSE, 8.5),
    ("On quality I am at 70 percent.", PROSE, 7.0),
    ("Somewhere around 7-8/10.", PROSE, 7.5),
    ("Score: 4/5", PROSE, 8.0),
    ("It earns 4/5.", PROSE, 8.0),
    ("★★★★☆", PROSE, 8.0),
    ("Four stars.", PROSE, 8.0),
    ("Clarity: 9/10\nTone: 6/10", PROSE, 8.0),
    ("Clarity: 9/10\nTone: 6/10\nOverall: 7/10", PROSE, 8.0),
    ("The first part is a 9/10, the second a 5/10. Final score: 6.5/10.", PROSE, 6.5),
    ("It is not a 10/10. Score: 6", PROSE, 6.0),
    ("## Verdict\n\nScore: **7.0**", PROSE, 7.0),
    ("Grade: 85/100", PROSE, 8.5),
    ("14/20", PROSE, 7.0),
    ("Score is 12/10, amazing! Well: 9/10.", PROSE, 9.0),
    # prose in other languages
    ("Bewertung: 7,5/10", PROSE, 7.5),
    ("Acht von zehn Punkten.", PROSE, 8.0),
    ("Ich gebe dem Text eine 7.", PROSE, 7.0),
    ("Note : 7/10", PROSE, 7.0),
    ("Sept sur dix, sans plus.", PROSE, 7.0),
    ("Puntuación: 8,5", PROSE, 8.5),
    ("Ocho sobre diez.", PROSE, 8.0),
    ("Voto: sette su dieci", PROSE, 7.0),
    ("Nota final: 9", PROSE, 9.0),
    ("Cijfer: zeven", PROSE, 7.0),
    ("Оценка: 7 из 10", PROSE, 7.0),
    ("评分\uff1a8/10", PROSE, 8.0),
    ("スコア: 7.5", PROSE, 7.5),
    # nothing that is a score
    ("", FALLBACK, None),
    ("   \n\t", FALLBACK, None),
    ("I cannot evaluate this document.", FALLBACK, None),
    ("Cut 30 % of the second paragraph.", FALLBACK, None),
    ("We are open 24/7 since 10/12/2025.", FALLBACK, None),
    ("3/5 paragraphs need work, 2 of 5 are fine.", FALLBACK, None),
    ("Chapter 10 of 10 is missing a heading: see page 7.", FALLBACK, None),
    ("7 of 10 readers stop here.", FALLBACK, None),
    ("{}", FALLBACK, None),
    ("[]", FALLBACK, None),
    ("null", FALLBACK, None),
    ('{"answer": 42}', FALLBACK, None),
    ("{" * 500, FALLBACK, None),
    ("Score: n/a", FALLBACK, None),
    ("You can't give it a 10.", FALLBACK, None),
]


def test_the_table_is_long_enough() -> None:
    """At least 60 messy replies are held against the parser."""
    assert len(REPLIES) >= 60


@pytest.mark.parametrize(("text", "tier", "score"), REPLIES)
def test_messy_replies(text: str, tier: EvaluationTier, score: float | None) -> None:
    """A score is read from whatever a model wrote, with the tier that says how far to trust it."""
    reply = parse_editor(text, ROLE)

    assert (reply.tier, reply.score) == (tier, score)
