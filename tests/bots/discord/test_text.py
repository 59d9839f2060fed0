"""Text for Discord: inert, letter by letter where it must be, whole."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.discord.text import JOINER, defuse, literal, quoted, small, to_discord, units

CALLS = re.compile(r"<[@#/:]|@everyone|@here|\]\(", re.IGNORECASE)
NASTY = st.text(alphabet=list("<@!&#1/:aht>[]()`*_~|\\ everyon\n-.2"), max_size=200)
TABLE = "| Who | Score |\n| --- | --- |\n| Ann | 7 |"


@pytest.mark.parametrize(
    "call",
    ["@everyone", "@here", "<@123>", "<@!123>", "<@&123>", "<#123>", "</atelier:123>", "<:x:123>", "<a:x:1>", "<t:0:R>",
     "<id:home>", "[safe](https://evil.test)", "@Everyone"],
)  # fmt: skip
def test_model_text_calls_nobody_and_hides_no_address(call: str) -> None:
    """No way of calling people survives, in code neither, and it reads as before."""
    for text in (call, f"`{call}`", f"```\n{call}\n```", f"**{call}**", f"# {call}", f"\\{call}"):
        assert not re.search(r"<(@|#|/|:|a:|t:|id:)|@everyone|@here|\]\(", defuse(text), re.IGNORECASE)
        assert defuse(text).replace(JOINER, "") == text


@given(NASTY)
def test_nothing_that_is_drawn_calls_anybody(text: str) -> None:
    """Whatever the Markdown, what comes out holds no call."""
    for drawn in (to_discord(text), literal(text), small(text), *quoted(text, 200)):
        assert not CALLS.search(drawn)


@given(st.text(alphabet=list("ab*_~`|\\[]#>-+1. \n"), max_size=300))
def test_literal_text_is_shown_letter_by_letter(text: str) -> None:
    """Without the backslashes that Discord eats, and the joiners nobody sees, it is the text."""
    shown = re.sub(r"\\([^0-9A-Za-z\s])", r"\1", literal(text))
    assert shown.replace(JOINER, "") == text


def test_addresses_in_literal_text_still_lead_there() -> None:
    """An address is not escaped: a backslash would be part of it."""
    assert literal("see https://x.test/a_b_c*") == "see https://x.test/a_b_c*"


@given(st.text(alphabet=list("ab *_\\\n"), max_size=900), st.integers(60, 200))
def test_a_quote_is_whole_and_every_line_is_a_quote(text: str, limit: int) -> None:
    """Long passages are several quotes, none over the limit, no letter lost."""
    pieces = quoted(text, limit)
    assert all(len(piece) <= limit for piece in pieces)
    assert all(line.startswith("> ") for piece in pieces for line in piece.split("\n"))
    together = "".join(line[2:] for piece in pieces for line in piece.split("\n"))
    assert together == literal(text).replace("\n", "")


@pytest.mark.parametrize(
    ("markdown", "drawn"),
    [
        ("#### Deep", "### Deep"),
        (TABLE, "```\nWho  Score\n---  -----\nAnn  7\n```"),
        ("```py\n#### x", "```py\n#### x\n```"),
        ("**bold** _it_ ~~no~~", "**bold** _it_ ~~no~~"),
    ],
)
def test_markdown_in_discords_own_way(markdown: str, drawn: str) -> None:
    """Tables become code, headings stop at three, an open fence is closed."""
    assert to_discord(markdown) == drawn


def test_length_is_counted_as_the_strictest_client_does() -> None:
    """An emoji beyond the first plane counts twice."""
    assert (units("abc"), units("né"), units("✍"), units("🧭🧭")) == (3, 2, 1, 4)
