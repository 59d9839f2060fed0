"""Payloads to requests, without Discord: tables."""

import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.commands import Place
from bots.desk.requests import RequestKind, dump_request, load_request
from bots.discord.decode import Asked, decode_command, decode_press, target_of
from bots.discord.decoded import thread_of
from bots.discord.heard import Answered, Heard, decode_deletion, decode_edit, decode_message
from bots.discord.presses import encode_press

APP, ANN, BEN = "900", "901", "902"
GUILD, CHANNEL, THREAD = "1", "2", "3"


def asked(data: dict[str, Any], **changes: Any) -> Asked:
    return replace(Asked("77", "token", APP, GUILD, CHANNEL, "", ANN, "Ann", data), **changes)


def slash(*path: str, **options: Any) -> dict[str, Any]:
    nodes: list[dict[str, Any]] = [{"name": name, "type": 3, "value": value} for name, value in options.items()]
    for depth, name in reversed(list(enumerate(path))):
        nodes = [{"name": name, "type": 1 if depth == len(path) - 1 else 2, "options": nodes}]
    return {"type": 1, "name": "atelier", "options": nodes}


def heard(text: str = "words", **changes: Any) -> Heard:
    return replace(Heard("50", GUILD, THREAD, CHANNEL, ANN, "Ann", APP, text=text), **changes)


@pytest.mark.parametrize(
    ("data", "command", "values"),
    [
        (slash("status"), "status", {}),
        (slash("status", session="s_1"), "status", {"session": "s_1"}),
        (slash("session", "rename", title="Note"), "rename", {"title": "Note"}),
        (slash("billing", "overview"), "billing", {}),
        (slash("session", "nothing"), "help", {"problem": "There is no command 'session nothing' here any more."}),
        (slash("nothing"), "help", {"problem": "There is no command 'nothing' here any more."}),
        (slash("new", file="9"), "new", {}),
    ],
    ids=["flat", "option", "group", "group-itself", "unknown-in-group", "unknown", "file-that-is-gone"],
)
def test_a_command_is_found_by_its_path(data: dict[str, Any], command: str, values: dict[str, Any]) -> None:
    """Under its noun by the name that it has there."""
    request = decode_command(asked(data), GUILD).request
    assert (request.command, request.values) == (command, values)


def test_a_file_keeps_the_name_that_people_gave_it() -> None:
    """Discord changes the name that it stores; the ending stays the stored one."""
    data = slash("new") | {
        "options": [{"name": "new", "type": 1, "options": [{"name": "file", "type": 11, "value": "9"}]}],
        "resolved": {"attachments": {"9": {"id": "9", "filename": "Entwurf_fur_K.docx", "title": "Entwurf für K"}}},
    }
    assert [one.name for one in decode_command(asked(data), GUILD).request.files] == ["Entwurf für K.docx"]


@pytest.mark.parametrize(
    ("guild", "channel", "parent", "expected"),
    [
        (GUILD, CHANNEL, "", ("1/2", "")),
        (GUILD, THREAD, CHANNEL, ("1/2", "3")),
        ("", "8", "", ("@me/8", "8")),
    ],
    ids=["channel", "thread", "direct"],
)
def test_a_place_is_named_as_sessions_keep_it(guild: str, channel: str, parent: str, expected: tuple[str, str]) -> None:
    """A thread by its channel; a direct conversation is its own thread."""
    found = thread_of(guild, channel, parent)
    assert (found.channel, found.thread) == expected


IDS = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=24)


@given(IDS, IDS, st.text(string.ascii_letters + string.digits + ":/.-", max_size=30))
def test_what_a_view_draws_is_what_a_press_says(action: str, target: str, argument: str) -> None:
    """Also in a direct conversation, where its target says whose it is."""
    data = {"custom_id": encode_press(action, target, argument)}
    decoded = decode_press(asked(data, message_id="40", is_private=True), GUILD)
    assert decoded is not None
    request = decoded.request
    assert (request.action, request.target, request.argument) == (action, target, argument)
    assert (request.kind, request.spot.is_private) == (RequestKind.PRESS, True)
    assert load_request(dump_request(request)) == request
    assert target_of(asked(data)) == target


@pytest.mark.parametrize("custom_id", ["", "other:a:b:c", "atelier:stop", "atelier::s_1:"])
def test_anothers_button_is_nothing(custom_id: str) -> None:
    """Of another app, or of no view of ours."""
    assert decode_press(asked({"custom_id": custom_id}), GUILD) is None


CALL = f"<@{APP}>"
BY_APP = Answered("49", APP, is_by_bot=True)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (heard(f"{CALL} stop"), (RequestKind.MENTION, "stop", False)),
        (heard(f"<@!{APP}>"), (RequestKind.MENTION, "", False)),
        (heard("plain"), (RequestKind.SAID, "plain", True)),
        (heard("reply", answered=BY_APP, calls_app=True), (RequestKind.MENTION, "reply", True)),
        (heard("quiet reply", answered=BY_APP), (RequestKind.SAID, "quiet reply", True)),
        (heard("", files=()), None),
        (heard("plain", channel=CHANNEL, parent=""), None),
        (heard("under", channel=CHANNEL, parent="", answered=BY_APP), (RequestKind.SAID, "under", True)),
        (heard("x", channel=CHANNEL, parent="", answered=Answered("49", BEN)), None),
        (heard(f"{CALL} x", channel=CHANNEL, parent=""), (RequestKind.MENTION, "x", False)),
        (heard(f"{CALL} x", channel=CHANNEL, parent="", answered=BY_APP), (RequestKind.MENTION, "x", True)),
        (heard("words", is_by_bot=True), None),
        (heard("started a thread", kind=18), None),
        (heard("hello", guild="", channel="8", parent=""), (RequestKind.MENTION, "hello", False)),
    ],
)
def test_a_message_is_what_it_is_said_to_be(message: Heard, expected: tuple[RequestKind, str, bool] | None) -> None:
    """By whom it names, where it stands, and what it answers."""
    decoded = decode_message(message, GUILD)
    found = None if decoded is None else (decoded.request.kind, decoded.request.text, decoded.needs_session)
    assert found == expected


def test_a_named_reply_under_a_card_has_two_meanings() -> None:
    """Words to the session of the card; where there is none, a request in the channel."""
    decoded = decode_message(heard(f"{CALL} x", channel=CHANNEL, parent="", answered=BY_APP), GUILD)
    assert decoded is not None
    assert decoded.otherwise is not None
    assert (decoded.request.spot.thread.thread, decoded.request.spot.place) == ("49", Place.THREAD)
    assert (decoded.otherwise.spot.thread.thread, decoded.otherwise.spot.place) == ("", Place.CHANNEL)
    assert decoded.otherwise.id == decoded.request.id


@given(st.text(max_size=40), st.sampled_from([CALL, f"<@!{APP}>", ""]), st.text(max_size=40))
def test_the_mention_of_the_app_is_never_among_the_words(before: str, call: str, after: str) -> None:
    """And decoding does not fail, whatever is written."""
    decoded = decode_message(heard(before + call + after), GUILD)
    if decoded is not None:
        assert CALL not in decoded.request.text
        assert load_request(dump_request(decoded.request)) == decoded.request


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (heard("new words", edited="t1"), "new words"),
        (heard("", edited="t1"), ""),
        (heard("a preview came"), None),
        (heard("in the channel", channel=CHANNEL, parent="", edited="t1"), None),
        (heard("by an app", is_by_bot=True, edited="t1"), None),
    ],
    ids=["edited", "emptied", "unchanged", "elsewhere", "app"],
)
def test_an_edit_counts_in_threads(message: Heard, expected: str | None) -> None:
    """Each edit once: its time is among what it is known by."""
    decoded = decode_edit(message, GUILD)
    assert (None if decoded is None else decoded.request.text) == expected
    if decoded is not None:
        later = decode_edit(replace(message, edited="t2"), GUILD)
        assert later is not None
        assert later.keys != decoded.keys


def test_a_deletion_counts_for_sessions_alone() -> None:
    """Nobody says whose message it was, nor to whom it was said."""
    assert decode_deletion(heard(channel=CHANNEL, parent=""), GUILD).needs_session
    decoded = decode_deletion(heard(author=""), GUILD)
    assert decoded is not None
    assert (decoded.request.kind, decoded.request.spot.message_id) == (RequestKind.DELETED, "50")
