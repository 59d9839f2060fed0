"""The estimate of tokens."""

import pytest

from core.providers.base import Request, Segment
from core.providers.tokens import estimate_request_tokens, estimate_tokens

PROSE = "The committee met on Tuesday to discuss the annual budget, and nobody was surprised by the outcome. " * 20


@pytest.mark.parametrize(
    ("text", "tokens"),
    [  # counted with OpenAI's o200k tokenizer
        (PROSE, 381),
        (" ".join(f"{number * 37.5:.2f}" for number in range(400)), 1_972),
        ("编辑部认真阅读了稿件并建议作者缩短引言以便读者更快地了解问题的核心" * 20, 500),
    ],
    ids=["prose", "numbers", "chinese"],
)
def test_rather_too_many_than_too_few(text: str, tokens: int) -> None:
    """The estimate is not below the count of a real tokenizer, and below twice of it."""
    assert tokens <= estimate_tokens(text) < 2 * tokens


def test_nothing_is_nothing() -> None:
    """Empty text has no tokens."""
    assert estimate_tokens("") == 0


def test_text_that_is_no_text() -> None:
    """A lone surrogate, as broken documents hold them, is counted and no error."""
    assert estimate_tokens("\ud800") > 0


def test_a_request_is_its_parts() -> None:
    """A request counts its system text, its segments and its schema."""
    bare = Request(model="m", system="s", segments=(Segment("t"),), max_output_tokens=1)
    full = Request(model="m", system="s", segments=(Segment("t"),), max_output_tokens=1, json_schema={"type": "object"})
    assert 0 < estimate_request_tokens(bare) < estimate_request_tokens(full)
