"""What happens in Slack reaches the desk once, is acknowledged in time, and is answered whatever goes wrong."""

import asyncio
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bots.commands import Place
from bots.desk.forms import Field, FieldKind, Form
from bots.desk.requests import RequestKind
from bots.slack.happenings import CLOSED, LEFT
from bots.slack.leaving import load_departure
from bots.slack.places import place_of
from bots.slack.verification import Verification
from bots.views.elements import Button, Buttons, Text, View
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from tests.bots.slack.entrance import Entrance, entrance
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.model import Channel, Kind, Message

pytestmark = pytest.mark.loopback
FORM = Form(
    "new",
    "New session",
    "Start session",
    (Field("brief", "What", FieldKind.PARAGRAPH), Field("rounds", "Rounds", more=True)),
)


@pytest.fixture
async def room() -> AsyncIterator[Entrance]:
    """The app in the workspace north, over HTTP."""
    async with entrance() as opened:
        yield opened


def mention(room: Entrance, text: str) -> str:
    return f"<@{room.north.user_id}> {text}"


async def whispered(room: Entrance, channel: Channel) -> list[str]:
    """Return what was said privately there, to anybody."""
    await room.settled()
    return [one.visible_text for one in room.slack.world.messages if one.seen_by and one.channel == channel.id]


async def card_of(room: Entrance, action: str = "pause") -> Message:
    """Post a message with a button of ours."""
    view = View((Text("x"), Buttons((Button(action, "Press me", "s_1", "2"),))), "x")
    await room.door.tell(f"slack:{room.slack.north.id}/{room.slack.ann.id}", view)
    return room.slack.direct_messages(room.slack.ann)[-1]


@pytest.mark.parametrize("is_reversed", [False, True])
async def test_a_mention_is_one_request_however_it_comes(room: Entrance, is_reversed: bool) -> None:
    """Two events, each delivered twice and in either order, are stored once."""
    slack = room.slack
    slack.delivering.copies = 2
    async with slack.delivering.held() as held:
        await slack.say(slack.ann, slack.general, mention(room, "tighten this"), files=[("a.docx", b"x")])
    events = [one for one in held if one.event["type"] in {"app_mention", "message"}]
    assert len(events) == 2
    await slack.delivering.in_order(events[::-1] if is_reversed else events)
    assert [one.status for event in events for one in event.attempts] == [200] * 4
    [request] = room.desk.asked
    assert (request.kind, request.text, [one.name for one in request.files]) == (
        RequestKind.MENTION,
        "tighten this",
        ["a.docx"],
    )


async def test_talk_is_heard_in_threads_of_sessions_alone(room: Entrance) -> None:
    """Of what people say elsewhere nothing is stored; edits and deletions follow the same rule."""
    slack = room.slack
    parent = await slack.say(slack.ann, slack.general, "lunch?")
    reply = await slack.say(slack.ben, slack.general, "yes", thread_ts=parent.ts)
    await slack.edit(reply, "no")
    assert room.desk.asked == []
    room.desk.owned.add((f"{slack.north.id}/{slack.general.id}", parent.ts))
    reply = await slack.say(slack.ben, slack.general, "shorter &amp; kinder", thread_ts=parent.ts)
    await slack.edit(reply, "// never mind")
    await slack.delete(reply)
    kinds = [RequestKind.SAID, RequestKind.EDITED, RequestKind.DELETED]
    assert [(one.kind, one.spot.message_id) for one in room.desk.asked] == [(kind, reply.ts) for kind in kinds]
    assert [one.text for one in room.desk.asked] == ["shorter & kinder", "// never mind", ""]


async def test_every_word_in_direct_messages_is_meant_for_us(room: Entrance) -> None:
    """Also in a thread there, unless it is a session's: then it is guidance."""
    slack = room.slack
    direct = slack.direct(slack.ann)
    first = await slack.say(slack.ann, direct, "edit this", files=[("a.md", b"x")])
    await slack.say(slack.ann, direct, "and this", thread_ts=first.ts)
    room.desk.owned.add((f"{slack.north.id}/{direct.id}", first.ts))
    await slack.say(slack.ann, direct, "shorter", thread_ts=first.ts)
    assert [one.kind for one in room.desk.asked] == [RequestKind.MENTION, RequestKind.MENTION, RequestKind.SAID]
    assert {one.spot.place for one in room.desk.asked} == {Place.DIRECT}


async def test_a_retry_of_what_was_not_stored_is_taken(room: Entrance) -> None:
    """The first delivery fails with 500 and is not forgotten: the next one carries retry headers and counts."""
    slack = room.slack
    room.desk.inbox.fails = 2
    await slack.say(slack.ann, slack.general, mention(room, "tighten"))
    await slack.settled()
    assert [one.text for one in room.desk.asked] == ["tighten"]
    tries = [(one.retry, one.status) for event in slack.delivering.sent for one in event.attempts]
    assert tries.count((0, 500)) == 2
    assert (1, 200) in tries


async def test_a_command_is_stored_and_answered_in_one_breath(room: Entrance) -> None:
    """The acknowledgement says what happens, to the one who asked, with nothing in it that calls anybody."""
    room.desk.words = "Reading <!here> brief.docx & more, price follows."
    outcome = await room.slack.command(room.slack.ann, room.slack.general, "new Tighten --rounds 2")
    assert outcome.shown is not None
    assert outcome.shown.text == "Reading &lt;!here&gt; brief.docx &amp; more, price follows."
    assert outcome.shown.seen_by == room.slack.ann.id
    [request] = room.desk.asked
    assert (request.command, request.values) == ("new", {"brief": "Tighten", "rounds": 2})
    assert request.actor.member_id == f"slack:{room.slack.north.id}/{room.slack.ann.id}"
    again = await room.slack.delivering.again(outcome.delivery)
    assert (again.status, again.body, len(room.desk.asked)) == (200, "", 1)


async def test_a_mention_is_answered_beside_its_acknowledgement(room: Entrance) -> None:
    """An event's acknowledgement carries no words, so they come right after it, and once."""
    room.desk.words = "Reading a.docx, price follows."
    await room.slack.say(room.slack.ann, room.slack.general, mention(room, "tighten"), files=[("a.docx", b"x")])
    assert await whispered(room, room.slack.general) == ["Reading a.docx, price follows."]


async def test_a_database_that_is_away_is_said(room: Entrance) -> None:
    """Commands and presses come once: whoever asked hears that nothing was taken."""
    slack = room.slack
    room.desk.inbox.fails = 2
    outcome = await slack.command(slack.ann, slack.general, "status")
    assert outcome.shown is not None
    assert "cannot take this right now" in outcome.shown.text
    card = await card_of(room)
    outcome = await slack.click(slack.ann, card, "atelier.pause.0")
    assert outcome.error == ""
    assert "cannot take this right now" in (await whispered(room, slack.direct(slack.ann)))[-1]


async def test_every_press_arrives_with_where_it_was(room: Entrance) -> None:
    """A second press is a second request: what it does is decided where sessions are known."""
    slack = room.slack
    card = await card_of(room)
    for _ in range(2):
        assert (await slack.click(slack.ann, card, "atelier.pause.0")).error == ""
    first, second = room.desk.asked
    assert (first.action, first.target, first.argument) == ("pause", "s_1", "2")
    assert (first.spot.message_id, first.id != second.id) == (card.ts, True)


async def test_a_form_is_opened_on_the_spot(room: Entrance) -> None:
    """Nothing is left to do until it is sent."""
    room.desk.forms["new"] = FORM
    outcome = await room.slack.command(room.slack.ann, room.slack.general, "new")
    await room.settled()
    assert (outcome.error, outcome.shown, room.desk.asked) == ("", None, [])
    view = room.slack.modal(room.slack.ann)
    assert view is not None
    assert view.content["title"]["text"] == "New session"


@pytest.mark.parametrize("way", ["command", "press", "shortcut", "more"])
async def test_nothing_but_storing_comes_before_the_acknowledgement(room: Entrance, way: str) -> None:
    """Whoever reads for a form may take as long as it takes: the request is stored and acknowledged, then it opens."""
    slack, desk = room.slack, room.desk
    desk.forms |= {"new": FORM, "rename": FORM}
    card = await card_of(room, "rename")
    if way == "more":
        await slack.command(slack.ann, slack.general, "new")
        await room.settled()
    desk.gate = asyncio.Event()
    match way:
        case "command":
            outcome = await slack.command(slack.ann, slack.general, "new")
        case "press":
            outcome = await slack.click(slack.ann, card, "atelier.rename.0")
        case "shortcut":
            outcome = await slack.global_shortcut(slack.ann, "new_session")
        case _:
            view = slack.modal(slack.ann)
            assert view is not None
            outcome = await slack.click(slack.ann, view, "form.more")
    assert (outcome.error, outcome.delivery.attempts[-1].status) == ("", 200)
    assert (len(desk.inbox.stored), desk.asked) == (1, [])
    assert slack.api.count("views.open") == (way == "more")
    desk.gate.set()
    await room.settled()
    assert (slack.api.count("views.open"), slack.api.count("views.update")) == (1, way == "more")
    assert desk.asked == []


@pytest.mark.parametrize("code", ["expired_trigger_id", "exchanged_trigger_id"])
async def test_a_form_that_comes_too_late_is_handled_as_one_that_wants_a_form(room: Entrance, code: str) -> None:
    """A trigger lives three seconds and once; whoever handles the request then says where the form is."""
    slack = room.slack
    room.desk.forms |= {"new": FORM, "rename": FORM}
    slack.faults.add(Trouble.REFUSED, "views.open", times=2, error=code)
    await slack.command(slack.ann, slack.general, "new")
    card = await card_of(room, "rename")
    assert (await slack.click(slack.ann, card, "atelier.rename.0")).error == ""
    await room.settled()
    assert [(one.command or one.action, one.wants_form) for one in room.desk.asked] == [("new", True), ("rename", True)]


@pytest.mark.parametrize("error", [TimeoutError(), TransientError("away"), PostRefused("missing_scope")])
async def test_a_form_that_nobody_knows_of_in_time_is_no_loss(room: Entrance, error: Exception) -> None:
    """The request is stored, and whoever handles it says in words what is missing."""
    room.desk.wavers = error
    outcome = await room.slack.command(room.slack.ann, room.slack.general, "new")
    await room.settled()
    assert (outcome.error, [one.command for one in room.desk.asked]) == ("", ["new"])


async def test_shortcuts_begin_sessions(room: Entrance) -> None:
    """On a message its files are taken at once; from nowhere a form asks where."""
    slack = room.slack
    room.desk.words = "Reading a.docx, price follows."
    message = await slack.say(slack.ben, slack.general, "the draft", files=[("a.docx", b"x")])
    assert (await slack.message_shortcut(slack.ann, message, "edit_with_atelier")).error == ""
    [request] = room.desk.asked
    assert (request.command, request.files[0].author_id, request.spot.message_id) == ("new", slack.ben.id, message.ts)
    assert await whispered(room, slack.general) == ["Reading a.docx, price follows."]
    room.desk.forms["new"] = FORM
    assert (await slack.global_shortcut(slack.ann, "new_session")).error == ""
    await room.settled()
    view = slack.modal(slack.ann)
    assert view is not None
    assert [block["block_id"] for block in view.content["blocks"]][-2:] == ["where", "form.more"]
    assert (await slack.global_shortcut(slack.ann, "theirs")).error == ""


async def test_the_home_tab_is_drawn_when_it_is_looked_at(room: Entrance) -> None:
    """The page is the desk's; its buttons arrive as every other press, from nowhere."""
    slack = room.slack
    room.desk.page = View((Text("# Hello\n\n**Yours**"), Buttons((Button("sample", "Try a sample", ""),))), "Home")
    await slack.open_home(slack.ann)
    await room.settled()
    home = slack.home(slack.ann)
    assert home is not None
    assert [block["type"] for block in home.content["blocks"]] == ["section", "actions"]
    await slack.click(slack.ann, home, "atelier.sample.0")
    [request] = room.desk.asked
    assert (request.action, request.spot.thread.channel, request.spot.place) == (
        "sample",
        f"{slack.north.id}/",
        Place.DIRECT,
    )


async def test_leaving_and_closing_are_stored(room: Entrance) -> None:
    """A removed app, a revoked token, a closed channel: each is stored before it is acknowledged, and done later."""
    slack = room.slack
    await slack.remove_app(slack.general)
    slack.general.members.add(room.north.user_id)
    await slack.archive(slack.general, slack.ann)
    assert {one.kind for one in room.desk.asked} == {RequestKind.HAPPENED}
    closed = [(one.action, one.actor.workspace_id, place_of(one.spot.thread).channel) for one in room.desk.asked]
    assert closed == [(CLOSED, f"slack:{slack.north.id}", slack.general.id)] * 2
    room.desk.inbox.taken.clear()
    await slack.revoke(room.north)
    room.north.is_revoked = False
    await slack.uninstall(slack.north)
    left = [load_departure(one.values) for one in room.desk.asked if one.action == LEFT]
    assert [(one.event, one.tenant, one.is_app) for one in left] == [
        ("tokens_revoked", slack.north.id, False),
        ("tokens_revoked", slack.north.id, False),
        ("app_uninstalled", slack.north.id, True),
    ]


async def test_what_happened_and_could_not_be_stored_comes_again(room: Entrance) -> None:
    """Slack hears an error, and its next delivery counts; a repeat of what was stored does not."""
    slack = room.slack
    room.desk.inbox.fails = 1
    slack.delivering.copies = 2
    await slack.archive(slack.general, slack.ann)
    await slack.settled()
    assert [one.action for one in room.desk.asked] == [CLOSED]


async def test_somebody_else_who_leaves_a_channel_closes_nothing(room: Entrance) -> None:
    """Only the app's own departure counts."""
    slack = room.slack
    event = {"type": "member_left_channel", "user": slack.ben.id, "channel": slack.general.id, "event_ts": "1.1"}
    await asyncio.gather(*(one.tried.wait() for one in slack.events.announce(slack.general, slack.north, event)))
    assert (len(slack.delivering.sent), room.desk.asked) == (1, [])


async def test_what_nobody_wants_is_answered_and_counted(room: Entrance, capsys: pytest.CaptureFixture[str]) -> None:
    """Slack counts other answers as failures and sends them again."""
    slack = room.slack
    envelope = slack.events.envelope(None, slack.north, room.north, {"type": "star_added", "event_ts": "1.1"})
    bodies = [
        envelope,
        {"type": "app_rate_limited", "team_id": slack.north.id, "minute_rate_limited": 1},
        {"type": "something_new", "team_id": slack.north.id},
    ]
    statuses = [(await slack.delivering.deliver(Delivery("events_api", body))).attempts[-1].status for body in bodies]
    assert statuses == [200, 200, 200]
    said = capsys.readouterr().out
    assert said.count("slack_event_unknown") == 2
    assert "slack_events_lost" in said


async def test_two_workspaces_at_once_never_meet(room: Entrance) -> None:
    """Each request is its own installation's, also where the same words come at the same moment."""
    slack = room.slack
    south = slack.world.install(slack.south, slack.sue)
    slack.southern.members.add(south.user_id)
    await asyncio.gather(
        *(
            slack.say(person, channel, f"<@{grant.user_id}> number {number}")
            for number in range(5)
            for person, channel, grant in (
                (slack.ann, slack.general, room.north),
                (slack.sue, slack.southern, south),
            )
        )
    )
    found = sorted((one.actor.member_id, one.spot.thread.channel) for one in room.desk.asked)
    north = (f"slack:{slack.north.id}/{slack.ann.id}", f"{slack.north.id}/{slack.general.id}")
    other = (f"slack:{slack.south.id}/{slack.sue.id}", f"{slack.south.id}/{slack.southern.id}")
    assert found == sorted([north] * 5 + [other] * 5)


async def test_an_organisation_is_one_workspace(room: Entrance) -> None:
    """Commands name a team and events none: both belong to the organisation that installed."""
    slack = room.slack
    org = slack.world.install(slack.grid, slack.eve)
    slack.eastern.members.add(org.user_id)
    await slack.command(slack.eve, slack.eastern, "status")
    await slack.say(slack.eve, slack.eastern, f"<@{org.user_id}> status")
    await slack.global_shortcut(slack.eve, "new_session")
    assert {one.actor.workspace_id for one in room.desk.asked} == {f"slack-ent:{slack.grid.id}"}
    assert {one.spot.thread.channel for one in room.desk.asked} == {
        f"{slack.grid.id}/{slack.eastern.id}",
        f"{slack.grid.id}/",
    }


async def test_a_guest_of_another_company_belongs_to_who_installed(room: Entrance) -> None:
    """In a shared channel the request is the installing team's, and its speaker an outsider."""
    slack = room.slack
    shared = slack.world.add_channel(slack.north, "shared", [slack.ann, slack.sue, room.north])
    shared.shared_with.add(slack.south.id)
    await slack.say(slack.sue, shared, mention(room, "tighten"))
    [request] = room.desk.asked
    assert request.actor.workspace_id == f"slack:{slack.north.id}"
    assert (await room.door.standing(request.actor)).is_outsider


async def test_what_slack_did_not_sign_stays_outside(
    room: Entrance, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Replayed after five minutes, signed wrongly or dated by no date: 401, and nothing of it in any log."""
    slack = room.slack
    caplog.set_level(logging.DEBUG)
    delivery = Delivery(
        "events_api",
        slack.events.envelope(slack.general, slack.north, room.north, {"type": "app_mention", "text": "s3cret text"}),
    )
    tries = [
        await slack.delivering.again(delivery, age_seconds=301),
        await slack.delivering.again(delivery, age_seconds=-301),
        await slack.delivering.again(delivery, signature="v0=" + "0" * 64),
        await slack.delivering.again(delivery, signature="v0=grün"),
        await slack.delivering.again(delivery, timestamp="abc"),
        await slack.delivering.again(delivery, timestamp="-1"),
        await slack.delivering.again(delivery, timestamp="1e9"),
    ]
    assert [one.status for one in tries] == [401] * 7
    assert room.desk.asked == []
    assert "s3cret" not in caplog.text + capsys.readouterr().out


@pytest.mark.parametrize("body", [b"{", b"[]", b"payload=[]", b"\xff\xfe", b"", b"payload=%7B"])
async def test_what_cannot_be_read_is_refused(room: Entrance, body: bytes) -> None:
    """No body makes it an error of ours."""
    now = str(int(time.time()))
    signed = hmac.new(room.slack.world.app.signing_secret.encode(), f"v0:{now}:".encode() + body, "sha256").hexdigest()
    headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={signed}"}
    headers["Content-Type"] = "application/json" if body[:1] in b"{[" else "application/x-www-form-urlencoded"
    url = room.slack.world.app.request_url
    async with aiohttp.ClientSession() as http, http.post(url, data=body, headers=headers) as response:
        assert response.status in {200, 400, 401}
    async with aiohttp.ClientSession() as http, http.post(url, data=body) as response:
        assert response.status in {400, 401}


async def test_slack_may_ask_whether_the_address_is_ours(room: Entrance) -> None:
    """The challenge comes back, signed requests only."""
    outcome = await room.slack.delivering.deliver(
        Delivery("events_api", {"type": "url_verification", "challenge": "c"})
    )
    assert json.loads(outcome.attempts[-1].body) == {"challenge": "c"}


async def test_without_a_secret_nothing_comes_in_over_http() -> None:
    """Anybody could sign with an empty one; Socket Mode needs none."""
    now = str(int(time.time()))
    body = urlencode({"command": "/atelier", "text": "status"})
    signature = "v0=" + hmac.new(b"", f"v0:{now}:{body}".encode(), "sha256").hexdigest()
    headers: dict[str, Any] = {"x-slack-request-timestamp": now, "x-slack-signature": signature}
    passed: list[str] = []

    async def proceed() -> Any:
        passed.append("x")

    check = Verification("")
    over_http = AsyncBoltRequest(body=body, headers=headers)
    answer = await check.async_process(req=over_http, resp=None, next=proceed)  # type: ignore[arg-type]
    assert answer is not None
    assert (answer.status, passed) == (401, [])
    by_socket = AsyncBoltRequest(body={"type": "x"}, mode="socket_mode")
    await check.async_process(req=by_socket, resp=None, next=proceed)  # type: ignore[arg-type]
    assert passed == ["x"]


async def test_a_private_channel_s_archive_counts_too(room: Entrance) -> None:
    """Slack names it differently."""
    slack = room.slack
    secret = slack.world.add_channel(slack.north, "secret", [slack.ann, room.north], Kind.PRIVATE)
    event = {"type": "group_archive", "channel": secret.id, "user": slack.ann.id, "event_ts": "1.1"}
    envelope = slack.events.envelope(secret, slack.north, room.north, event)
    await slack.delivering.deliver(Delivery("events_api", envelope))
    assert [place_of(one.spot.thread).channel for one in room.desk.asked] == [secret.id]


async def test_a_certificate_check_that_nobody_signed_does_nothing(room: Entrance) -> None:
    """Bolt answers it before any signature is looked at, so nothing may come of it."""
    body = urlencode({"ssl_check": "1", "token": "x", "command": "/atelier", "text": "status", "team_id": "T0NORTH"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(room.slack.world.app.request_url, data=body, headers=headers) as answer,
    ):
        assert answer.status in {200, 401}
    assert room.desk.inbox.stored == []


@pytest.mark.parametrize("trouble", [None, Trouble.LOST_REQUEST], ids=["reachable", "away"])
async def test_a_command_where_the_app_is_gone_is_acknowledged(room: Entrance, trouble: Trouble | None) -> None:
    """Also where the address for Bolt's own words cannot be reached; nothing is stored."""
    slack = room.slack
    room.north.is_revoked = True
    if trouble is not None:
        slack.faults.add(trouble, "response_url")
    outcome = await slack.command(slack.ann, slack.general, "status")
    assert (outcome.delivery.attempts[-1].status, room.desk.inbox.stored) == (200, [])
