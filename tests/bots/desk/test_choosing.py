"""Which session is meant."""

import dataclasses
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bots.desk.choosing import FITS, Several, find_named, pick
from core.casts.catalogue import load_cast
from core.sessions.model import ENDED, Session, Status, ThreadRef
from tests.bots.desk.room import HOME, REPORT, Room

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CAST = load_cast("quick")
_VERBS = st.sampled_from([*FITS, "status", "files", "rename"])


def session_of(number: int, status: Status, title: str = "") -> Session:
    return Session(
        f"s_{number}", HOME, f"{HOME}/ann", title or f"Text {number}", "", _CAST, "m", ThreadRef("fake", "c1"),
        _NOW - timedelta(hours=number), status=status,
    )  # fmt: skip


_SESSIONS = st.lists(st.sampled_from(list(Status)), max_size=6).map(
    lambda statuses: [session_of(number, status) for number, status in enumerate(statuses)]
)


@given(_VERBS, st.sampled_from(list(Status)), _SESSIONS)
def test_the_thread_decides_first(verb: str, status: Status, mine: list[Session]) -> None:
    """In a session's thread that session is meant, whatever else there is and whatever its state."""
    here = session_of(99, status)
    assert pick(verb, here=here, mine=mine) is here


@given(_VERBS, _SESSIONS)
def test_elsewhere_the_only_open_one_is_meant(verb: str, mine: list[Session]) -> None:
    """One that is open and fits is taken without a question; several are a choice; an ended one is never guessed."""
    fits = [session for session in mine if session.status in FITS.get(verb, frozenset(Status))]
    open_ones = [session for session in fits if session.status not in ENDED]
    found = pick(verb, here=None, mine=mine)
    if len(open_ones) == 1:
        assert found == open_ones[0]
    elif fits:
        assert found == Several(tuple(open_ones or fits))
    else:
        assert found is None


@given(st.lists(st.sampled_from(["Launch note", "launch plan", "Report", "report"]), max_size=5), st.text(max_size=8))
def test_names_are_ids_titles_or_their_beginnings(titles: list[str], name: str) -> None:
    """An exact name goes before a beginning; more than one is a choice; no name finds nothing."""
    known = [session_of(number, Status.RUNNING, title) for number, title in enumerate(titles)]
    for wanted in (name, *titles):
        found = find_named(wanted, known)
        exact = [item for item in known if wanted.strip().casefold() in {item.id, item.title.casefold()}]
        if len(exact) == 1:
            assert found == exact[0]
        elif exact:
            assert found == Several(tuple(exact))
    assert find_named("", known) is None


async def test_a_chooser_keeps_what_was_asked(room: Room) -> None:
    """The words of a command wait for the press, which does it once."""
    first, second = await room.running(), await room.running()
    await room.command("steer", values={"text": "be brief"})
    assert "Which session" in room.last.text
    button = room.last.button("pick", first.id)
    await room.press(button, "bob")
    assert "for somebody else" in room.last.text
    await room.press(button)
    await room.press(button)
    assert await room.guidance(first) == [("be brief", False)]
    assert await room.guidance(second) == []


async def test_a_long_choice_is_paged(room: Room) -> None:
    """Five a page; the pages show every session once."""
    made = [await room.running() for _ in range(7)]
    await room.command("pause")
    seen = {button.argument for button in room.last.buttons if button.action == "pick"}
    await room.press(room.last.button("choose", "1"))
    seen |= {button.argument for button in room.last.buttons if button.action == "pick"}
    assert seen == {session.id for session in made}


async def test_only_ones_own_sessions_of_this_channel_are_offered(room: Room) -> None:
    """Elsewhere, and for others, there is nothing to choose."""
    session = await room.running()
    await room.command("pause", channel="c2")
    assert "no such session here" in room.last.text
    await room.press(room.last.button("sessions"))
    assert session.title in room.last.text, "the way out leads there"
    await room.command("pause", "bob")
    assert "no such session here" in room.last.text
    await room.command("pause")
    assert (await room.harness.service.get(session.id)).status is Status.PAUSING


async def test_a_title_is_a_name(room: Room) -> None:
    """As it is shown in lists."""
    await room.mention("tighten this", files=(dataclasses.replace(REPORT, name="Launch note.md"),))
    await room.command("pause", values={"session": "launch"}, channel="c2")
    assert (await room.only()).status is Status.PAUSED
