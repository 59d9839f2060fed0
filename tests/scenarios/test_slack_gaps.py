"""Slack, as people live it: what they changed or took back while no event came in counts as if it had been told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

import samples
from core.sessions.model import Session, Status
from tests.fakes.slack.delivery import Delivery
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Channel, Message
from tests.scenarios.slack_office import Office, local_slack, office, settings_of
from tests.waiting import until

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
MINUTE = 60.0
FIRST = ["keep the title", "make it longer", "and funnier"]


@contextmanager
def _silent(slack: LocalSlack) -> Iterator[None]:
    """Let Slack tell of nothing for longer than it would try."""
    app = slack.world.app
    events, app.events = app.events, frozenset()
    yield
    app.events = events


async def _begin(house: Office) -> tuple[Channel, Session, list[Message]]:
    """Start a session, say something to it, and let it wait."""
    slack = house.slack
    await house.install(slack.north, slack.ann, slack.general)
    await slack.say(slack.ann, slack.general, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])
    session = await house.running(slack.general)
    top = session.thread.thread
    said = [await slack.say(slack.ann, slack.general, words, thread_ts=top) for words in FIRST]
    await _counts(house, session, FIRST)
    await house.parts.sessions.pause(session.id, actor="test")
    return slack.general, await house.reaches(slack.general, Status.PAUSED), said


async def _change(slack: LocalSlack, session: Session, said: Sequence[Message]) -> list[str]:
    """Do what nobody is told; return what counts afterwards."""
    await slack.edit(said[1], "make it shorter")
    await slack.delete(said[2])
    await slack.say(slack.ann, slack.general, "said meanwhile", thread_ts=session.thread.thread)
    return ["keep the title", "make it shorter", "said meanwhile"]


async def _counts(house: Office, session: Session, texts: Sequence[str]) -> None:
    async def counts() -> bool:
        rows = await house.parts.database.read(lambda tx: tx.sessions.list_guidance(session.id))
        return [one.text for one in rows if not one.muted] == list(texts)

    await until(counts)


async def test_what_was_changed_while_events_were_switched_off(sqlite_url: str) -> None:
    """The first event after the silence brings the rest; the words of what was deleted are kept nowhere."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=60.0) as house:
        _, session, said = await _begin(house)
        with _silent(slack):
            left = await _change(slack, session, said)
            house.pass_time(20 * MINUTE)
            await house.settled()
            await _counts(house, session, FIRST)
        await slack.say(slack.ben, slack.general, "good morning")
        await _counts(house, session, left)
        rows = await house.parts.database.read(lambda tx: tx.sessions.list_guidance(session.id))
        assert [(one.text, one.muted) for one in rows if one.id == said[2].ts] == [("", True)]
        read = slack.api.count("conversations.replies")
        for words in ("good evening", "good night"):
            house.pass_time(MINUTE)
            await slack.say(slack.ben, slack.general, words)
            await house.settled()
        assert slack.api.count("conversations.replies") == read


async def test_what_was_missed_soon_after_a_look_is_looked_up_a_little_later(sqlite_url: str) -> None:
    """Slack leaves events out within ten minutes of the last look, and nothing else would bring them back."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=60.0) as house:
        _, session, said = await _begin(house)
        looked = slack.api.count("conversations.replies")
        with _silent(slack):
            left = await _change(slack, session, said)
        bare = {"type": "app_rate_limited", "team_id": slack.north.id, "minute_rate_limited": 1}
        await slack.delivering.deliver(Delivery("events_api", bare))
        await house.settled()
        assert slack.api.count("conversations.replies") == looked
        house.pass_time(10 * MINUTE)
        await _counts(house, session, left)


async def test_a_look_that_slack_turns_away_is_taken_again(sqlite_url: str) -> None:
    """A limit or a failure costs a minute; a thread that cannot be read whole makes nobody's words disappear."""
    async with local_slack() as slack, office(slack, settings_of(sqlite_url, slack), rehearsal_pace=60.0) as house:
        _, session, said = await _begin(house)
        with _silent(slack):
            left = await _change(slack, session, said)
            house.pass_time(20 * MINUTE)
        slack.faults.add(Trouble.RATE_LIMITED, "conversations.replies", times=2)
        await slack.say(slack.ben, slack.general, "good morning")
        await _counts(house, session, left)


async def test_what_was_changed_while_no_process_ran(database_url: str) -> None:
    """Stopped for longer than Slack tries: the next process looks it up when it hears from Slack."""
    async with local_slack() as slack:
        settings = settings_of(database_url, slack)
        async with office(slack, settings, rehearsal_pace=60.0) as house:
            _, session, said = await _begin(house)
        with _silent(slack):
            left = await _change(slack, session, said)
            slack.world.clock.move(40 * MINUTE)  # type: ignore[attr-defined]  # the clock of local_slack
        async with office(slack, settings, rehearsal_pace=1_000.0) as house:
            await slack.say(slack.ben, slack.general, "good morning")
            await _counts(house, session, left)
            await house.parts.sessions.resume(session.id, actor="test")
            ended = await house.ended(slack.general, seconds=60)
            assert ended.status is Status.COMPLETED
