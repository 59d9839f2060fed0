"""Payloads of Slack as requests: one table a kind, no I/O."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.commands import Place
from bots.desk.requests import RequestKind, dump_request, load_request
from bots.slack.decode import Decoded, Install, decode_command, decode_event, decode_press, decode_shortcut
from bots.slack.reading import mentions, plain_of

INSTALL = Install("T1", "UBOT")
Json = dict[str, Any]


def envelope(event: Json, event_id: str = "Ev1") -> Json:
    return {"type": "event_callback", "event_id": event_id, "team_id": "T1", "event": event}


def message(**more: Any) -> Json:
    return {
        "type": "message",
        "channel": "C1",
        "channel_type": "channel",
        "user": "U1",
        "ts": "5.1",
        "text": "x",
    } | more


def decoded(event: Json, event_id: str = "Ev1", install: Install = INSTALL) -> Decoded:
    found = decode_event(envelope(event, event_id), install)
    assert found is not None
    assert load_request(dump_request(found.request)) == found.request
    return found


FILE = {"id": "F1", "name": "a.docx", "url_private_download": "https://files.slack.com/a", "size": 7, "user": "U1"}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain", "plain"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
        ("ask <@U2> and <@U3|cleo>", "ask @U2 and @cleo"),
        ("in <#C1|general> or <#C2>", "in #general or #C2"),
        ("<!here> <!channel> <!subteam^S1|@team> <!subteam^S2>", "@here @channel @team @subteam"),
        ("<!date^1^{date}|1 May>", "1 May"),
        ("see <https://x.test/a?b=1&amp;c=2>", "see https://x.test/a?b=1&c=2"),
        ("see <https://x.test|x.test> <https://x.test|here>", "see x.test here (https://x.test)"),
        ("<mailto:a@b.test|a@b.test>", "a@b.test"),
        ("1 < 2 and <> stay", "1 < 2 and <> stay"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_text_reads_as_people_saw_it(text: str, plain: str) -> None:
    """Slack's own marks become words, its entities characters."""
    assert plain_of(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<@UBOT> tighten this", "tighten this"),
        ("<@UBOT|atelier>: tighten", "tighten"),
        ("hey <@UBOT>, tighten <@U2|ben>'s", "hey tighten @ben's"),
        ("<@UBOT>", ""),
        ("<@UBOT>\nfirst\nsecond", "first\nsecond"),
        ("<@UBOTHER> x", "@UBOTHER x"),
    ],
)
def test_the_app_s_own_name_is_no_part_of_what_is_said(text: str, plain: str) -> None:
    """Whatever stands around the mention reads on."""
    assert plain_of(text, without="UBOT") == plain
    assert mentions(text, "UBOT") == ("UBOTHER" not in text)


@given(st.text(max_size=60))
def test_reading_never_fails(text: str) -> None:
    """Any text is read, and nothing that calls somebody is left of it that was not written by hand."""
    assert isinstance(plain_of(text, without="UBOT"), str)


def test_a_mention_and_its_message_are_one_request() -> None:
    """The two events about one message decode alike but for their own ids."""
    said = message(text="<@UBOT> tighten", files=[FILE], thread_ts="4.0")
    first = decoded({**said, "subtype": "file_share"}, "Ev1")
    named = {key: value for key, value in said.items() if key != "channel_type"}
    second = decoded({**named, "type": "app_mention"}, "Ev2")
    assert first.request == second.request
    assert (first.keys, second.keys) == (("Ev1", "T1/C1/5.1"), ("Ev2", "T1/C1/5.1"))
    request = first.request
    assert (request.kind, request.text) == (RequestKind.MENTION, "tighten")
    assert (request.spot.thread.channel, request.spot.thread.thread) == ("T1/C1", "4.0")
    assert (request.spot.place, request.spot.message_id) == (Place.THREAD, "5.1")
    assert (request.files[0].url, request.files[0].author_id) == ("https://files.slack.com/a", "")


@pytest.mark.parametrize(
    ("event", "kind", "place"),
    [
        (message(text="<@UBOT> x"), RequestKind.MENTION, Place.CHANNEL),
        (message(thread_ts="4.0"), RequestKind.SAID, Place.THREAD),
        (message(thread_ts="4.0", subtype="thread_broadcast"), RequestKind.SAID, Place.THREAD),
        (message(thread_ts="4.0", subtype="file_share", files=[FILE]), RequestKind.SAID, Place.THREAD),
        (message(channel="D1", channel_type="im"), RequestKind.MENTION, Place.DIRECT),
        (message(channel="D1", channel_type="im", thread_ts="4.0"), RequestKind.SAID, Place.DIRECT),
        (
            message(channel="D1", channel_type="im", subtype="file_share", files=[FILE]),
            RequestKind.MENTION,
            Place.DIRECT,
        ),
        (message(ts="4.0", thread_ts="4.0", text="<@UBOT> x"), RequestKind.MENTION, Place.CHANNEL),
        ({**message(text="<@UBOT> x"), "type": "app_mention"}, RequestKind.MENTION, Place.CHANNEL),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_people_say(event: Json, kind: RequestKind, place: Place) -> None:
    """Where and how it was said decides what it is."""
    request = decoded(event).request
    assert (request.kind, request.spot.place, request.actor.member_id) == (kind, place, "slack:T1/U1")


@pytest.mark.parametrize(
    "event",
    [
        message(),
        message(thread_ts="4.0", bot_id="B9"),
        message(thread_ts="4.0", subtype="bot_message", bot_id="B9"),
        message(thread_ts="4.0", user="UBOT"),
        message(thread_ts="4.0", user="USLACKBOT"),
        message(thread_ts="4.0", subtype="channel_join"),
        message(thread_ts="4.0", user=None),
        {**message(text="<@UBOT> x", bot_id="B9"), "type": "app_mention"},
        message(subtype="message_changed", message=message(text="y"), previous_message=message()),
        message(subtype="message_deleted", previous_message=message()),
        {"type": "reaction_added", "user": "U1"},
        {},
    ],
    ids=[
        "channel talk",
        "an app",
        "an app under a name",
        "ourselves",
        "Slack",
        "joining",
        "nobody",
        "an app names us",
        "an edit in the channel",
        "a deletion in the channel",
        "something else",
        "nothing",
    ],
)
def test_what_is_none_of_our_business(event: Json) -> None:
    """It decodes to nothing, so that nothing of it is ever stored."""
    assert decode_event(envelope(event), INSTALL) is None


def test_an_edit_is_the_new_text_once_an_edit() -> None:
    """Each edit is a request of its own, about the message that it changed."""
    reply = message(thread_ts="4.0", edited={"ts": "6.0"}, text="better &amp; shorter")
    event = message(subtype="message_changed", ts="6.1", message=reply, previous_message=message(thread_ts="4.0"))
    found = decoded(event)
    assert (found.request.kind, found.request.text) == (RequestKind.EDITED, "better & shorter")
    assert (found.request.spot.message_id, found.request.spot.thread.thread) == ("5.1", "4.0")
    assert found.keys == ("Ev1", "T1/C1/5.1/edited/6.0")
    preview = event | {"message": reply | {"text": "x"}}
    assert decode_event(envelope(preview), INSTALL) is None


@pytest.mark.parametrize("is_stone", [False, True])
def test_a_deletion_names_what_is_gone(is_stone: bool) -> None:
    """Also where replies keep a stone in its place."""
    before = message(thread_ts="4.0")
    event = message(subtype="message_deleted", ts="7.0", deleted_ts="5.1", previous_message=before)
    if is_stone:
        stone = {"subtype": "tombstone", "user": "USLACKBOT", "ts": "5.1"}
        event = message(subtype="message_changed", ts="7.0", message=stone, previous_message=before)
    found = decoded(event)
    assert (found.request.kind, found.request.spot.message_id) == (RequestKind.DELETED, "5.1")
    assert found.keys == ("Ev1", "T1/C1/5.1/deleted")


def test_another_s_file_names_its_author() -> None:
    """So that the desk can ask them; of a file of Slack Connect the id alone is known."""
    files = [FILE | {"user": "U2"}, {"id": "F2", "file_access": "check_file_info"}, {"name": "no id"}]
    first, second = decoded(message(thread_ts="4.0", files=files)).request.files
    assert (first.author_id, first.size_bytes) == ("U2", 7)
    assert (second.id, second.url, second.name, second.author_id) == ("F2", "", "", "")


def test_the_installation_says_whose_it_is() -> None:
    """Whatever the speaker's home is, the one who installed pays, and keys keep two of them apart."""
    event = message(text="<@UBOT> x", user_team="T9", team="T9", source_team="T9")
    team, organisation = decoded(event), decoded(event, install=Install("E1", "UBOT"))
    assert (team.request.actor.workspace_id, team.keys[1]) == ("slack:T1", "T1/C1/5.1")
    assert (organisation.request.actor.workspace_id, organisation.keys[1]) == ("slack-ent:E1", "E1/C1/5.1")
    assert organisation.request.spot.thread.channel == "E1/C1"
    assert team.request.id != organisation.request.id


def test_slack_s_own_stop_button_is_the_command() -> None:
    """The button of an agent's session stops the session of its thread."""
    request = decoded({"type": "agent_session_stopped", "user": "U1", "channel": "C1", "thread_ts": "4.0"}).request
    assert (request.kind, request.command, request.spot.thread.thread) == (RequestKind.COMMAND, "stop", "4.0")


def slash(text: str, **more: Any) -> Json:
    form = {"user_id": "U1", "user_name": "ada", "channel_id": "C1", "team_id": "T9", "trigger_id": "1.2.3"}
    return form | {"text": text, "response_url": "https://hooks.slack.com/x"} | more


@pytest.mark.parametrize(
    ("text", "command", "values"),
    [
        ("new Tighten &lt;b&gt; --rounds 2", "new", {"brief": "Tighten <b>", "rounds": 2}),
        ("new", "new", {}),
        ("steer ask <@U2|ben>", "steer", {"text": "ask @ben"}),
        ("session rename Launch", "rename", {"title": "Launch"}),
        ("", "help", {}),
        ("help new", "help", {"command": "new"}),
        ("pauze", "help", {"problem": "There is no command 'pauze'. Did you mean 'pause'?"}),
        (
            "new x --rounds 99",
            "help",
            {"command": "new", "problem": "rounds must be from 1 to 20, not 99."},
        ),
    ],
    ids=["brief", "bare", "mention", "group", "nothing", "help", "typo", "limit"],
)
def test_a_slash_command(text: str, command: str, values: Json) -> None:
    """It is read by the command table; what cannot be read asks for help and says what is wrong."""
    found = decode_command(slash(text), INSTALL)
    assert (found.request.command, found.request.values, found.keys) == (command, values, ("1.2.3",))
    assert found.request.spot.answer == {"response_url": "https://hooks.slack.com/x"}
    assert (found.request.actor.name, found.request.actor.workspace_id) == ("ada", "slack:T1")
    assert found.request.spot.place is Place.CHANNEL


def test_a_command_in_a_conversation_of_two_names_no_channel() -> None:
    """It may be one of two colleagues; the answer's address works there all the same."""
    spot = decode_command(slash("status", channel_id="D1"), INSTALL).request.spot
    assert (spot.thread.channel, spot.place, "response_url" in spot.answer) == ("T1/", Place.DIRECT, True)
    body = press(callback_id="edit_with_atelier", channel={"id": "D1"}, message=message(channel="D1", files=[FILE]))
    found = decode_shortcut(body, INSTALL)
    assert found is not None
    assert (found.request.spot.thread.channel, found.request.spot.place) == ("T1/", Place.DIRECT)


def press(**more: Any) -> Json:
    action = {"action_id": "atelier.pause.0", "value": "s_1|3", "type": "button"}
    container = {"type": "message", "message_ts": "5.1", "channel_id": "C1", "is_ephemeral": False}
    body = {"type": "block_actions", "trigger_id": "1.2.3", "user": {"id": "U1", "name": "ada", "team_id": "T9"}}
    return body | {"container": container, "actions": [action], "response_url": "https://hooks.slack.com/x"} | more


def test_a_press() -> None:
    """Which button, on what, and where; who may press it is not decided here."""
    found = decode_press(press(), INSTALL)
    assert found is not None
    request = found.request
    assert (request.kind, request.action, request.target, request.argument) == (RequestKind.PRESS, "pause", "s_1", "3")
    assert (request.spot.thread.channel, request.spot.message_id, request.spot.is_private) == ("T1/C1", "5.1", False)
    theirs = press(actions=[{"action_id": "theirs", "value": "x"}])
    assert decode_press(theirs, INSTALL) is None


@pytest.mark.parametrize(
    ("container", "thread", "place", "is_private"),
    [
        ({"message_ts": "5.1", "channel_id": "C1", "thread_ts": "4.0"}, "4.0", Place.THREAD, False),
        ({"message_ts": "5.1", "channel_id": "C1", "thread_ts": "5.1"}, "", Place.CHANNEL, False),
        ({"message_ts": "5.1", "channel_id": "D1"}, "", Place.DIRECT, False),
        ({"message_ts": "5.1", "channel_id": "C1", "is_ephemeral": True}, "", Place.CHANNEL, True),
        ({"type": "view", "view_id": "V1"}, "", Place.DIRECT, False),
    ],
    ids=["thread", "card", "direct", "private", "home"],
)
def test_where_a_button_stands(container: Json, thread: str, place: Place, is_private: bool) -> None:
    """In a thread, on the channel's card, in direct messages, on a message that one person sees, on the Home tab."""
    found = decode_press(press(container=container), INSTALL)
    assert found is not None
    spot = found.request.spot
    assert (spot.thread.thread, spot.place, spot.is_private) == (thread, place, is_private)


def test_the_shortcut_on_a_message() -> None:
    """Its files are what is worked on; without files its words are."""
    body = press(callback_id="edit_with_atelier", channel={"id": "C1"}, message=message(files=[FILE], text="look"))
    found = decode_shortcut(body, INSTALL)
    assert found is not None
    assert (found.request.command, found.request.values, found.request.files[0].id) == ("new", {}, "F1")
    found = decode_shortcut(body | {"message": message(text="a &amp; b", thread_ts="4.0")}, INSTALL)
    assert found is not None
    assert (found.request.values, found.request.spot.thread.thread) == ({"brief": "a & b"}, "4.0")


@pytest.mark.parametrize("length", [6_000, 6_001, 40_000])
def test_the_shortcut_cuts_no_message(length: int) -> None:
    """What is too long for a brief is a document, named by its first words, and survives as JSON."""
    text = ("Dear team: this is what we launch on Monday. " * 1_000)[:length].strip().ljust(length, "x")
    body = press(callback_id="edit_with_atelier", channel={"id": "C1"}, message=message(text=text))
    found = decode_shortcut(body, INSTALL)
    assert found is not None
    request = load_request(dump_request(found.request))
    if length <= 6_000:
        assert (request.values, request.files) == ({"brief": text}, ())
    else:
        (file,) = request.files
        assert (request.values, file.text, file.author_id) == ({}, text, "")
        assert file.name == "Dear team this is what we launch on Monday Dear team.txt"


def test_the_shortcut_from_nowhere() -> None:
    """It names no channel: its form asks for one."""
    found = decode_shortcut(press(callback_id="new_session"), INSTALL)
    assert found is not None
    assert (found.request.command, found.request.spot.thread.channel) == ("new", "T1/")
    assert decode_shortcut(press(callback_id="theirs"), INSTALL) is None
