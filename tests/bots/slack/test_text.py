"""Text for Slack: inert, whole, in order."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.slack.text import JOINER, Defuser, defuse, escape, split_mrkdwn, to_mrkdwn

CALLS = re.compile(r"<[!@#]")
NASTY = st.text(alphabet=list("<!@#U1C^subteam>|channel `*_~[]()-&;\n"), max_size=200)
TABLE = "| Who | Score |\n| --- | --- |\n| Ann | 7 |\n| Benjamin | 10 |"


@pytest.mark.parametrize("call", ["<!channel>", "<!here>", "<@U0ANN>", "<#C01|general>", "<!subteam^S01>", "<<!here>>"])
def test_model_text_calls_nobody(call: str) -> None:
    """No way of calling people survives, in code neither, and it reads as before."""
    for text in (
        call,
        f"`{call}`",
        f"```\n{call}\n```",
        f"[{call}](https://x.test/{call})",
        f"**{call}**",
        f"# {call}",
    ):
        assert not CALLS.search(defuse(text))
        assert defuse(text).replace(JOINER, "") == text
        assert not CALLS.search(to_mrkdwn(text))
        assert not CALLS.search(escape(text))


@given(NASTY)
def test_nothing_in_mrkdwn_calls_anybody(text: str) -> None:
    """Whatever the Markdown, what comes out holds no call and no other control sequence than a link."""
    assert not CALLS.search(to_mrkdwn(text))
    assert all(found.startswith("<http") for found in re.findall(r"<\S*", to_mrkdwn(text)))


@given(st.lists(NASTY, max_size=20))
def test_a_stream_calls_nobody_however_it_is_cut(pieces: list[str]) -> None:
    """What all pieces add up to is the defused whole, wherever the chunks end."""
    defuser = Defuser()
    shown = "".join([*(defuser.feed(piece) for piece in pieces), defuser.flush()])
    assert shown == defuse("".join(pieces))
    assert not CALLS.search(shown)


@given(st.text(alphabet=list("a<&> \n"), max_size=400), st.integers(20, 60))
def test_no_entity_is_cut(text: str, limit: int) -> None:
    """Escaped text can be joined again, and no piece ends within an entity."""
    escaped = escape(text)
    pieces = split_mrkdwn(escaped, limit)
    assert "".join(pieces) == escaped
    assert not any(re.search(r"&[a-z]*$", piece) for piece in pieces[:-1])


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("# Title", "*Title*"),
        ("### A **bold** one ###", "*A bold one*"),
        ("**bold** and *italic* and _italic_", "*bold* and _italic_ and _italic_"),
        ("~~gone~~ `a < b`", "~gone~ `a &lt; b`"),
        ("- one\n  - two\n1. three", "• one\n  • two\n1. three"),
        ("[text](https://x.test/?a=1&b=2)", "<https://x.test/?a=1&amp;b=2|text>"),
        ("[odd](javascript:alert)", "[odd](javascript:alert)"),
        ("```py\n**no** <!here>\n```", "```\n**no** &lt;!here&gt;\n```"),
        ("2 * 3 * 4 & 5", "2 * 3 * 4 &amp; 5"),
        ("> quoted **x**", "> quoted *x*"),
        (TABLE, "```\nWho       Score\n--------  -----\nAnn       7\nBenjamin  10\n```"),
    ],
)
def test_markdown_in_slacks_own_language(markdown: str, mrkdwn: str) -> None:
    """Headings, emphasis, lists, links, code and tables look as they are meant."""
    assert to_mrkdwn(markdown) == mrkdwn
