"""Views as Components V2, held against Discord's numbers, its own description, and discord.py's reading of them."""

import re
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.discord import limits
from bots.discord.layout import Json, Message, render_view, text_units
from bots.discord.marks import Mark, mark_of, put_mark, read_mark, walk
from bots.discord.parts import render_parts, shown_of
from bots.discord.places import (
    Place,
    Spot,
    channel_ref,
    id_at,
    member_ref,
    moment_of,
    person_of,
    place_of,
    post_ref,
    posts_in,
    spot_of,
    workspace_ref,
)
from bots.discord.presses import decode_press, encode_press
from bots.views.elements import (
    Button,
    Buttons,
    Divider,
    Element,
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
from core.documents.align import document_from_markdown
from core.ids import derived_key
from core.orchestration.ports import Content, PostKind, Snapshot
from core.orchestration.posting import post_key, receipt_name
from core.sessions.model import Status, ThreadRef, Version
from core.workspaces.model import Verbosity
from tests.bots.discord.test_text import CALLS
from tests.bots.views.samples import NOTES, SESSION, SNAPSHOT
from tests.contracts.chat_port import NOON
from tests.fakes.discord.openapi import OpenApi

_WORDS = st.text(alphabet=list("ab <!@#&*`|\n-🧭"), max_size=300)
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
    st.builds(Divider, st.sampled_from(["", "#123456", "odd"])),
    st.builds(lambda label, count: Buttons(tuple(Button("stop", label or "x", "s_1", str(n)) for n in range(count))),
              _LONG, st.integers(1, 30)),
)  # fmt: skip


def texts(components: Sequence[Json]) -> list[str]:
    """Return every text display, in the order in which people read them."""
    return [one["content"] for one in walk(components) if one["type"] == 10]


def check(components: Sequence[Json], *, person: str = "", spec: bool = True) -> None:
    """Hold components against everything that Discord says of them."""
    everything = list(walk(components))
    assert len(everything) <= limits.MESSAGE_COMPONENTS
    assert text_units(components) <= limits.MESSAGE_TEXT
    ids = [one["custom_id"] for one in everything if "custom_id" in one]
    assert len(ids) == len(set(ids))
    assert all(1 <= len(one["label"]) <= limits.BUTTON_LABEL for one in everything if one["type"] == 2)
    calls = [found for text in texts(components) for found in CALLS.findall(text.replace(f"<@{person}>", ""))]
    assert calls == []
    if not spec:
        return
    description = OpenApi()
    description.check_request(
        "POST /channels/{channel_id}/messages", {"components": list(components), "flags": 1 << 15}
    )
    assert description.problems == []
    for one in components:
        read: Any = discord.components._component_factory(one)  # type: ignore[arg-type]  # raw, as Discord sends it
        assert read is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(_ELEMENTS, max_size=30), st.sampled_from([1, 3]), st.sampled_from(["", "123456789012345678"]))
def test_discord_takes_whatever_a_view_says(elements: list[object], most: int, person: str) -> None:
    """Any elements of any length make messages within every limit, and none calls anybody but the one."""
    view = View(tuple(elements), "What it says", "#336699")  # type: ignore[arg-type]  # built from the union
    messages = render_view(view, person=person, messages=most)
    assert 1 <= len(messages) <= most
    for message in messages:
        check(put_mark(message.components, mark_of("key")), person=person, spec=False)
    assert [text for text in texts(messages[0].components) if person and person in text] == (
        [f"<@{person}>"] * bool(person)
    )


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30))
def test_every_word_arrives_in_order(lengths: list[int]) -> None:
    """The words of paragraphs stand in the messages, or in the file that goes with them, once and in order."""
    words = [f"w{number:05d}" for number in range(sum(lengths) * 10)]
    pieces = iter(words)
    view = View(tuple(Text(" ".join(next(pieces) for _ in range(length * 10))) for length in lengths), "Many words")
    messages = render_view(view)
    seen = " ".join(text for message in messages for text in texts(message.components))
    if messages[0].upload:
        seen = messages[0].upload["text"]
    assert re.findall(r"w\d{5}", seen) == words


def test_a_fence_that_a_message_divides_is_opened_again() -> None:
    """Code stays code in every message, and no line of it is lost."""
    lines = [f"line {number:04d}" for number in range(700)]
    text = "\n".join(["Look:", "```python", *lines, "```", "done"])
    messages = render_view(View((Heading("Code"), Text(text)), "Code"))
    assert len(messages) > 1
    seen = [line for message in messages for one in texts(message.components) for line in one.split("\n")]
    assert [line for line in seen if line.startswith("line")] == lines
    for message in messages:
        (shown,) = texts(message.components)
        assert shown.count("```") % 2 == 0


@pytest.mark.parametrize("kind", list(PostKind))
def test_every_post_of_a_session_is_one_message(kind: PostKind) -> None:
    """The views as they are make one message each, with buttons that say verb and object."""
    content = Content(
        kind=kind, snapshot=SNAPSHOT, round=1, role_key="style", code="parked", facts={"reason": "paused"}
    )
    (part,) = render_parts(content)
    shown = shown_of(part)
    check(shown.components)
    assert shown.upload == {}
    assert all(" " in one["label"] for one in walk(shown.components) if one["type"] == 2)


def test_a_role_speaks_in_its_colour_with_emoji_and_name() -> None:
    """Colour is the edge, and never the only sign: the words name the role."""
    turn = render_parts(Content(PostKind.TURN, SNAPSHOT, round=1, role_key="content"))[0]
    (container,) = shown_of(turn).components
    assert container["accent_color"] == 0x336699
    assert "🧭 Content editor" in texts([container])[0]
    card = render_parts(Content(PostKind.ROUND_CARD, SNAPSHOT, round=0))[0]
    containers = shown_of(card).components
    edges = [one.get("accent_color") for one in containers]
    assert edges[0] is None
    assert edges[1:4] == [0x336699] * 3
    assert "Content editor" in texts(containers[1:2])[0]
    assert "> do it" in texts(containers[1:2])[0]


def test_only_the_starter_is_mentioned_and_only_when_a_person_is_needed() -> None:
    """A mention is a text of our own; a member id that is no Discord id mentions nobody."""
    person = "123456789012345678"
    session = replace(SESSION, member_id=member_ref("1", person), brief="Tell <@999999999999999999> @everyone")
    content = Content(kind=PostKind.RESULT, snapshot=replace(SNAPSHOT, session=session), mention=True)
    shown = shown_of(render_parts(content)[0])
    assert shown.person == person
    assert shown.components[0] == {"type": 10, "content": f"<@{person}>"}
    check(shown.components, person=person)
    quiet = shown_of(render_parts(replace(content, mention=False))[0])
    assert quiet.person == ""
    check(quiet.components)
    odd = replace(session, member_id="discord:1/everyone")
    assert shown_of(render_parts(replace(content, snapshot=replace(SNAPSHOT, session=odd)))[0]).person == ""


def test_a_result_holds_its_receipt_which_is_no_post_of_its_own() -> None:
    """What was paid stands below the result; the receipt's own part names the post that says it."""
    result = shown_of(render_parts(Content(PostKind.RESULT, SNAPSHOT))[0])
    said = "\n".join(texts(result.components))
    assert said.index("Result") < said.index("Receipt") < said.index("Charged")
    receipt = shown_of(render_parts(Content(PostKind.RECEIPT, SNAPSHOT))[0])
    assert receipt.within == post_key(SESSION.id, PostKind.RESULT, name=receipt_name(SESSION))


def test_the_lead_editor_speaks_on_the_rounds_card() -> None:
    """Where agents speak for themselves, the one who sums up is the card."""
    full = replace(SNAPSHOT, session=replace(SESSION, verbosity=Verbosity.FULL))
    lead = shown_of(render_parts(Content(PostKind.TURN, full, round=1, role_key="lead"))[0])
    assert lead.within == post_key(SESSION.id, PostKind.ROUND_CARD, round_number=1)
    other = shown_of(render_parts(Content(PostKind.TURN, full, round=1, role_key="style"))[0])
    assert other.within == ""


def _drafted(words: int, comment: str = "Comment.") -> Snapshot:
    document = document_from_markdown("word " * words, title="Draft")
    notes = tuple(replace(note, round=1, comment=comment) for note in NOTES)
    version = Version(SESSION.id, 1, document, NOON, score=7.0)
    return replace(SNAPSHOT, session=replace(SESSION, has_upload=False), versions=(version,), notes=notes)


@pytest.mark.parametrize(
    ("words", "comment", "file", "in_card"),
    [
        (300, "Short.", "", 300),
        (500, "Long. " * 100, "Draft.md", 0),
        (300, "Very long. " * 400, "Round 1 rehearsal.md", None),
    ],
    ids=["fits", "as a file", "the card is long by itself"],
)
def test_a_first_draft_stands_on_its_rounds_card_or_goes_with_it(
    words: int, comment: str, file: str, in_card: int | None
) -> None:
    """One message either way: the draft's text where there is room, else a file."""
    snapshot = _drafted(words, comment)
    (part,) = render_parts(Content(PostKind.ROUND_CARD, snapshot, round=1))
    shown = shown_of(part)
    check(shown.components)
    assert shown.upload.get("name", "") == file
    if in_card is not None:
        assert "\n".join(texts(shown.components)).count("word ") >= in_card - 1
    if file == "Draft.md":
        assert shown.upload["text"].count("word") == words


def test_what_is_too_long_for_messages_comes_as_a_file_with_all_its_words() -> None:
    """Nobody reads a wall: the beginning stands in the thread with its buttons, the whole goes with it."""
    view = View(
        (Heading("Everything"), Text("word " * 20_000), Buttons((Button("files", "Show files", "s_1"),))), "Everything"
    )
    (message,) = render_view(view)
    check(message.components)
    assert message.upload["name"] == "Everything.md"
    assert message.upload["text"].count("word") == 20_000
    assert [one["custom_id"] for one in walk(message.components) if one["type"] == 2] == ["atelier:files:s_1:"]


def test_a_long_brief_leaves_room_on_the_card() -> None:
    """The card of a session is one message, whatever it was asked."""
    session = replace(SESSION, brief="Please " * 2_000, status=Status.RUNNING)
    (part,) = render_parts(Content(PostKind.SESSION_CARD, replace(SNAPSHOT, session=session)))
    assert shown_of(part).upload == {}
    check(shown_of(part).components)


def test_one_button_stands_beside_its_text() -> None:
    """A section saves a row; two buttons are a row."""
    one, two = Button("files", "Show files", "s_1"), Button("stop", "Stop session", "s_1", style=Style.DANGER)
    (alone,) = render_view(View((Text("Done."), Buttons((one,))), "x"))
    assert alone.components[0]["components"][0]["type"] == 9
    (pair,) = render_view(View((Text("Done."), Buttons((one, two))), "x"))
    assert [item["type"] for item in pair.components[0]["components"]] == [10, 1]
    assert pair.components[0]["components"][1]["components"][1]["style"] == 4


@given(st.text(alphabet=list("abz_"), min_size=1, max_size=12), st.text(alphabet=list("s_09/"), max_size=40),
       st.text(alphabet=list("19:"), max_size=12))  # fmt: skip
def test_a_press_is_read_back(action: str, target: str, argument: str) -> None:
    """A custom id gives action, target and argument; another app's gives nothing."""
    assert decode_press(encode_press(action, target, argument)) == (action, target, argument)
    assert decode_press(f"theirs:{action}:{target}:{argument}") is None


@pytest.mark.parametrize("given_", [("stop", "s" * 90), ("st:op", "s"), ("", "s"), ("stop", "a:b")])
def test_a_press_that_could_not_be_read_back_is_none(given_: tuple[str, str]) -> None:
    """A cut id would be somebody else's."""
    with pytest.raises(ValueError, match="no custom id"):
        encode_press(*given_)


@given(st.integers(0, 5_000), st.booleans())
def test_a_key_is_read_back_from_the_components(number: int, settled: bool) -> None:
    """Two numbers say which post it is, whether it was final, and nothing else matches."""
    key = derived_key(number)
    mark = mark_of(key, is_settled=settled)
    (message,) = render_view(View((Text("x"),), "x"), person="123456789012345678")
    marked = put_mark(message.components, mark)
    ids = [one["id"] for one in walk(marked) if "id" in one]
    assert len(set(ids)) == 2
    assert all(0 < one < 1 << 31 for one in ids)
    read = read_mark(marked)
    assert read is not None
    assert read.of_same_key(mark_of(key))
    assert read.is_settled is settled
    assert not read.of_same_key(mark_of(derived_key("other", number)))
    assert read_mark(message.components) is None


def test_marks_are_never_one_number() -> None:
    """Discord refuses a message in which two components have the same id."""
    assert len(set(Mark(5 << 1, 5).numbers)) == 2
    assert Mark(5 << 1, 5).of_same_key(Mark(Mark(5 << 1, 5).numbers[0] & (1 << 30) - 1, 5))


def test_a_place_knows_its_server_and_where_posts_stand() -> None:
    """A card that opened a thread stands in the parent, everything else in the thread, or where its id says."""
    assert place_of(ThreadRef("discord", channel_ref("1", "2"))) == Place("1", "2")
    assert place_of(ThreadRef("discord", channel_ref("", "2"))).is_direct
    thread = ThreadRef("discord", "1/2", thread="33333", card="33333")
    assert posts_in(thread) == "33333"
    assert spot_of(thread, "33333") == Spot("2", "33333")
    assert spot_of(thread, "44444") == Spot("33333", "44444")
    for spot in (Spot("2", "33333"), Spot("33333", "44444"), Spot("2", "55555")):
        assert spot_of(thread, post_ref(thread, spot)) == spot
    in_place = ThreadRef("discord", "1/2", thread="7", card="8")
    assert spot_of(in_place, "8") == Spot("7", "8")
    assert (workspace_ref("1"), member_ref("1", "2")) == ("discord:1", "discord:1/2")
    assert person_of("discord:1/2") == ""
    assert moment_of(id_at(NOON)) < NOON <= moment_of(str(int(id_at(NOON)) + 1))


def test_messages_have_words_for_those_who_see_nothing() -> None:
    """Every message has a plain text."""
    (message,) = render_view(View((Buttons((Button("a", "b", "c"),)),), "Press it"))
    assert isinstance(message, Message)
    assert message.text == "Press it"
    assert SimpleNamespace(**message.components[0]).type == 17


def test_a_page_of_short_comments_and_its_buttons_are_one_message() -> None:
    """Texts that stand together are one component: the button to the next page is not left alone in a second message."""
    comment: tuple[Element, ...] = (Text("**Editor** on paragraph 1"), Quote("words"), Text("Wordy."), Small("Done"))
    turning = (Small("Page 1 of 4"), Buttons((Button("comments", "Show next page", "s_1", "1"),)))
    (message,) = render_view(View((Heading("All comments", 2), *comment * 8, *turning), "All comments"))
    assert sum(1 for _ in walk(message.components)) <= 10
    assert "Page 1 of 4" in message.plain
