"""Slack, as people live it: arriving, and every way to start."""

import io
from pathlib import Path

import docx
import pytest

import samples
from bots.slack.decode import Shortcut
from core.sessions.model import Status
from tests.fakes.slack.model import Kind, Message
from tests.scenarios.slack_office import Office, buttons_of, jargon_in

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
NOTES = b"Due to the fact that it rained, we stayed at home in order to read.\n\nIt was very, very nice.\n"


def _words(data: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs]


def _texts(messages: list[Message]) -> str:
    return "\n".join(one.visible_text for one in messages)


async def test_an_installation_is_a_page_one_message_and_nothing_else(house: Office) -> None:
    """The page opens Atelier and names three things; the installer alone is written to, once; no channel is."""
    slack = house.slack
    page = await house.install(slack.north, slack.ann)
    assert page.status == 200
    assert "Open Atelier" in page.text
    assert page.text.count("<li>") == 3
    (direct,) = slack.direct_messages(slack.ann)
    for words in ("Atelier is here", "/invite @Atelier", "rehearses"):
        assert words in direct.visible_text
    assert buttons_of(direct) == ["Run free sample", "Open settings", "Show help"]
    assert slack.said_by_app(slack.general) == []


async def test_a_brief_becomes_a_card_a_thread_and_one_ping(house: Office) -> None:
    """The command is answered at once and privately; the channel gets one card, the thread the work, the asker one ping."""
    slack = house.slack
    channel = await house.room("launch", slack.ann, slack.ben)
    done = await slack.command(slack.ann, channel, f"new {BRIEF}")
    assert done.text == "Reading the brief, price follows."
    session = await house.ended(channel)
    assert session.status is Status.COMPLETED
    price = await house.whispered(slack.ann, "Price")
    assert "never more than" in price.visible_text
    assert slack.ephemeral(slack.ben) == []

    card, thread = house.card(channel), house.thread(channel)
    for words in ("Content editor", "charged of at most", "Score", "Done"):
        assert words in card.visible_text
    assert "Round 1" in _texts(thread)
    assert "Result" in _texts(thread)
    assert "Receipt" in _texts(thread)
    assert _texts([card, *thread]).count(f"<@{slack.ann.id}>") == 1
    assert len([one for one in slack.said_by_app(channel) if not one.is_reply]) == 1
    assert jargon_in(_texts([card, *thread]) + price.visible_text) == []
    assert all(one.text for one in thread)


async def test_tightening_a_word_file_is_one_message(house: Office) -> None:
    """A mention on a message with a Word file: no click, and the same file comes back, patched, with one ping."""
    slack = house.slack
    channel = await house.room("tighten", slack.ann)
    await slack.say(slack.ann, channel, f"{house.named()} tighten this", files=[("proposal.docx", SAMPLE)])
    acknowledged = await house.whispered(slack.ann, "proposal.docx")
    assert acknowledged.visible_text == "Reading proposal.docx, price follows."
    await house.ended(channel)
    thread = house.thread(channel)
    given = {file.id: file for file in slack.files(channel)}
    (result,) = [one for one in thread if one.files]
    (word,) = [given[one] for one in result.files if given[one].name.endswith(".docx")]
    before, after = _words(SAMPLE), _words(word.content or b"")
    assert len(after) >= len(before) - 3
    assert before != after
    assert sum(old == new for old, new in zip(before, after, strict=False)) > 0
    assert _texts([house.card(channel), *thread]).count(f"<@{slack.ann.id}>") == 1


async def test_the_form_takes_a_file_and_remembers_what_was_chosen(house: Office) -> None:
    """The command alone opens two fields, the rest under More; the next form begins with the last choices."""
    slack = house.slack
    channel = await house.room("form", slack.ben)
    form = await house.form(slack.ben, channel)
    assert [block["block_id"] for block in form.content["blocks"] if block["type"] == "input"] == [
        "field.brief",
        "field.files",
    ]
    await house.press(slack.ben, form, "More choices")
    await house.settled()
    outcome = await slack.submit(
        slack.ben, {"brief": "Make it shorter", "files": [("notes.md", NOTES)], "rounds": "1", "show": "v:quiet"}
    )
    assert not outcome.errors
    assert not outcome.error
    session = await house.ended(channel)
    assert (session.cast.stop.max_rounds, session.verbosity) == (1, "quiet")
    assert len(house.thread(channel)) == 2
    again = await house.form(slack.ben, channel, is_whole=True)
    held = {block["block_id"]: block["element"] for block in again.content["blocks"] if block["type"] == "input"}
    assert held["field.rounds"]["initial_value"] == "1"
    await slack.dismiss(slack.ben)


async def test_the_menu_of_a_message_edits_its_file_or_its_words(house: Office) -> None:
    """Edit with Atelier starts at once on a message's own file; in a thread of that message."""
    slack = house.slack
    channel = await house.room("menu", slack.ann)
    message = await slack.say(slack.ann, channel, "have a look", files=[("notes.md", NOTES)])
    await slack.message_shortcut(slack.ann, message, Shortcut.EDIT)
    await house.whispered(slack.ann, "Reading notes.md")
    await house.ended(channel)
    assert "Result" in _texts(house.thread(channel))


async def test_a_mention_in_a_thread_takes_the_file_given_there(house: Office) -> None:
    """Files given earlier in a thread are what a mention there is about; the room sits in that thread."""
    slack = house.slack
    channel = await house.room("earlier", slack.ann)
    top = await slack.say(slack.ann, channel, "the minutes", files=[("minutes.md", NOTES)])
    await slack.say(slack.ann, channel, "thoughts?", thread_ts=top.ts)
    await slack.say(slack.ann, channel, f"{house.named()} tighten this", thread_ts=top.ts)
    session = await house.ended(channel)
    assert session.thread.thread == top.ts
    assert "Result" in _texts(slack.messages(channel, top.ts))


async def test_a_file_in_the_apps_own_messages_is_enough(house: Office) -> None:
    """A file dropped there is worked on there, without a mention."""
    slack = house.slack
    direct = slack.direct(slack.ben)
    await slack.say(slack.ben, direct, "make it tighter please", files=[("notes.md", NOTES)])
    await house.ended(direct)
    assert "Result" in _texts(slack.direct_messages(slack.ben))


async def test_the_global_shortcut_asks_where(house: Office) -> None:
    """New Atelier session opens the form with a place; left empty, it works in the asker's messages with the app."""
    slack = house.slack
    channel = await house.room("anywhere", slack.ann)
    while slack.modal(slack.ann) is None:  # in quick time a trigger may end before this machine is there
        await slack.global_shortcut(slack.ann, Shortcut.NEW)
        await house.settled()
    outcome = await slack.submit(slack.ann, {"brief": BRIEF, "where": channel.id})
    assert not outcome.errors
    await house.ended(channel)
    assert "Done" in house.card(channel).visible_text


async def test_above_the_limit_one_button_starts_it(house: Office) -> None:
    """Above the member's limit the price is shown privately with one Start button; two presses start it once."""
    slack = house.slack
    channel = await house.room("limit", slack.ann)
    await slack.command(slack.ann, channel, "settings --my-no-ask 0")
    await house.settled()
    await slack.command(slack.ann, channel, f"new {BRIEF}")
    ready = await house.whispered(slack.ann, "Ready to start")
    assert slack.said_by_app(channel) == []
    assert buttons_of(ready) == ["Start session", "Discard session"]
    await house.press(slack.ann, ready, "Start session")
    await house.press(slack.ann, ready, "Start session")
    await house.ended(channel)
    assert "Done" in house.card(channel).visible_text
    await slack.command(slack.ann, channel, "settings --my-no-ask 100")
    await house.settled()


async def test_a_private_session_is_shared_once(house: Office) -> None:
    """`--private` works in the app's messages; Share posts the result once in the channel, whoever presses twice."""
    slack = house.slack
    channel = await house.room("secret", slack.ann, slack.ben)
    await slack.command(slack.ann, channel, f"new {BRIEF} --private")
    await house.ended(slack.direct(slack.ann))
    assert slack.said_by_app(channel) == []
    result = next(one for one in reversed(slack.direct_messages(slack.ann)) if "Result" in one.visible_text)
    await house.press(slack.ann, result, "Share to #secret")
    await house.press(slack.ann, result, "Share to #secret")
    await house.settled()
    (shared,) = slack.said_by_app(channel)
    assert "Result" in shared.visible_text
    assert "ann shares this from a session of their own." in shared.visible_text
    assert shared.files
    assert buttons_of(shared) == []


async def test_where_the_app_is_not_invited_the_request_waits(house: Office) -> None:
    """In a private channel the answer says what to type; Try again works afterwards, Run it in my DM works at once."""
    slack = house.slack
    closed = await house.room("closed", slack.ann, kind=Kind.PRIVATE, invited=False)
    await slack.command(slack.ann, closed, f"new {BRIEF}")
    refusal = await house.whispered(slack.ann, "I may not post here")
    assert "Type /invite @Atelier, then Try again" in refusal.visible_text
    assert len([one for one in await house.sessions() if one.thread.channel.endswith(closed.id)]) == 0
    await slack.invite_app(closed, slack.ann)
    await house.press(slack.ann, refusal, "Try again")
    await house.ended(closed)
    assert "Done" in house.card(closed).visible_text

    other = await house.room("closed-too", slack.ann, kind=Kind.PRIVATE, invited=False)
    before = len(slack.direct_messages(slack.ann))
    await slack.command(slack.ann, other, f"new {BRIEF}")
    refusal = await house.whispered(slack.ann, "I may not post here")
    sessions = len(await house.sessions_in(slack.direct(slack.ann)))
    await house.press(slack.ann, refusal, "Run it in my DM")
    await house.ended(slack.direct(slack.ann), sessions + 1)
    assert "Result" in _texts(slack.direct_messages(slack.ann)[before:])


async def test_another_persons_file_needs_their_leave(house: Office) -> None:
    """Its author is asked, nobody else can answer, and only then is it read."""
    slack = house.slack
    channel = await house.room("consent", slack.ann, slack.ben)
    message = await slack.say(slack.ben, channel, "my notes", files=[("bens.md", NOTES)])
    begun = len(await house.sessions())
    await slack.message_shortcut(slack.ann, message, Shortcut.EDIT)
    await house.whispered(slack.ann, "is asked to allow")
    question = next(one for one in reversed(slack.direct_messages(slack.ben)) if "bens.md" in one.visible_text)
    assert len(await house.sessions()) == begun
    assert buttons_of(question) == ["Allow this use", "Refuse this use"]
    await house.press(slack.ben, question, "Allow this use")
    await house.ended(channel)
    assert "Result" in _texts(house.thread(channel))


async def test_guests_may_not_start(house: Office) -> None:
    """A guest is told why not, in words, and nothing is made."""
    slack = house.slack
    channel = await house.room("guests", slack.ann, slack.gil)
    begun = len(await house.sessions())
    await slack.command(slack.gil, channel, f"new {BRIEF}")
    await house.settled()
    assert len(await house.sessions()) == begun
    assert "uest" in house.whispers(slack.gil)[-1]
