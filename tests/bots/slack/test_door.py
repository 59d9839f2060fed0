"""Slack as the desk sees it: who people are, where the app may post, what is said privately, and files."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bots.commands import Place
from bots.desk.door import CannotPost, FileUnavailable, Mark, Standing
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.slack.colleagues import standing_of
from bots.slack.decode import attachments_of
from bots.slack.downloads import FILE_HOSTS
from bots.slack.places import channel_ref, place_of
from bots.views.elements import Button, Buttons, Fields, Heading, Quote, Table, Text, View
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from core.sessions.model import SessionFile, ThreadRef
from tests.bots.slack.entrance import Entrance, entrance
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.limits import ALL_SCOPES
from tests.fakes.slack.model import Channel, Json, Kind, Message, Person
from tests.fakes.slack.payloads import of_file

pytestmark = pytest.mark.loopback
PRICE = View((Heading("The price"), Text("About **40** credits, <!channel>."), Quote("<@U0BEN> said")), "The price: 40")


@pytest.fixture
async def room() -> AsyncIterator[Entrance]:
    """The app in the workspace north."""
    async with entrance() as opened:
        yield opened


def asked(room: Entrance, person: Person, channel: Channel | None, thread: str = "", **more: object) -> Request:
    """Return a request of somebody somewhere."""
    place = Place.THREAD if thread else Place.CHANNEL
    if channel is None or channel.kind is Kind.DIRECT:
        place = Place.DIRECT
    ref = ThreadRef("slack", channel_ref(room.slack.north.id, channel.id if channel else ""), thread)
    request = Request(
        "q_1", RequestKind.COMMAND, Actor(f"slack:{room.slack.north.id}", person.id), Spot(ref, place), command="new"
    )
    return replace(request, **more)  # type: ignore[arg-type]  # a test may say anything


async def through_command(room: Entrance) -> Request:
    """Return a request with an address to answer at."""
    await room.slack.command(room.slack.ann, room.slack.general, "status")
    return room.desk.asked[-1]


def private(room: Entrance) -> list[str]:
    return [one.visible_text for one in room.slack.ephemeral(room.slack.ann)]


async def test_a_private_answer_goes_where_it_was_asked(room: Entrance) -> None:
    """Seen by the asker alone, in the views' words, calling nobody."""
    await room.door.whisper(await through_command(room), PRICE)
    [shown] = room.slack.ephemeral(room.slack.ann, room.slack.general)
    assert "About" in shown.visible_text
    assert shown.text == "The price: 40"
    assert room.slack.api.count("chat.postEphemeral") == 0
    assert room.slack.ephemeral(room.slack.ben) == []


async def test_an_address_takes_five_answers_and_then_we_knock_elsewhere(room: Entrance) -> None:
    """The sixth is posted by a call, and none is lost."""
    request = await through_command(room)
    for number in range(7):
        await room.door.whisper(request, View((Text(f"answer {number}"),), "x"))
    assert private(room) == [f"answer {number}" for number in range(7)]
    assert (room.slack.api.count("response_url"), room.slack.api.count("chat.postEphemeral")) == (5, 2)


async def test_an_address_that_ended_is_tried_once(room: Entrance) -> None:
    """After half an hour, or in another process that used it up."""
    request = await through_command(room)
    room.clock.move(1_801)
    await room.door.whisper(request, PRICE)
    await room.door.whisper(request, PRICE)
    assert len(private(room)) == 2
    assert (room.slack.api.count("response_url"), room.slack.api.count("chat.postEphemeral")) == (1, 2)


@pytest.mark.parametrize("trouble", [Trouble.LOST_REQUEST, Trouble.SERVER_ERROR, Trouble.RATE_LIMITED])
async def test_an_address_that_fails_is_no_end(room: Entrance, trouble: Trouble) -> None:
    """What cannot be answered there is said by a call."""
    request = await through_command(room)
    room.slack.faults.add(trouble, "response_url")
    await room.door.whisper(request, PRICE)
    assert len(private(room)) == 1


async def test_a_press_on_a_private_message_is_answered_in_its_place(room: Entrance) -> None:
    """So that old buttons do not stay behind; in a thread, in that thread."""
    slack = room.slack
    parent = await slack.say(slack.ann, slack.general, "x")
    question = View((Text("Start?"), Buttons((Button("start", "Start session", "s_1"),))), "Start?")
    await room.door.whisper(asked(room, slack.ann, slack.general, parent.ts), question)
    [shown] = slack.ephemeral(slack.ann)
    assert shown.thread_ts == parent.ts
    await slack.click(slack.ann, shown, "atelier.start.0")
    await room.door.whisper(room.desk.asked[-1], View((Text("It runs."),), "It runs."))
    await room.door.whisper(room.desk.asked[-1], View((Text("It ended."),), "It ended."))
    assert private(room) == ["It ended."]


async def test_a_press_on_a_public_card_leaves_it_alone(room: Entrance) -> None:
    """Its answer is a message of its own, for whoever pressed."""
    slack = room.slack
    direct = slack.direct(slack.ann)
    await room.door.tell(
        f"slack:{slack.north.id}/{slack.ann.id}", View((Buttons((Button("files", "Show files", "s"),)),), "x")
    )
    [card] = slack.direct_messages(slack.ann)
    await slack.click(slack.ann, card, "atelier.files.0")
    await room.door.whisper(room.desk.asked[-1], PRICE)
    assert card.blocks[0]["type"] == "actions"
    assert len(slack.ephemeral(slack.ann, direct)) == 1


async def test_where_no_private_answer_is_possible_a_direct_message_is(room: Entrance) -> None:
    """A channel that the app is not in, the Home tab, an archived channel."""
    slack = room.slack
    secret = slack.world.add_channel(slack.north, "secret", [slack.ann], Kind.PRIVATE)
    await room.door.whisper(asked(room, slack.ann, secret), View((Text("one"),), "one"))
    await room.door.whisper(asked(room, slack.ann, None), View((Text("two"),), "two"))
    slack.general.is_archived = True
    await room.door.whisper(asked(room, slack.ann, slack.general), View((Text("three"),), "three"))
    assert [one.visible_text for one in slack.direct_messages(slack.ann)] == ["one", "two", "three"]


async def test_in_direct_messages_answers_are_messages(room: Entrance) -> None:
    """They stay, in the thread in which somebody asked."""
    slack = room.slack
    direct = slack.direct(slack.ann)
    said = await slack.say(slack.ann, direct, "status")
    await room.door.whisper(asked(room, slack.ann, direct, said.ts), PRICE)
    await room.door.whisper(asked(room, slack.ann, direct), PRICE)
    assert [one.thread_ts for one in slack.direct_messages(slack.ann)[1:]] == [said.ts, ""]
    assert room.slack.api.count("chat.postEphemeral") == 0


@pytest.mark.parametrize("way", ["response_url", "chat.postEphemeral"])
async def test_what_slack_will_not_draw_is_said_in_words(room: Entrance, way: str) -> None:
    """A view that fails to render is shown as plain text."""
    request = await through_command(room)
    if way != "response_url":
        request = replace(request, spot=replace(request.spot, answer={}))
        room.slack.faults.add(Trouble.REFUSED, way, error="invalid_blocks")
    else:
        room.slack.faults.add(Trouble.REFUSED, way)
    view = View((Table(("a",), (("b",),)), Fields((("Cap", "40"),)), Text("plain")), "x")
    await room.door.whisper(request, view)
    assert "plain" in private(room)[0]


async def test_a_long_answer_comes_whole(room: Entrance) -> None:
    """In as many messages as it takes, in order."""
    paragraphs = [f"Paragraph {number}. {'word ' * 300}" for number in range(14)]
    await room.door.whisper(await through_command(room), View((Text("\n\n".join(paragraphs)),), "Long"))
    said = " ".join(private(room))
    assert [said.find(f"Paragraph {number}.") >= 0 for number in range(14)] == [True] * 14
    assert len(private(room)) > 1


async def test_files_go_to_direct_messages(room: Entrance) -> None:
    """A private answer carries none, so it says where they are."""
    slack = room.slack
    await room.files.put("k1", b"bytes")
    file = SessionFile("f_1", "s_1", "result", "a.docx", "application/x", 5, "k1", datetime(2026, 1, 1, tzinfo=UTC))
    await room.door.whisper(asked(room, slack.ann, slack.general), View((Text("Here"),), "Here"), files=[file])
    direct = slack.direct(slack.ann)
    assert [(one.name, one.content) for one in slack.files(direct)] == [("a.docx", b"bytes")]
    assert "direct messages" in private(room)[0]
    await room.door.whisper(asked(room, slack.ann, direct), View((Text("Again"),), "Again"), files=[file])
    assert (len(slack.files(direct)), len(private(room))) == (2, 1)


async def test_somebody_who_takes_no_messages_is_told_nothing(room: Entrance) -> None:
    """False instead of an error; a lost answer may be tried again."""
    slack = room.slack
    assert await room.door.tell(f"slack:{slack.north.id}/{slack.ben.id}", PRICE)
    assert not await room.door.tell(f"slack:{slack.north.id}/{slack.sue.id}", PRICE)
    slack.faults.add(Trouble.SERVER_ERROR, "conversations.open")
    with pytest.raises(TransientError):
        await room.door.tell(f"slack:{slack.north.id}/{slack.ben.id}", PRICE)


async def test_marks_are_put_and_taken_and_may_be_repeated(room: Entrance) -> None:
    """A sign that Slack refuses is no error: what it says holds without it."""
    slack = room.slack
    message = await slack.say(slack.ann, slack.general, "shorter")
    spot = replace(asked(room, slack.ann, slack.general).spot, message_id=message.ts)
    for _ in range(2):
        await room.door.mark(spot, Mark.TAKEN)
    assert message.reactions == {"white_check_mark": [room.north.user_id]}
    for _ in range(2):
        await room.door.mark(spot, Mark.TAKEN, on=False)
    await room.door.mark(spot, Mark.MUTED)
    assert message.reactions == {"white_check_mark": [], "mute": [room.north.user_id]}
    await room.door.mark(replace(spot, message_id="1.1"), Mark.TAKEN)
    room.north.scopes -= {"reactions:write"}
    await room.door.mark(spot, Mark.TAKEN)


async def test_who_people_are_is_asked_once_in_ten_minutes(room: Entrance) -> None:
    """Admins, guests, and people of another company, who are admins of nothing here."""
    slack = room.slack
    shared = slack.world.add_channel(slack.north, "shared", [slack.ann, slack.sue, room.north])
    shared.shared_with.add(slack.south.id)
    workspace = f"slack:{slack.north.id}"
    people = [Actor(workspace, one.id) for one in (slack.ann, slack.gil, slack.sue)]
    ann, gil, sue = [await room.door.standing(one) for one in people]
    assert [await room.door.standing(one) for one in people] == [ann, gil, sue]
    assert (ann.name, ann.is_admin, ann.is_guest, ann.is_outsider) == ("ann", True, False, False)
    assert (gil.is_admin, gil.is_guest, gil.is_outsider) == (False, True, False)
    assert (sue.is_admin, sue.is_outsider) == (False, True)
    assert room.slack.api.count("users.info") == 3
    room.clock.move(601)
    await room.door.standing(Actor(workspace, slack.ann.id))
    assert room.slack.api.count("users.info") == 4
    assert (await room.door.standing(Actor(workspace, "U0NOBODY"))).is_outsider
    assert (room.door.mention(slack.ann.id), room.door.mention("U0LATER")) == ("@ann", "a colleague")


GRID = {"id": "W1", "enterprise_id": "E1", "teams": ["T2", "T3"]}


@pytest.mark.parametrize(
    ("user", "tenant", "expected"),
    [
        ({"team_id": "T1", "locale": "de-DE"}, "T1", Standing("", locale="de-DE")),
        ({"team_id": "T2", "enterprise_user": GRID}, "E1", Standing("")),
        ({"team_id": "T2", "enterprise_user": GRID}, "T3", Standing("")),
        ({"team_id": "T2", "enterprise_user": GRID}, "T9", Standing("", is_outsider=True)),
        ({"team_id": "T9", "is_admin": True}, "T1", Standing("", is_outsider=True)),
        ({"team_id": "T1", "is_stranger": True, "is_owner": True}, "T1", Standing("", is_outsider=True)),
        ({"team_id": "T1", "is_ultra_restricted": True}, "T1", Standing("", is_guest=True)),
        ({"team_id": "T1", "is_bot": True}, "T1", Standing("", is_bot=True)),
        ({"team_id": "T2", "enterprise_user": GRID | {"is_admin": True}}, "E1", Standing("", is_admin=True)),
    ],
    ids=["home", "grid", "grid team", "other grid", "their admin", "stranger", "guest", "bot", "grid admin"],
)
def test_standing_is_what_somebody_is_here(user: Json, tenant: str, expected: Standing) -> None:
    """Never what they are at home."""
    assert standing_of(user, tenant) == expected


@pytest.mark.parametrize(
    ("kind", "is_inside", "is_archived", "reason", "words"),
    [
        (Kind.PUBLIC, True, False, "", ""),
        (Kind.PUBLIC, False, False, "not_in_channel", "Type /invite @Atelier, then Try again."),
        (Kind.PRIVATE, False, False, "channel_not_found", "Type /invite @Atelier, then Try again."),
        (Kind.PRIVATE, True, False, "", ""),
        (Kind.PUBLIC, True, True, "is_archived", "archived"),
        (Kind.DIRECT, False, False, "channel_not_found", "Run it in my DM"),
        (Kind.GROUP, True, False, "", ""),
    ],
    ids=["in", "public", "private", "private in", "archived", "other DM", "group"],
)
async def test_where_the_app_may_post(
    room: Entrance, kind: Kind, *, is_inside: bool, is_archived: bool, reason: str, words: str
) -> None:
    """And what to do where it may not."""
    slack = room.slack
    members: Sequence[Person | object] = [slack.ann, slack.ben, *([room.north] if is_inside else [])]
    channel = slack.world.add_channel(slack.north, "there", members, kind)  # type: ignore[arg-type]  # as it says
    channel.is_archived = is_archived
    request = asked(room, slack.ann, channel)
    if not reason:
        await room.door.check_post(request, request.spot.thread)
        return
    with pytest.raises(CannotPost) as caught:
        await room.door.check_post(request, request.spot.thread)
    assert caught.value.reason == reason
    assert words in caught.value.remedy


@pytest.mark.parametrize("told", [False, True], ids=["answered", "told"])
async def test_what_is_too_long_for_messages_comes_whole_as_a_file(room: Entrance, *, told: bool) -> None:
    """Nothing of a private answer is cut: where it takes more messages than anybody reads, the whole of it is a file."""
    slack = room.slack
    paragraphs = [f"Paragraph {number}: {'word ' * 90}".strip() for number in range(120)]
    view = View((Heading("Everything"), *(Text(one) for one in paragraphs)), "Everything.")
    if told:
        assert await room.door.tell(f"slack:{slack.north.id}/{slack.ann.id}", view)
    else:
        await room.door.whisper(asked(room, slack.ann, slack.general), view)
        assert "too long to be shown here" in private(room)[-1]
    (message,) = slack.direct_messages(slack.ann)
    (file,) = message.files
    whole = (slack.world.files[file].content or b"").decode()
    assert [one for one in paragraphs if one not in whole] == []
    assert "the whole of it is in the file" in message.visible_text


async def test_where_something_was_heard_the_app_is(room: Entrance) -> None:
    """Slack tells an app only what is said where it is: nobody asks again, and a command, which comes from anywhere, is."""
    request = asked(room, room.slack.ann, room.slack.general, kind=RequestKind.MENTION)
    await room.door.check_post(request, request.spot.thread)
    assert room.slack.api.count("conversations.info") == 0
    elsewhere = ThreadRef("slack", channel_ref(room.slack.north.id, "C0ELSEWHERE"))
    with pytest.raises(CannotPost):
        await room.door.check_post(request, elsewhere)
    await room.door.check_post(replace(request, kind=RequestKind.COMMAND), request.spot.thread)
    assert room.slack.api.count("conversations.info") == 2


async def test_a_missing_scope_says_what_an_admin_does(room: Entrance) -> None:
    """The way out names who can take it."""
    room.north.scopes -= {"channels:read"}
    request = asked(room, room.slack.ann, room.slack.general)
    with pytest.raises(CannotPost) as caught:
        await room.door.check_post(request, request.spot.thread)
    assert "admin" in caught.value.remedy


async def test_direct_messages_are_opened(room: Entrance) -> None:
    """For a private session, and for whoever asks from the Home tab."""
    slack = room.slack
    request = asked(room, slack.ann, None)
    await room.door.check_post(request, request.spot.thread)
    thread = await room.door.open_private(request)
    assert (thread.platform, thread.channel) == ("slack", f"{slack.north.id}/{slack.direct(slack.ann).id}")
    with pytest.raises(CannotPost):
        await room.door.open_direct(Actor(f"slack:{slack.north.id}", slack.sue.id))


def given_by(room: Entrance, message: Message, asker: Person) -> Attachment:
    files = [of_file(room.slack.world, room.slack.world.files[one]) for one in message.files]
    return attachments_of(files, asker=asker.id)[0]


async def test_a_file_comes_to_the_last_byte(room: Entrance) -> None:
    """With the app's token, also one of Slack Connect of which the event says nothing, also a PDF."""
    slack = room.slack
    there = await slack.say(slack.ann, slack.general, "x", files=[("a.pdf", bytes(range(256)))])
    elsewhere = slack.upload(slack.ann, "b.docx", b"connect", is_hosted_elsewhere=True)
    shared = await slack.say(slack.ann, slack.general, "x", files=[elsewhere])
    request = asked(room, slack.ann, slack.general)
    assert await room.door.fetch(request, given_by(room, there, slack.ann)) == bytes(range(256))
    attachment = given_by(room, shared, slack.ann)
    assert (attachment.url, attachment.name) == ("", "")
    elsewhere.is_hosted_elsewhere = False  # files.info tells what the event did not
    assert await room.door.fetch(request, attachment) == b"connect"


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("login page", "files:read"),
        ("moved", "does not show it"),
        ("elsewhere", "outside Slack"),
        ("look-alike", "outside Slack"),
        ("other scheme", "outside Slack"),
        ("announced too large", "more than"),
        ("too large", "more than"),
        ("gone", "not in Slack any more"),
        ("hidden", "does not show it"),
    ],
)
async def test_a_file_that_cannot_be_had_says_why(room: Entrance, problem: str, words: str) -> None:
    """A sign-in page, a redirect, another host, too much, gone: each has its sentence, and the token goes nowhere else."""
    slack = room.slack
    message = await slack.say(
        slack.ann, slack.general, "x", files=[("a.pdf", b"x" * (1_001 if "large" in problem else 9))]
    )
    attachment = replace(given_by(room, message, slack.ann), size_bytes=0)
    file = slack.world.files[attachment.id]
    match problem:
        case "login page":
            room.north.scopes -= {"files:read"}
        case "moved":
            attachment = replace(attachment, url=attachment.url.replace("/download/", "/"))
        case "elsewhere":
            attachment = replace(attachment, url="https://drive.example.test/a.pdf")
        case "look-alike":
            attachment = replace(attachment, url=attachment.url.replace("http://", "http://user@"))
        case "other scheme":
            attachment = replace(attachment, url=attachment.url.replace("http://", "https://"))
        case "announced too large":
            attachment = replace(attachment, size_bytes=1_001)
        case "gone":
            file.is_deleted = True
            attachment = replace(attachment, url="")
        case "hidden":
            room.north.scopes -= {"files:read"}
            attachment = replace(attachment, url="")
        case _:
            pass
    with pytest.raises(FileUnavailable) as caught:
        await room.door.fetch(asked(room, slack.ann, slack.general), attachment)
    assert words in caught.value.reason


@pytest.mark.parametrize("trouble", [Trouble.SERVER_ERROR, Trouble.RATE_LIMITED, Trouble.TRUNCATED])
async def test_a_file_that_fails_for_now_may_be_fetched_again(room: Entrance, trouble: Trouble) -> None:
    """A broken connection gives no half of a file."""
    slack = room.slack
    message = await slack.say(slack.ann, slack.general, "x", files=[("a.txt", b"x" * 900)])
    attachment, request = given_by(room, message, slack.ann), asked(room, slack.ann, slack.general)
    slack.faults.add(trouble, "file.download")
    with pytest.raises(TransientError):
        await room.door.fetch(request, attachment)
    assert await room.door.fetch(request, attachment) == b"x" * 900


def test_files_come_from_slack_alone() -> None:
    """Unless somebody configures another host, as tests do."""
    assert frozenset({"https://files.slack.com"}) == FILE_HOSTS


async def test_files_given_earlier_are_found_newest_first(room: Entrance) -> None:
    """Of people only; a colleague's names its author, and what came with the request itself is not among them."""
    slack = room.slack
    parent = await slack.say(slack.ann, slack.general, "x", files=[("first.md", b"1")])
    await slack.say(slack.ben, slack.general, "x", thread_ts=parent.ts, files=[("second.md", b"2")])
    last = await slack.say(slack.ann, slack.general, "tighten", thread_ts=parent.ts, files=[("third.md", b"3")])
    await room.files.put("k1", b"bytes")
    request = asked(room, slack.ann, slack.general, parent.ts)
    request = replace(request, spot=replace(request.spot, message_id=last.ts))
    found = await room.door.files_nearby(request)
    assert [(one.name, one.author_id) for one in found] == [("second.md", slack.ben.id), ("first.md", "")]
    assert await room.door.files_nearby(asked(room, slack.ann, slack.general)) == ()
    room.north.scopes -= {"channels:history"}
    assert await room.door.files_nearby(request) == ()


async def test_an_author_is_asked_where_they_will_see_it(room: Entrance) -> None:
    """In direct messages; a colleague from another company, whom we cannot write to, in the channel."""
    slack = room.slack
    question = View((Text("May Ann use it?"), Buttons((Button("allow", "Allow this file", "q_1"),))), "May Ann use it?")
    request = asked(room, slack.ann, slack.general)
    assert await room.door.ask_author(request, slack.ben.id, question)
    assert [one.text for one in slack.direct_messages(slack.ben)] == ["May Ann use it?"]
    slack.faults.add(Trouble.REFUSED, "conversations.open", times=-1, error="cannot_dm_bot")
    assert await room.door.ask_author(request, slack.gil.id, question)
    assert [one.text for one in slack.ephemeral(slack.gil, slack.general)] == ["May Ann use it?"]
    assert not await room.door.ask_author(request, slack.sue.id, question)


async def test_a_refusal_for_good_is_told(room: Entrance) -> None:
    """Where Slack takes an answer nowhere, whoever handles the request knows."""
    slack = room.slack
    slack.faults.add(Trouble.REFUSED, "chat.postEphemeral", error="not_allowed_token_type")
    with pytest.raises(PostRefused):
        await room.door.whisper(asked(room, slack.ann, slack.general), PRICE)


async def test_the_home_tab_holds_what_fits(room: Entrance) -> None:
    """Tables and Markdown are drawn with what Slack knows there, and a hundred blocks are the end."""
    slack = room.slack
    actor = Actor(f"slack:{slack.north.id}", slack.ann.id)
    rows = tuple((f"session {number}", "<@U0BEN>") for number in range(5))
    view = View((Heading("Yours"), Table(("Title", "By"), rows), Text("*more* <!here>")), "Home")
    await room.door.show_home(actor, view)
    home = slack.home(slack.ann)
    assert home is not None
    assert [block["type"] for block in home.content["blocks"]] == ["header", "rich_text", "section"]
    many = tuple(Buttons((Button("status", f"Session {number}", f"s_{number}"),)) for number in range(120))
    await room.door.show_home(actor, View(many, "Home"))
    assert [block["type"] for block in home.content["blocks"]] == ["actions"] * 99 + ["context"]


def test_every_scope_is_known_to_the_local_slack() -> None:
    """The tests above run with all of them."""
    assert "chat:write" in ALL_SCOPES
    assert place_of(ThreadRef("slack", "T1/")).team == "T1"
