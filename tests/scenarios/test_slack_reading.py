"""Slack, as people live it: reading all that was said, and what is told about a session by name."""

from pathlib import Path

import pytest

import samples
from bots.slack.decode import Shortcut
from core.orchestration.ports import Snapshot
from core.sessions.model import Status
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.model import Message
from tests.scenarios.slack_office import Office, buttons_of, jargon_in

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
ICON = {"Content editor": ":compass:", "Style editor": ":lower_left_fountain_pen:", "Fact checker": ":mag_right:"}


def _flat(text: str) -> str:
    """Return words without the signs that Slack's or Markdown's writing puts around them."""
    for sign, word in (("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&")):
        text = text.replace(sign, word)
    return " ".join(text.replace("\\", "").split())


async def _snapshot(house: Office, session_id: str) -> Snapshot:
    desk = house.parts.platforms.desk
    assert desk is not None
    return await desk.tools.snapshot(session_id)


def _card(thread: list[Message], title: str) -> Message:
    return next(one for one in thread if one.visible_text.startswith(title))


async def test_everything_that_was_said_is_read_privately_and_by_pages(house: Office) -> None:
    """All comments and Whole exchange: each comment with its passage, each editor's full words, each change, by round."""
    slack = house.slack
    channel = await house.room("reading", slack.ann, slack.ben)
    words = f"{house.named()} tighten --rounds 2 --good-enough 10"
    await slack.say(slack.ann, channel, words, files=[("proposal.docx", SAMPLE)])
    session = await house.ended(channel)
    said, snapshot = len(slack.said_by_app(channel)), await _snapshot(house, session.id)

    for number, title in enumerate(("Reading", "Round 1", "Round 2")):
        card = _card(house.thread(channel), title)
        comments = await house.leaf_through(slack.ben, card, "Show all comments")
        read = _flat("\n".join(comments))
        notes = [note for note in snapshot.notes if note.round == number]
        assert notes
        assert [note.id for note in notes if _flat(note.comment) not in read or _flat(note.quote) not in read] == []
        assert f"Page {len(comments)} of {len(comments)}" in comments[-1] or len(comments) == 1

        exchange = await house.leaf_through(slack.ben, card, "Show whole exchange")
        read = _flat("\n".join(exchange))
        for turn in (one for one in snapshot.turns if one.round == number):
            assert _flat(turn.summary) in read, turn.id
        assert [note.id for note in notes if _flat(note.comment) not in read] == []
        version = next(one for one in snapshot.versions if one.number == number)
        assert [edit.text for edit in version.edits if _flat(edit.text) not in read] == []
        for name in ("Content editor", "Style editor", "Fact checker", "Lead editor"):
            assert name in read
        assert ("Writer" in read) is (number > 0)
        assert jargon_in("\n".join(comments + exchange)) == []
    assert len(slack.said_by_app(channel)) == said, "others see nothing of it"
    assert all("comments" not in words for words in house.whispers(slack.ann))


async def test_the_exchange_leads_from_round_to_round(house: Office) -> None:
    """From one round's exchange a button leads to the next, in the same private message."""
    slack = house.slack
    channel = await house.room("rounds", slack.ann)
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 2 --good-enough 10")
    await house.ended(channel)
    await house.leaf_through(slack.ann, _card(house.thread(channel), "Round 1"), "Show whole exchange")
    page, whispered = slack.ephemeral(slack.ann, channel)[-1], len(slack.ephemeral(slack.ann, channel))
    assert "Show round 2" in buttons_of(page)
    await house.press(slack.ann, page, "Show round 2")
    await house.settled()
    assert page.visible_text.startswith("### Round 2")
    assert len(slack.ephemeral(slack.ann, channel)) == whispered


async def test_a_round_s_card_shows_the_three_weightiest_comments(house: Office) -> None:
    """Score before and after, what was changed, three comments with emoji, name and passage; the rest by a button."""
    slack = house.slack
    channel = await house.room("cards", slack.ann)
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("proposal.docx", SAMPLE)])
    session = await house.ended(channel)
    snapshot = await _snapshot(house, session.id)
    scores = [f"{one.score:.1f}" for one in snapshot.rounds]
    card = _flat(_card(house.thread(channel), "Round 1").visible_text)
    assert " > ".join(scores) in card
    assert "edits" in card
    notes = [note for note in snapshot.notes if note.round == 1]
    (shown, _, _) = card.partition("What changes next")
    (shown, _, _) = shown.partition("Declined")
    quoted = [note for note in notes if note.quote and _flat(note.quote) in shown and _flat(note.comment) in shown]
    assert len(quoted) == 3 < len(notes)
    assert {note.severity for note in quoted} <= {note.severity for note in notes}
    assert any(f"{emoji} " in shown for emoji in ("🧭", "🖋️", "🔎"))
    assert " > ".join(scores) in _flat(house.card(channel).visible_text)


async def test_in_full_everybody_speaks_under_their_own_name_and_icon(house: Office) -> None:
    """`full`: the Writer and each editor have a name and a picture of their own; the app says the rest as itself."""
    slack = house.slack
    channel = await house.room("names", slack.ann)
    words = f"{house.named()} tighten --rounds 1 --show full"
    await slack.say(slack.ann, channel, words, files=[("proposal.docx", SAMPLE)])
    await house.ended(channel)
    seen = {one.username: one.icon for one in house.thread(channel)}
    assert seen.pop("") == ""
    assert seen.pop("Writer") == ":writing_hand:"
    assert {name: seen.get(name) for name in ICON} == ICON
    assert all(seen.values()), seen


async def test_a_card_that_slack_does_not_render_is_posted_as_plain_text(house: Office) -> None:
    """Where Slack refuses blocks, new or changed, the words stand there without them: nothing is missing."""
    slack = house.slack
    channel = await house.room("plain", slack.ann)

    def has_looks(asked: dict[str, object]) -> bool:
        return asked.get("channel") == channel.id and bool(asked.get("blocks"))

    for method in ("chat.postMessage", "chat.update"):
        slack.faults.add(Trouble.REFUSED, method, times=-1, error="invalid_blocks", when=has_looks)
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("proposal.docx", SAMPLE)])
    session = await house.ended(channel)
    slack.faults.clear()
    assert session.status is Status.COMPLETED
    card, thread = house.card(channel), house.thread(channel)
    assert [one.blocks for one in (card, *thread)] == [[]] * (len(thread) + 1)
    for words in ("proposal.docx", "Done", "Score"):
        assert words in card.text
    result = next(one for one in thread if one.files)
    assert f"<@{slack.ann.id}>" in result.text
    assert "Result" in result.text
    assert any("Receipt" in one.text for one in thread)
    assert any(one.text.startswith("*Round 1") for one in thread)


async def test_verbs_on_what_ended_work_by_mention(house: Office) -> None:
    """Rename, star, files, continue, more and delete in the thread: each is answered there and privately, and is done."""
    slack = house.slack
    channel = await house.room("kept", slack.ann)
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    session = await house.ended(channel)
    top = session.thread.thread

    async def ask(words: str) -> Message:
        before = len(slack.ephemeral(slack.ann, channel))
        await slack.say(slack.ann, channel, f"{house.named()} {words}", thread_ts=top)
        await house.settled()
        answer = slack.ephemeral(slack.ann, channel)[before]
        assert answer.thread_ts == top
        assert jargon_in(answer.visible_text) == []
        return answer

    assert (await ask("rename Bright lights")).visible_text == "Renamed to Bright lights."
    await slack.until(lambda: "Bright lights" in house.card(channel).visible_text)
    assert "is a favourite now" in (await ask("star")).visible_text
    assert (await house.sessions_in(channel))[-1].starred
    assert "is no favourite any more" in (await ask("star")).visible_text
    assert "Bright lights" in (await ask("status")).visible_text
    assert "in your direct messages" in (await ask("files")).visible_text
    listed = next(one for one in reversed(slack.direct_messages(slack.ann)) if "Files of" in one.visible_text)
    assert "Bright lights" in listed.visible_text
    await ask("more")
    again = await house.ended(channel)
    assert again.segment == session.segment + 1
    await ask("continue Name the shops")
    assert (await house.ended(channel)).segment == session.segment + 2
    question = await ask("delete")
    assert "its receipt stays" in question.visible_text.replace("the receipt stays", "its receipt stays")
    assert len(await house.sessions_in(channel)) == 1
    await house.press(slack.ann, question, next(one for one in buttons_of(question) if one.startswith("Delete")))
    await house.settled()
    assert "is deleted" in slack.ephemeral(slack.ann, channel)[-1].visible_text
    await house.press(slack.ann, house.card(channel), "Show files")
    await house.settled()
    assert "no such session" in slack.ephemeral(slack.ann, channel)[-1].visible_text


async def test_a_menu_without_a_file_takes_the_words_themselves(house: Office) -> None:
    """Edit with Atelier on a message of words alone works on these words."""
    slack = house.slack
    channel = await house.room("words", slack.ann)
    message = await slack.say(slack.ann, channel, "Say to shop owners: due to the fact that it rains, lights sell.")
    await slack.message_shortcut(slack.ann, message, Shortcut.EDIT)
    session = await house.ended(channel)
    assert "due to the fact that it rains" in session.brief
    assert any("Result" in one.visible_text for one in house.thread(channel))


async def test_a_draft_above_the_limit_is_started_by_a_command(house: Office) -> None:
    """Above the no-ask limit `start` does what the button does; `stop` on another one leaves nothing behind."""
    slack = house.slack
    channel = await house.room("start", slack.ann)
    await slack.command(slack.ann, channel, "settings --my-no-ask 0")
    await house.settled()
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    await house.whispered(slack.ann, "Ready to start")
    assert slack.said_by_app(channel) == []
    await slack.command(slack.ann, channel, "start")
    await house.ended(channel)
    assert "Done" in house.card(channel).visible_text
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    await house.settled()
    await slack.command(slack.ann, channel, "stop")
    await house.settled()
    assert "nothing was charged" in slack.ephemeral(slack.ann, channel)[-1].visible_text
    assert len(await house.sessions_in(channel)) == 1
    await slack.command(slack.ann, channel, "settings --my-no-ask 100")
    await house.settled()
