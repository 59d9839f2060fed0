"""Forms as modals: what is drawn is what Slack takes, and what comes back is what was put in."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.commands import Place
from bots.desk.forms import Field, FieldKind, Form, new_form, text_form
from bots.desk.requests import Actor, Request, RequestKind, Spot
from bots.slack.decode import Install
from bots.slack.forms import draw_form, read_submission, source_of, with_held
from core.sessions.model import ThreadRef
from core.workspaces.model import WorkspaceSettings
from tests.bots.slack.entrance import Entrance, entrance
from tests.fakes.slack.blocks import check_view

INSTALL = Install("T1", "UBOT")
SMALL = frozenset({"a", "how", "it", "many", "of", "the", "to", "which"})
NEW = Form(
    "new",
    "New session",
    "Start session",
    (
        Field("brief", "What should be written?", FieldKind.PARAGRAPH, max_length=6_000, required=True),
        Field("files", "Files", FieldKind.FILES),
        Field("team", "Editors", FieldKind.CHOICE, "legal", (("", "As usual"), ("legal", "Legal")), more=True),
        Field("rounds", "Rounds", value="3", more=True),
        Field("references", "Files to read", FieldKind.FILES, more=True),
        Field("reference-notes", "What to look for in them", FieldKind.PARAGRAPH, more=True),
        Field("private", "Private", FieldKind.FLAG, "true", help="Only I see it", more=True),
        Field("model", "Model", FieldKind.CHOICE, more=True),
    ),
    intro="Say what **you** want, <!channel>.",
)
SETTINGS = Form(
    "settings",
    "Settings",
    "Save settings",
    (
        Field("language", "Language", value="de"),
        Field("start-channels", "Where", FieldKind.CHANNELS, "T1/C1,T1/C2"),
        Field("roles", "Who", FieldKind.ROLES, "R1"),
        Field("outsiders", "Guests", FieldKind.FLAG, "true"),
    ),
    kept={"session": "s_1"},
)


def source(channel: str = "C1", **more: Any) -> Request:
    spot = Spot(ThreadRef("slack", f"T1/{channel}", "4.0"), Place.THREAD, "5.1", {"response_url": "https://hooks/x"})
    request = Request("q_1", RequestKind.COMMAND, Actor("slack:T1", "U1", "ada"), spot, command="new")
    return replace(request, **more)


def sent(view: dict[str, Any], state: dict[str, Any], **more: Any) -> dict[str, Any]:
    values = {f"field.{name}": {name: element} for name, element in state.items()}
    return {
        "type": "view_submission",
        "user": {"id": "U1"},
        "view": {**view, "id": "V1", "state": {"values": values}},
        **more,
    }


def typed(value: str | None) -> dict[str, Any]:
    return {"type": "plain_text_input", "value": value}


def test_the_form_of_a_session_says_nothing_twice() -> None:
    """Label, hint and the words at a box each say something of their own."""
    form = new_form(WorkspaceSettings(), {}, models=())
    for block in check_view(draw_form(form, source(), shows_more=True))["blocks"]:
        if block["type"] != "input":
            continue
        boxes = block["element"].get("options", ()) if block["element"]["type"] == "checkboxes" else ()
        said = [block["label"], *(one["text"] for one in boxes), *([block["hint"]] if "hint" in block else [])]
        words = [set(one["text"].lower().split()) - SMALL for one in said]
        assert all(not one <= other for one, other in permutations(words, 2)), said


def test_a_form_shows_the_first_fields_and_the_way_to_the_rest() -> None:
    """What is hidden goes along with its value; a choice of nothing is left out."""
    view = check_view(draw_form(NEW, source()))
    assert [block.get("block_id", "") for block in view["blocks"]] == ["", "field.brief", "field.files", "form.more"]
    assert "<!" not in json.dumps(view["blocks"])
    whole = check_view(draw_form(NEW, source(), shows_more=True))
    names = ["brief", "files", "team", "rounds", "references", "reference-notes", "private"]
    assert [block["block_id"] for block in whole["blocks"][1:]] == [f"field.{name}" for name in names]
    team = whole["blocks"][3]["element"]
    assert team["initial_option"]["text"]["text"] == "Legal"
    assert whole["blocks"][7]["element"]["initial_options"][0]["text"]["text"] == "Only I see it"


def test_hidden_fields_keep_their_values() -> None:
    """Last choices hold without anybody looking at them."""
    filled = read_submission(sent(draw_form(NEW, source()), {"brief": typed("A note")}), INSTALL)
    assert filled is not None
    assert filled.decoded is not None
    request = filled.decoded.request
    assert (request.kind, request.command) == (RequestKind.COMMAND, "new")
    assert request.values == {"brief": "A note", "team": "legal", "rounds": 3, "private": True}
    assert (request.spot, filled.decoded.keys) == (source().spot, ("form/V1",))


def test_what_was_put_in_comes_back_in_its_kind() -> None:
    """Texts, choices, flags and files; references say that they are some."""
    file = {"id": "F1", "name": "a.docx", "user": "U1", "url_private_download": "https://files.slack.com/a", "size": 3}
    state = {
        "brief": typed("A <b> note"),
        "files": {"type": "file_input", "files": [file]},
        "team": {"type": "static_select", "selected_option": {"value": "v:"}},
        "rounds": typed("2"),
        "references": {"type": "file_input", "files": [file | {"id": "F2"}]},
        "reference-notes": typed(None),
        "private": {"type": "checkboxes", "selected_options": []},
    }
    filled = read_submission(sent(draw_form(NEW, source(), shows_more=True), state), INSTALL)
    assert filled is not None
    assert filled.decoded is not None
    request = filled.decoded.request
    assert request.values == {"brief": "A <b> note", "team": "", "rounds": 2, "private": False}
    assert [(one.id, one.role) for one in request.files] == [("F1", ""), ("F2", "reference")]


@pytest.mark.parametrize(
    ("state", "errors"),
    [
        (
            {"brief": typed("x"), "rounds": typed("99")},
            {"field.rounds": "rounds must be from 1 to 20, not 99."},
        ),
        (
            {"brief": typed("x"), "rounds": typed("many")},
            {"field.rounds": "rounds must be a whole number, not 'many'."},
        ),
    ],
    ids=["range", "kind"],
)
def test_what_is_wrong_stands_below_its_field(state: dict[str, Any], errors: dict[str, str]) -> None:
    """In a sentence; nothing is taken."""
    filled = read_submission(sent(draw_form(NEW, source(), shows_more=True), state), INSTALL)
    assert filled is not None
    assert (filled.decoded, filled.errors) == (None, errors)


def test_an_error_of_a_hidden_field_stands_below_one_that_is_shown() -> None:
    """Slack refuses errors of blocks that are not there."""
    wrong = replace(NEW, fields=(NEW.fields[0], Field("rounds", "Rounds", value="99", more=True)))
    filled = read_submission(sent(draw_form(wrong, source()), {"brief": typed("x")}), INSTALL)
    assert filled is not None
    assert list(filled.errors) == ["field.brief"]


def test_a_required_option_needs_more_than_blanks() -> None:
    """Slack itself would let them pass."""
    form = Form(
        "steer", "Steer session", "Send directions", (Field("text", "What", required=True),), {"session": "s_1"}
    )
    filled = read_submission(sent(draw_form(form, source()), {"text": typed("  ")}), INSTALL)
    assert filled is not None
    assert filled.errors == {"field.text": "Please fill this in."}


def test_settings_say_what_was_emptied() -> None:
    """A field that held something and holds nothing now is told as empty; channels are named with their team."""
    view = check_view(draw_form(SETTINGS, source()))
    assert [block["block_id"] for block in view["blocks"]] == [
        "field.language",
        "field.start-channels",
        "field.outsiders",
    ]
    assert view["blocks"][1]["element"]["initial_conversations"] == ["C1", "C2"]
    state = {
        "language": typed(None),
        "start-channels": {"type": "multi_conversations_select", "selected_conversations": ["C2", "C3"]},
        "outsiders": {"type": "checkboxes", "selected_options": []},
    }
    filled = read_submission(sent(view, state), INSTALL)
    assert filled is not None
    assert filled.decoded is not None
    assert filled.decoded.request.values == {
        "session": "s_1",
        "language": "",
        "start-channels": "T1/C2,T1/C3",
        "outsiders": False,
    }


def test_who_sends_a_form_is_who_asks() -> None:
    """Not who opened it: metadata can be old, the payload is of now."""
    body = sent(draw_form(NEW, source()), {"brief": typed("x")}, user={"id": "U2"})
    found = source_of(body, Install("E1"))
    assert found is not None
    assert found.actor.member_id == "slack-ent:E1/U2"
    assert source_of({"view": {"callback_id": "theirs"}}, INSTALL) is None
    assert read_submission({"view": {"callback_id": "theirs"}}, INSTALL) is None


def test_a_form_from_nowhere_asks_where() -> None:
    """What is chosen there is where the session goes, and how it is answered."""
    view = check_view(draw_form(NEW, source("")))
    body = sent(view, {"brief": typed("x")}, response_urls=[{"channel_id": "C7", "response_url": "https://hooks/y"}])
    body["view"]["state"]["values"]["where"] = {"where": {"selected_conversation": "C7"}}
    filled = read_submission(body, INSTALL)
    assert filled is not None
    assert filled.decoded is not None
    assert filled.decoded.request.spot == Spot(
        ThreadRef("slack", "T1/C7"), Place.CHANNEL, answer={"response_url": "https://hooks/y"}
    )


def test_a_form_that_starts_nothing_asks_no_place() -> None:
    """Whoever steers, or changes a template, from their own page is answered there: nothing is posted anywhere."""
    for command in ("steer", "rename", "continue"):
        form = text_form(command, "Title", "Send it", "What")
        view = check_view(draw_form(form, source("")))
        assert "where" not in [block.get("block_id") for block in view["blocks"]]


def test_a_source_that_is_too_long_leaves_its_words_behind() -> None:
    """The form asks for them anyway, and Slack keeps 3,000 characters."""
    view = check_view(draw_form(NEW, source(values={"brief": "x" * 5_000})))
    assert read_submission(sent(view, {"brief": typed("y")}), INSTALL) is not None
    check_view(draw_form(replace(NEW, fields=(NEW.fields[0], Field("x", "X", value="y" * 4_000, more=True))), source()))


@given(st.builds(Field, st.just("brief"), st.text(max_size=60), st.sampled_from(FieldKind), st.text(max_size=4_000)))
def test_every_field_is_drawn_so_that_slack_takes_it(field: Field) -> None:
    """Whatever stands in it; nothing that is shown calls anybody."""
    with_choices = replace(field, choices=((field.value, field.label), ("b", "B")), help=field.label)
    form = Form("new", field.label, field.value, (Field("rounds", "Rounds"), with_choices), intro=field.value)
    view = check_view(draw_form(form, source(), shows_more=True))
    assert check_view(draw_form(with_held(form, {"state": {"values": {}}}), source(), shows_more=True)) == view


@pytest.fixture
async def room() -> AsyncIterator[Entrance]:
    """The app in the workspace north."""
    async with entrance() as opened:
        yield opened


@pytest.mark.loopback
async def test_more_keeps_what_was_put_in(room: Entrance) -> None:
    """The same modal with all its fields; then it is sent with files, and closes."""
    slack = room.slack
    room.desk.forms["new"] = replace(NEW, intro="")
    room.desk.words = "Reading a.docx, price follows."
    await slack.command(slack.ann, slack.general, "new")
    await room.settled()
    view = slack.modal(slack.ann)
    assert view is not None
    assert (await slack.click(slack.ann, view, "form.more")).error == ""
    await room.settled()
    assert len(view.content["blocks"]) == 7
    outcome = await slack.submit(slack.ann, {"brief": "x", "rounds": "99"})
    assert outcome.errors == {"field.rounds": "rounds must be from 1 to 20, not 99."}
    outcome = await slack.submit(slack.ann, {"brief": "Tighten", "rounds": "2", "files": [("a.docx", b"bytes")]})
    assert (outcome.error, slack.modal(slack.ann)) == ("", None)
    [request] = room.desk.asked
    assert not request.wants_form
    assert (request.values["rounds"], request.spot.thread.channel) == (2, f"{slack.north.id}/{slack.general.id}")
    assert await room.door.fetch(request, request.files[0]) == b"bytes"
    await room.settled()
    assert [one.visible_text for one in slack.ephemeral(slack.ann)] == ["Reading a.docx, price follows."]
    await slack.delivering.again(outcome.delivery)
    assert len(room.desk.asked) == 1


@pytest.mark.loopback
async def test_a_form_that_cannot_be_stored_stays_open(room: Entrance) -> None:
    """With what was put in, and a sentence; the next try goes through."""
    slack = room.slack
    room.desk.forms["new"] = replace(NEW, intro="")
    await slack.command(slack.ann, slack.general, "new")
    await room.settled()
    room.desk.inbox.fails = 1
    outcome = await slack.submit(slack.ann, {"brief": "x"})
    assert outcome.errors is not None
    assert "cannot take this right now" in outcome.errors["field.brief"]
    await slack.submit(slack.ann, {"brief": "x"})
    assert len(room.desk.asked) == 1


@pytest.mark.loopback
async def test_the_global_shortcut_s_form_says_where(room: Entrance) -> None:
    """The channel that is chosen in it, else the app's own messages."""
    slack = room.slack
    room.desk.forms["new"] = replace(NEW, intro="")
    await slack.global_shortcut(slack.ann, "new_session")
    await room.settled()
    await slack.submit(slack.ann, {"brief": "x", "where": slack.general.id})
    await slack.global_shortcut(slack.ann, "new_session")
    await room.settled()
    await slack.submit(slack.ann, {"brief": "x"})
    channels = [f"{slack.north.id}/{slack.general.id}", f"{slack.north.id}/"]
    assert [one.spot.thread.channel for one in room.desk.asked] == channels
    await room.door.whisper(room.desk.asked[0], room.desk.page)
    assert room.slack.api.count("response_url") == 1
