"""Slack, as people live it where a vendor's models work: what they are told, what models say, and vendors that fail."""

import json
from pathlib import Path

import pytest

import samples
from core.sessions.model import ParkReason, Status
from tests.fakes.slack.model import Channel, Message
from tests.fakes.slack.seeing import MENTION
from tests.scenarios.slack_office import Office, buttons_of, jargon_in
from tests.scenarios.slack_vendor import Vendor

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
SPEAKS = "vendor"
NOTES = b"Our lights run for forty hours. Dealers get them from May on.\n"


def _mentions(house: Office, channel: Channel) -> set[str]:
    """Return whom anything that was sent to a channel would have called."""
    sent = [one.arguments for one in house.slack.api.outgoing if one.arguments.get("channel") == channel.id]
    said = [[one.text, one.blocks] for one in house.slack.said_by_app(channel)]
    return set(MENTION.findall(json.dumps([sent, said])))


async def test_before_the_first_session_it_says_who_reads(house: Office, vendor: Vendor) -> None:
    """Once a member, before anything of theirs is sent: AI does this, can be wrong, and which vendors get the text."""
    slack = house.slack
    channel = await house.room("first", slack.ben)
    await slack.command(slack.ben, channel, f"new {BRIEF} --rounds 1")
    first = await house.whispered(slack.ben, "Before your first session")
    assert "it can be wrong" in first.visible_text
    assert "The text goes to Anthropic" in first.visible_text
    await house.ended(channel)
    said = house.whispers(slack.ben)
    assert any("never more than" in text for text in said[said.index(first.visible_text) :])
    assert not any("never more than" in text for text in said[: said.index(first.visible_text)])
    assert vendor.prompts(BRIEF)
    await slack.command(slack.ben, channel, f"new {BRIEF} --rounds 1")
    await house.ended(channel, 2)
    assert [text for text in house.whispers(slack.ben) if "can be wrong" in text] == [first.visible_text]


async def test_what_models_say_calls_nobody(house: Office, vendor: Vendor) -> None:
    """Mentions in drafts, comments, summaries and questions are words: in every kind of message the starter alone is called."""
    slack = house.slack
    channel = await house.room("calls", slack.ann, slack.ben)
    calls = f"<!channel> <!here> <@{slack.ben.id}> <!subteam^S0TEAM> <#{channel.id}> @everyone &lt;!channel&gt;"
    vendor.draft = f"# Hello {calls}\n\nDear {calls}, this is the note.\n\n```\n{calls}\n```\n\n- {calls}"
    vendor.comment = vendor.summary = f"Ask {calls} about it."
    vendor.questions = [f"Does {calls} know?"]
    await slack.command(slack.ann, channel, f"new Write to {calls} --rounds 2 --good-enough 10 --show full")
    await house.ended(channel)
    assert _mentions(house, channel) == {f"<@{slack.ann.id}>"}
    assert "Ask <!channel>" not in json.dumps([one.blocks for one in slack.said_by_app(channel)])
    assert any("about it." in one.visible_text for one in house.thread(channel))
    page = next(one for one in house.thread(channel) if "Show whole exchange" in buttons_of(one))
    await house.leaf_through(slack.ann, page, "Show whole exchange")
    private = json.dumps([one.blocks for one in slack.ephemeral(slack.ann, channel)])
    assert MENTION.findall(private) == []


async def test_a_long_text_arrives_whole_and_in_order(house: Office, vendor: Vendor) -> None:
    """A draft too long to be watched is a file, letter by letter; in the exchange every paragraph stands, in order."""
    slack = house.slack
    channel = await house.room("long", slack.ann)
    code = "\n".join(f"call_{number}(lights)  # {'step ' * 12}" for number in range(120))
    paragraphs = [f"Paragraph {number}. " + "Lights that shine far. " * 12 for number in range(30)]
    vendor.draft = "# Lights\n\n" + "\n\n".join([*paragraphs, f"```python\n{code}\n```", "The end."])
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    session = await house.ended(channel)
    result = next(one for one in house.thread(channel) if one.files and "Result" in one.visible_text)
    texts = [slack.world.files[one].content or b"" for one in result.files]
    written = next(text.decode() for text in texts if b"call_119" in text)
    assert [written.count(f"Paragraph {number}. ") for number in range(30)] == [1] * 30
    assert code in written
    card = next(one for one in house.thread(channel) if one.visible_text.startswith("Round 1"))
    read = "\n".join(await house.leaf_through(slack.ann, card, "Show whole exchange"))
    places = [read.find(f"Paragraph {number}. ") for number in range(30)]
    places += [read.find(f"call_{number}(") for number in range(120)]
    assert -1 not in places
    assert places == sorted(places)
    assert session.status is Status.COMPLETED


async def test_a_vendor_that_is_down_pauses_and_resume_goes_on(house: Office, vendor: Vendor) -> None:
    """In the middle of a session: it waits, the starter is called once with Resume, nobody else may press, nothing is lost.

    Once it went on, nothing can be pressed there any more.
    """
    slack = house.slack
    channel = await house.room("down", slack.ann, slack.ben)
    vendor.hold("Revise the document")
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("notes.md", NOTES)])
    await vendor.asked("Revise the document")
    vendor.peer.down.add("anthropic")
    vendor.release()
    session = await house.waits(channel, ParkReason.PROVIDER)
    spent = len(await house.parts.database.read(lambda tx: list(tx.sessions.list_turns(session.id))))

    def notice() -> list[object]:
        return [one for one in house.thread(channel) if "Resume session" in buttons_of(one)]

    await slack.until(notice)
    waits = next(one for one in house.thread(channel) if "Resume session" in buttons_of(one))
    assert "The session waits" in waits.visible_text
    assert waits.visible_text.startswith(f"<@{slack.ann.id}>")
    assert jargon_in(waits.visible_text) == []
    await slack.until(lambda: "Resume session" in buttons_of(house.card(channel)))
    await house.press(slack.ben, waits, "Resume session")
    await house.settled()
    assert "Only whoever started" in slack.ephemeral(slack.ben, channel)[-1].visible_text

    vendor.peer.down.clear()
    house.pass_time(60)
    await house.press(slack.ann, waits, "Resume session")
    done = await house.ended(channel)
    assert done.status is Status.COMPLETED
    assert len(await house.parts.database.read(lambda tx: list(tx.sessions.list_turns(session.id)))) > spent
    said = "\n".join(one.visible_text for one in [house.card(channel), *house.thread(channel)])
    assert said.count(f"<@{slack.ann.id}>") == 2, "once when a person was needed, once at the end"
    await slack.until(lambda: not notice())


async def test_a_question_is_answered_by_its_button(house: Office, vendor: Vendor) -> None:
    """The editors' question has a button; what is typed there guides the next turn, and the button goes."""
    slack = house.slack
    channel = await house.room("questions", slack.ann)
    vendor.questions = ["Who pays for the batteries?", "From when on?"]
    vendor.hold("Revise the document")
    words = f"{house.named()} tighten --rounds 2 --good-enough 10"
    await slack.say(slack.ann, channel, words, files=[("notes.md", NOTES)])
    await vendor.asked("Revise the document")

    def card() -> Message | None:
        cards = [one for one in house.thread(channel) if one.visible_text.startswith("Reading")]
        return next((one for one in cards if "Answer question 2" in buttons_of(one)), None)

    asks = await slack.until(card)
    assert asks is not None
    assert "Who pays for the batteries?" in asks.visible_text
    form = await house.press_for_form(slack.ann, asks, "Answer question 2")
    assert "From when on?" in str(form.content["blocks"])
    await slack.dismiss(slack.ann)
    await house.press_for_form(slack.ann, asks, "Answer question 1")
    outcome = await slack.submit(slack.ann, {"text": "The shop pays."})
    assert not outcome.errors
    await house.settled()
    await slack.until(lambda: "Answer question 1" not in buttons_of(asks))
    assert "Taken" in slack.ephemeral(slack.ann, channel)[-1].visible_text
    vendor.release()
    session = await house.ended(channel)
    assert any("The shop pays." in prompt for prompt in vendor.prompts("Revise the document"))
    guidance = await house.parts.database.read(lambda tx: list(tx.sessions.list_guidance(session.id)))
    assert [one.taken_round is not None for one in guidance] == [True]
    buttons = [label for one in house.thread(channel) for label in buttons_of(one)]
    assert [label for label in buttons if label.startswith("Answer")] == [], "nobody listens any more"


async def test_editors_finish_before_one_s_eyes(house: Office, vendor: Vendor) -> None:
    """While one editor still reads, the round's card says who is done with which score, and who is not."""
    slack = house.slack
    channel = await house.room("eyes", slack.ann)
    vendor.hold("You are the Fact checker")
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("notes.md", NOTES)])

    def halfway() -> bool:
        cards = [one.visible_text for one in house.thread(channel) if one.visible_text.startswith("Reading")]
        return any("Content editor: 6.0" in text and "Fact checker: 6.0" not in text for text in cards)

    await house.running(channel)
    await slack.until(halfway, seconds=20)
    assert "Reading" in house.card(channel).visible_text
    vendor.release()
    await house.ended(channel)


async def test_the_form_s_other_fields_reach_the_room(house: Office, vendor: Vendor) -> None:
    """Team, references with what to do with them, rounds, model and private, from the form to the vendor's prompts."""
    slack = house.slack
    channel = await house.room("more", slack.ann)
    await house.form(slack.ann, channel, is_whole=True)
    given = {
        "brief": BRIEF,
        "references": [("facts.md", NOTES)],
        "reference-notes": "Take every number from it",
        "rounds": "1",
        "team": "v:quick",
        "private": ["true"],
    }
    outcome = await slack.submit(slack.ann, given)
    assert not outcome.errors
    assert not outcome.error
    direct = slack.direct(slack.ann)
    session = await house.ended(direct)
    assert slack.said_by_app(channel) == []
    assert session.cast.key == "quick"
    prompt = vendor.prompts(BRIEF)[0]
    assert "forty hours" in prompt
    assert "Take every number from it" in prompt
    assert 'name="facts.md"' in prompt
