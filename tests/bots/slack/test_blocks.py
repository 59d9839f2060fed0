"""Views as Block Kit, held against slack_sdk's own models and against what those miss."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.slack import limits
from bots.slack.blocks import Message, decode_press, render_view
from bots.slack.parts import render_parts, shown_of
from bots.slack.places import Place, channel_ref, person_of, place_of
from bots.views.elements import (
    Button,
    Buttons,
    Divider,
    Fields,
    Heading,
    ProgressLine,
    Quote,
    Small,
    Style,
    Table,
    Text,
    View,
)
from core.orchestration.ports import Content, PostKind
from core.sessions.model import ThreadRef
from tests.bots.views.samples import SNAPSHOT
from tests.fakes.slack.blocks import check_blocks
from tests.fakes.slack.model import words_of

_WORDS = st.text(alphabet=list("ab <!@#&*`|\n-"), max_size=300)
_LONG = st.builds(lambda text, times: text * times, _WORDS, st.integers(1, 60))
_ELEMENTS = st.one_of(
    st.builds(Heading, _LONG, st.sampled_from([1, 2])),
    st.builds(Text, _LONG),
    st.builds(Small, _LONG),
    st.builds(Quote, _LONG),
    st.builds(Fields, st.lists(st.tuples(_WORDS, _LONG), max_size=13).map(tuple)),
    st.builds(lambda rows, width: Table(tuple("h" * width), tuple(("x", "") for _ in range(rows))), st.integers(0, 110),
              st.just(2)),
    st.builds(ProgressLine, _LONG, st.integers(0, 3), st.integers(0, 3)),
    st.just(Divider()),
    st.builds(lambda label, count: Buttons(tuple(Button("stop", label or "x", "s_1", str(n)) for n in range(count))),
              _LONG, st.integers(1, 30)),
)  # fmt: skip


def _check(message: Message) -> None:
    check_blocks(message.blocks)
    assert message.text.strip()
    assert len(message.text) <= limits.TEXT
    assert not re.search(r"<[!@#]", repr(message.blocks) + message.text + message.plain)


@given(st.lists(_ELEMENTS, max_size=30))
def test_slack_takes_whatever_a_view_says(elements: list[object]) -> None:
    """Any elements of any length make messages within every limit, and none calls anybody."""
    messages = render_view(View(tuple(elements), "What it says"))  # type: ignore[arg-type]  # built from the union
    assert 1 <= len(messages) <= limits.MESSAGES_IN_POST
    for message in messages:
        _check(message)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_every_word_arrives_in_order(lengths: list[int]) -> None:
    """The words of paragraphs stand in the messages, or in the file that goes with them, once and in order."""
    words = [f"w{number:05d}" for number in range(sum(lengths) * 10)]
    pieces = iter(words)
    texts = [Text(" ".join(next(pieces) for _ in range(length * 10))) for length in lengths]
    messages = render_view(View(tuple(texts), "Many words"))
    seen = " ".join(word for message in messages for word in words_of(message.blocks))
    if messages[0].upload:
        seen = messages[0].upload["text"]
    assert re.findall(r"w\d{5}", seen) == words


@pytest.mark.parametrize("kind", list(PostKind))
def test_every_post_of_a_session_is_within_limits(kind: PostKind) -> None:
    """The views as they are make one message each, with buttons that say verb and object."""
    content = Content(
        kind=kind, snapshot=SNAPSHOT, round=1, role_key="style", code="parked", facts={"reason": "paused"}
    )
    parts = render_parts(content)
    assert len(parts) == 1
    shown = shown_of(parts[0])
    _check(Message(shown.text, shown.blocks, shown.plain))
    for block in shown.blocks:
        if block["type"] == "actions":
            assert all(" " in element["text"]["text"] for element in block["elements"])


def test_only_the_starter_is_mentioned_and_only_when_a_person_is_needed() -> None:
    """A mention stands in text and blocks, by our own words; a member id that is no Slack id mentions nobody."""
    session = replace(SNAPSHOT.session, member_id="slack:T1/U0ANN", brief="Tell <@U0BOSS> <!channel>")
    content = Content(kind=PostKind.RESULT, snapshot=replace(SNAPSHOT, session=session), mention=True)
    shown = shown_of(render_parts(content)[0])
    assert shown.is_mention
    assert shown.text.startswith("<@U0ANN> ")
    assert re.findall(r"<[!@#][^>]*", repr(shown.blocks)) == ["<@U0ANN"]
    assert not re.search(r"<[!@#]", repr(shown_of(render_parts(replace(content, mention=False))[0])))
    odd = replace(session, member_id="slack:T1/!channel")
    quiet = shown_of(render_parts(replace(content, snapshot=replace(SNAPSHOT, session=odd)))[0])
    assert not quiet.is_mention
    assert not re.search(r"<[!@#]", repr(quiet))


def test_a_button_says_what_and_which_and_is_read_back() -> None:
    """A press gives action, target and argument; another app's button gives nothing."""
    view = View((Buttons((Button("comments", "Show all comments", "s_1", "2", Style.DANGER),)),), "x")
    button = render_view(view)[0].blocks[0]["elements"][0]
    assert decode_press(button["action_id"], button["value"]) == ("comments", "s_1", "2")
    assert button["style"] == "danger"
    assert decode_press("theirs.comments.0", "s_1|2") is None


def test_what_is_too_long_for_messages_comes_as_a_file_with_all_its_words() -> None:
    """Nobody reads a wall: the beginning stands in the thread with its buttons, the whole goes with it."""
    view = View(
        (Heading("Everything"), Text("word " * 20_000), Buttons((Button("files", "Show files", "s_1"),))), "Everything"
    )
    (message,) = render_view(view)
    _check(message)
    assert message.upload["name"] == "Everything.md"
    assert message.upload["text"].count("word") == 20_000
    assert message.blocks[-1]["type"] == "actions"


def test_text_full_of_calls_is_within_limits_too() -> None:
    """Making text inert lengthens it, and that is counted."""
    for element in (Text("<!" * 9_000), Quote("<@" * 9_000), Heading("<#" * 9_000), Small("<!" * 9_000)):
        for message in render_view(View((element,), "<!channel>" * 90)):
            _check(message)


def test_a_quote_stands_letter_by_letter() -> None:
    """A passage of the document is never read as Markdown."""
    (message,) = render_view(View((Quote("**not** bold\n_at all_"),), "x"))
    assert message.blocks[0]["type"] == "rich_text"
    assert words_of(message.blocks) == ["**not** bold\n_at all_"]


def test_one_table_is_a_table_and_the_next_is_code() -> None:
    """Slack takes one table a message; numbers stand on the right."""
    table = Table(("Who", "Charged"), (("Writer", "2.00"), ("Lead editor", "")), right=(1,))
    (message,) = render_view(View((table, table), "Receipt"))
    assert [block["type"] for block in message.blocks] == ["table", "rich_text"]
    assert message.blocks[0]["column_settings"] == [{"align": "left"}, {"align": "right"}]


def test_a_place_knows_its_team() -> None:
    """A shared channel is another place for each team; a reference without a team still names its channel."""
    thread = ThreadRef("slack", channel_ref("T1", "C1"))
    assert place_of(thread) == Place("T1", "C1")
    assert place_of(ThreadRef("slack", "C1")) == Place("", "C1")
    assert person_of("slack-ent:E1/W012") == "W012"
    assert person_of("slack:T1/everybody") == ""
