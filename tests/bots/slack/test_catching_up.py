"""Which events stand for what was missed in a thread."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from bots.slack.catching_up import missed_events
from bots.slack.decode import Install, decode_event
from bots.slack.places import Place
from core.sessions.model import Guidance

PLACE, CARD = Place("T1", "C1"), "100.000001"
HEARD = Guidance("110.000001", "s_1", "slack:T1/U11", "as it was", datetime(2026, 1, 5, tzinfo=UTC))


def reply(ts: str, text: str, **more: Any) -> dict[str, Any]:
    """Return a reply as Slack lists it."""
    return {"type": "message", "ts": ts, "thread_ts": CARD, "user": "U11", "text": text, **more}


def told(
    words: list[Guidance], messages: list[dict[str, Any]], *, is_whole: bool = True, begun: str = CARD
) -> list[tuple[str, str, str]]:
    """Return what the desk is told: how, of which message, with which words; the thread was read since *begun*."""
    events = missed_events(
        {one.id: one for one in words},
        {one["ts"]: one for one in messages},
        PLACE,
        CARD,
        begun=begun,
        oldest=begun if is_whole else "",
    )
    decoded = [decode_event({"event": one}, Install("T1", "UBOT")) for one in events]
    requests = [one.request for one in decoded if one is not None]
    return [(one.kind.value, one.spot.message_id, one.text) for one in requests]


def test_what_stands_as_it_was_heard_is_not_told() -> None:
    """Nor is an edit that is known, nor what the app said itself."""
    edited = replace(HEARD, id="120.000001", revision="121.000001")
    messages = [
        reply(HEARD.id, "as it was"),
        reply(edited.id, "new", edited={"user": "U11", "ts": "121.000001"}),
        reply("130.000001", "ours", bot_id="B1", user="UBOT"),
    ]
    assert told([HEARD, edited], messages) == []


def test_later_words_are_told_once_each() -> None:
    """A reply that nobody heard, and a later edit of one that was."""
    messages = [
        reply(HEARD.id, "as it is", edited={"user": "U11", "ts": "140.000001"}),
        reply("130.000001", "unheard"),
    ]
    assert told([HEARD], messages) == [("edited", HEARD.id, "as it is"), ("said", "130.000001", "unheard")]


def test_only_a_thread_that_was_read_to_its_end_proves_that_a_message_is_gone() -> None:
    """A stone in its place says so as well."""
    assert told([HEARD], []) == [("deleted", HEARD.id, "")]
    assert told([HEARD], [], is_whole=False) == []
    stone = reply(HEARD.id, "This message was deleted.", subtype="tombstone", user="USLACKBOT")
    assert told([HEARD], [stone]) == [("deleted", HEARD.id, "")]


def test_what_is_older_than_the_look_is_left_alone() -> None:
    """What was said before the session began was not said to it, and what was not read is not gone."""
    early = reply("105.000001", "before the card")
    assert told([], [early], begun="108.000001") == []
    assert told([HEARD], [], begun="115.000001") == []
