"""Slack, as people live it: a draft that is written before one's eyes, and progress that can be seen."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

import samples
from core.sessions.model import Status
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.model import Channel, Message, words_of
from tests.scenarios.slack_office import Office
from tests.scenarios.slack_vendor import Vendor
from tests.waiting import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
SPEAKS = "vendor"
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
DRAFT = "# Lights\n\n" + "\n\n".join(f"Paragraph {number}: the lights shine far and for long." for number in range(40))
WRITES = "Write the whole first draft"
REVISES = "Revise the document"
EVENT_SECONDS = 0.5
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
LEAST_SECONDS = 2.9


def _drafts(house: Office, channel: Channel) -> list[Message]:
    """Return the messages in which a draft is shown or was shown, those that were taken away as well."""
    replies = [one for one in house.slack.world.messages if one.channel == channel.id and one.by and not one.seen_by]
    return [one for one in replies if one.stream is not None or "draft-" in str(one.metadata)]


async def _begin(house: Office, vendor: Vendor, name: str) -> Channel:
    """Start a session on a brief whose draft comes a few words at a time."""
    slack = house.slack
    vendor.draft = DRAFT
    vendor.dole_out(WRITES)
    channel = await house.room(name, slack.ann)
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    await house.running(channel)
    return channel


async def _shown(
    house: Office, vendor: Vendor, channel: Channel, when: Callable[[list[Message]], object]
) -> list[Message]:
    """Let the Writer write on until the draft is shown as *when* wants it, and return its messages."""

    async def is_there() -> bool:
        vendor.give(1)
        await house.slack.world.clock.sleep(EVENT_SECONDS)
        return bool(when(_drafts(house, channel)))

    await until(is_there)
    return _drafts(house, channel)


def _holds(words: str, drafts: list[Message]) -> bool:
    return bool(drafts) and words in drafts[-1].text


async def _whole(house: Office, vendor: Vendor, channel: Channel) -> str:
    """Let the Writer write the rest, and return the draft as it is judged; the session ends as it should."""
    vendor.release()
    session = await house.ended(channel, seconds=30)
    assert session.status is Status.COMPLETED
    thread = house.thread(channel)
    assert [one for one in thread if one.stream is not None and one.stream.is_open] == []
    assert [sum(word in one.visible_text[:60] for one in thread) for word in ("Result", "Receipt")] == [1, 1]
    versions = await house.parts.database.read(lambda tx: list(tx.sessions.list_versions(session.id)))
    return versions[0].document.markdown


def _flat(text: str) -> str:
    return " ".join(text.replace("\\", "").split())


async def test_a_draft_is_written_before_one_s_eyes(house: Office, vendor: Vendor) -> None:
    """A draft from a brief streams in one message, at most every three seconds, and is the draft that is judged."""
    slack = house.slack
    begun = len(slack.api.calls)
    channel = await _begin(house, vendor, "live")
    (draft,) = await _shown(house, vendor, channel, bool)
    for known in ("Paragraph 3", "Paragraph 6"):
        await _shown(house, vendor, channel, partial(_holds, known))
    assert draft.thread_ts == house.card(channel).ts
    assert draft.stream is not None
    assert draft.stream.recipient == slack.ann.id
    whole = await _whole(house, vendor, channel)
    assert _flat(draft.stream.text) == _flat(whole)
    written = [
        call.at.timestamp()
        for call in slack.api.calls[begun:]
        if call.method in {"chat.startStream", "chat.appendStream"} and call.arguments.get("channel") == channel.id
    ]
    assert len(written) > 2
    assert min(later - earlier for earlier, later in pairwise(written)) >= LEAST_SECONDS


async def test_a_stream_is_rolled_before_slack_ends_it(house: Office, vendor: Vendor) -> None:
    """A draft that takes longer than a stream lives goes on in another message, and no letter is lost between them."""
    channel = await _begin(house, vendor, "rolled")
    await _shown(house, vendor, channel, bool)
    house.pass_time(250)
    first, second = await _shown(house, vendor, channel, lambda seen: len(seen) > 1)
    assert first.stream is not None
    assert second.stream is not None
    assert not first.stream.is_open
    whole = await _whole(house, vendor, channel)
    assert _flat(first.stream.text + second.stream.text) == _flat(whole)


async def test_a_stream_that_slack_ended_first_loses_nothing(house: Office, vendor: Vendor) -> None:
    """Slack ends a stream in the middle: what was sent stands there by an edit, the rest goes on in another message."""
    channel = await _begin(house, vendor, "ended")
    (first,) = await _shown(house, vendor, channel, partial(_holds, "Paragraph 3"))
    assert first.stream is not None
    sent, first.stream.is_open = first.stream.text, False
    *_, second = await _shown(house, vendor, channel, lambda seen: any(one is not first for one in seen))
    assert second.stream is not None
    assert _flat(sent) == _flat("\n".join(words_of(first.blocks)))
    whole = await _whole(house, vendor, channel)
    assert _flat(sent + second.stream.text) == _flat(whole)


async def test_where_streams_cannot_begin_a_post_is_edited(house: Office, vendor: Vendor) -> None:
    """Slack refuses streams: the draft is posted and edited all the same, in one message, which makes way in the end."""
    slack = house.slack
    slack.faults.add(Trouble.REFUSED, "chat.startStream", times=-1, error="method_not_supported_for_channel_type")
    channel = await _begin(house, vendor, "edited")
    await _shown(house, vendor, channel, bool)
    (draft,) = await _shown(house, vendor, channel, lambda seen: len(words_of(seen[-1].blocks)[0]) > 400)
    assert draft.stream is None
    seen = "\n".join(words_of(draft.blocks))
    whole = await _whole(house, vendor, channel)
    assert _flat(whole).startswith(_flat(seen))


async def test_the_progress_of_a_revision_can_be_seen(house: Office, vendor: Vendor) -> None:
    """While the Writer revises a Word file the round's card says how many paragraphs are done, of how many."""
    slack = house.slack
    channel = await house.room("progress", slack.ann)
    vendor.dole_out(REVISES)
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("proposal.docx", SAMPLE)])
    await vendor.asked(REVISES)

    async def says() -> bool:
        vendor.give(1)
        await slack.world.clock.sleep(EVENT_SECONDS)
        cards = [one.visible_text for one in house.thread(channel)]
        return any("paragraphs" in text and "Writer: " in text for text in cards)

    await until(says)
    vendor.release()
    await house.ended(channel)
