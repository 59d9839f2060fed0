"""Slack, as people live it: watching a session, steering it, and talking beside it."""

import io
from pathlib import Path

import docx
import pytest

import samples
from core.sessions.model import ENDED, Guidance, Session, Status
from tests.fakes.slack.model import Channel, Message
from tests.scenarios.slack_office import Office, buttons_of, jargon_in

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
PACE = 200.0
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
TAKEN, MUTED = "white_check_mark", "mute"


async def _guidance(house: Office, session: Session) -> list[Guidance]:
    return list(await house.parts.database.read(lambda tx: tx.sessions.list_guidance(session.id)))


async def _begin(house: Office, name: str, *people: object, options: str = "") -> tuple[Channel, Session]:
    """Start a session on the sample, and return once it works."""
    slack = house.slack
    channel = await house.room(name, slack.ann, slack.ben)
    await slack.say(slack.ann, channel, f"{house.named()} tighten this {options}", files=[("proposal.docx", SAMPLE)])
    return channel, await house.running(channel)


async def _stop(house: Office, channel: Channel) -> None:
    session = (await house.sessions_in(channel))[-1]
    if session.status not in ENDED:
        await house.press(house.slack.ann, house.card(channel), "Stop session")
        await house.ended(channel)


def _marks(message: Message) -> list[str]:
    return sorted(name for name, people in message.reactions.items() if people)


async def test_replies_steer_and_asides_do_not(house: Office) -> None:
    """A reply is marked once and read by the next turn; `//`, an edit, a delete and mute take it out; nothing is answered."""
    slack = house.slack
    channel, session = await _begin(house, "steer")
    top = session.thread.thread
    before = len(slack.ephemeral(slack.ann, channel)) + len(slack.ephemeral(slack.ben, channel))
    kept = await slack.say(slack.ben, channel, 'keep "At the present time"', thread_ts=top)
    aside = await slack.say(slack.ben, channel, "// lunch?", thread_ts=top)
    edited = await slack.say(slack.ann, channel, "make it longer", thread_ts=top)
    deleted = await slack.say(slack.ann, channel, "and funnier", thread_ts=top)
    muted = await slack.say(slack.ann, channel, "in Latin", thread_ts=top)
    await house.settled()
    assert [_marks(one) for one in (kept, aside, edited, deleted, muted)] == [[TAKEN], [], [TAKEN], [TAKEN], [TAKEN]]
    await slack.edit(edited, "// never mind")
    await slack.delete(deleted)
    await house.settled()
    await slack.say(slack.ann, channel, f"{house.named()} mute", thread_ts=top)
    await house.settled()
    known = {one.id: one for one in await _guidance(house, session)}
    assert [one.muted for one in (known[kept.ts], known[edited.ts], known[deleted.ts], known[muted.ts])] == [
        False,
        True,
        True,
        True,
    ]
    assert _marks(edited) == []
    assert TAKEN not in _marks(muted)
    after = len(slack.ephemeral(slack.ann, channel)) + len(slack.ephemeral(slack.ben, channel))
    assert after - before == 1, "only the command was answered"
    await house.ended(channel)
    taken = {one.id: one.taken_round for one in await _guidance(house, session)}
    assert taken[kept.ts] is not None
    assert [taken.get(one.ts) for one in (edited, deleted, muted)] == [None, None, None]
    result = next(one for one in house.thread(channel) if one.files)
    word = next(slack.world.files[one] for one in result.files if slack.world.files[one].name.endswith(".docx"))
    text = "\n".join(one.text for one in docx.Document(io.BytesIO(word.content or b"")).paragraphs)
    assert "At the present time" in text
    assert "in order to" not in text.lower()


async def test_after_the_end_a_reply_is_one_private_question(house: Office) -> None:
    """Nothing is taken or spent; the starter is asked once, and a press goes on in the same thread."""
    slack = house.slack
    channel, _ = await _begin(house, "after", options="--rounds 1")
    session = await house.ended(channel)
    top, spent = session.thread.thread, len(house.thread(channel))
    before = len(slack.ephemeral(slack.ann, channel))
    first = await slack.say(slack.ann, channel, "Name the budget first", thread_ts=top)
    await slack.say(slack.ann, channel, "And thank the team", thread_ts=top)
    await slack.say(slack.ben, channel, "I agree", thread_ts=top)
    await house.settled()
    (question,) = slack.ephemeral(slack.ann, channel)[before:]
    assert "Continue with this?" in question.visible_text
    assert question.thread_ts == top
    assert _marks(first) == []
    assert len(house.thread(channel)) == spent
    assert await _guidance(house, session) == []
    assert all("Continue" not in words for words in house.whispers(slack.ben))
    await house.press(slack.ann, question, "Continue with this")
    await house.reaches(channel, Status.RUNNING, Status.QUEUED)
    again = await house.ended(channel)
    assert again.segment == session.segment + 1
    assert len(house.thread(channel)) > spent
    await house.press(slack.ann, question, "Continue with this")
    await house.settled()
    assert (await house.sessions_in(channel))[-1].segment == again.segment


async def test_verbs_work_by_mention_in_the_thread(house: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Pause, status, resume, files and stop, each answered privately in the thread; the card follows, the log is calm."""
    slack = house.slack
    channel, session = await _begin(house, "verbs")
    top = session.thread.thread

    async def ask(words: str) -> str:
        before = len(slack.ephemeral(slack.ann, channel))
        await slack.say(slack.ann, channel, f"{house.named()} {words}", thread_ts=top)
        await house.settled()
        (answer,) = slack.ephemeral(slack.ann, channel)[before:]
        assert answer.thread_ts == top
        return answer.visible_text

    assert "paus" in (await ask("pause")).lower()
    await house.reaches(channel, Status.PAUSED)
    assert "Paused" in await ask("status")
    await slack.until(lambda: "Paused" in house.card(channel).visible_text)
    assert "Resume session" in buttons_of(house.card(channel))
    await ask("resume")
    await house.reaches(channel, Status.RUNNING)
    assert "Files of" in await ask("files")
    assert "stop" in (await ask("stop")).lower()
    await house.ended(channel)
    assert not any("not done yet" in one.visible_text for one in house.thread(channel))
    assert "Stopped" in house.card(channel).visible_text
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []
    assert "There is no" not in await ask("what about the second page")


async def test_a_command_finds_its_session(house: Office) -> None:
    """In the channel: the asker's only live one; of two, a chooser, whose button acts."""
    slack = house.slack
    channel, _ = await _begin(house, "finds")
    await slack.command(slack.ann, channel, "status")
    await house.settled()
    assert "proposal.docx" in slack.ephemeral(slack.ann, channel)[-1].visible_text
    await slack.say(slack.ann, channel, f"{house.named()} shorten", files=[("other.docx", SAMPLE)])
    await house.whispered(slack.ann, "Started: other.docx")
    await slack.command(slack.ann, channel, "pause")
    await house.settled()
    choice = slack.ephemeral(slack.ann, channel)[-1]
    assert "Which session do you want to pause?" in choice.visible_text
    assert sorted(buttons_of(choice)) == ["Pause other.docx", "Pause proposal.docx"]
    await house.press(slack.ann, choice, "Pause proposal.docx")
    await house.settled()
    states = {one.title: one.status for one in await house.sessions_in(channel)}
    assert states["proposal.docx"] in {Status.PAUSING, Status.PAUSED}
    assert states["other.docx"] in {Status.RUNNING, Status.QUEUED}
    for session in await house.sessions_in(channel):
        await house.parts.sessions.stop(session.id, actor="test")
    await house.ended(channel, 2)


async def test_who_may_press_is_looked_up_at_the_press(house: Office) -> None:
    """A colleague's press on Stop is refused privately; the starter's second press is answered, too."""
    slack = house.slack
    channel, _ = await _begin(house, "strangers")
    card = house.card(channel)
    await house.press(slack.ben, card, "Stop session")
    await house.settled()
    assert "Only whoever started" in slack.ephemeral(slack.ben, channel)[-1].visible_text
    assert (await house.sessions_in(channel))[-1].status is Status.RUNNING
    await house.press(slack.ann, card, "Pause session")
    await house.press(slack.ann, card, "Pause session")
    await house.settled()
    answers = [one.visible_text for one in slack.ephemeral(slack.ann, channel)][-2:]
    assert all("paus" in one.lower() for one in answers)
    await _stop(house, channel)


def _calls(house: Office, channel: Channel, begun: int) -> list[str]:
    """Return every call since *begun* that was about a channel, or about none, appends to streams not counted."""
    return [
        call.method
        for call in house.slack.api.calls[begun:]
        if call.method != "chat.appendStream" and call.arguments.get("channel", channel.id) == channel.id
    ]


@pytest.mark.parametrize(("show", "posts", "calls"), [("quiet", 2, 15), ("normal", 5, 40), ("full", 20, 10_000)])
async def test_the_message_budget(house: Office, show: str, posts: int, calls: int) -> None:
    """A Word file, three editors, the reading and two rounds: one card, so many posts, so many calls, one mention."""
    slack = house.slack
    channel = await house.room(f"budget-{show}", slack.ann)
    begun = len(slack.api.calls)
    options = f"--rounds 2 --good-enough 10 --show {show}"
    await slack.say(slack.ann, channel, f"{house.named()} tighten this {options}", files=[("proposal.docx", SAMPLE)])
    await house.ended(channel, seconds=30)
    made = _calls(house, channel, begun)
    thread = house.thread(channel)
    assert len([one for one in slack.said_by_app(channel) if not one.is_reply]) == 1
    assert len(thread) <= posts
    assert len(made) <= calls, made
    texts = "\n".join(one.visible_text for one in [house.card(channel), *thread])
    assert texts.count(f"<@{slack.ann.id}>") == 1
    assert jargon_in(texts) == []
    if show == "full":
        assert {one.username for one in thread} > {"", "Writer"}
