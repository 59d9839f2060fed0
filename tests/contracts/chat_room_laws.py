"""The laws of a room on every platform: a platform's test module subclasses `ChatRoomLaws` and gives the ``on`` fixture."""

import asyncio
import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bots.views.words import round_name, signature
from core.casts.model import Phase
from core.ids import derived_key
from core.orchestration.ports import Content, PostKind, Snapshot
from core.sessions.model import ENDED, EndReason, Session, Status
from core.workspaces.model import Verbosity
from storage.database import Database
from tests.contracts.chat_port import some_session
from tests.contracts.chat_room import Read, Room, RoomStage, open_room, ticking

if TYPE_CHECKING:
    from core.orchestration.segment import StepOutcome

_FOREVER = 1_000
_CALLS = (
    "@everyone", "@here", "@channel", "<!channel>", "<!here|here>", "<!subteam^S0TEAM>", "<@U123>", "<@U0ANN>",
    "<@123456789012345678>", "<@!123456789012345678>", "<@&123456789012345678>", "<#C1|general>", "\x07", "\x1b]9;hi\x07",
)  # fmt: skip
_MARKDOWN = (
    "[here](https://evil.test/a)", "<https://evil.test|here>", "\n```\n", "\n```\nprint(1)\n```\n", "\n~~~~\n<!here>\n~~~~\n",
    "**bold", "\n\n# Title\n\n", "\n- one\n- two\n", "\n| a | b |\n| --- | --- |\n| 1 | 2 |\n", "&lt;!channel&gt;", "\\", "`",
    "<b>plain</b>", "<script>",
)  # fmt: skip
_PIECES = st.one_of(st.sampled_from(_CALLS), st.sampled_from(_MARKDOWN), st.text(max_size=40))
_LONG = st.builds(lambda piece, times: piece * times, _PIECES, st.integers(1, 40))
_SESSIONS = count(1)


def _marked(pieces: Sequence[str]) -> str:
    """Return one text of *pieces*, a numbered word before each and one at the end."""
    return " ".join([f"w{n:04d}w {piece}" for n, piece in enumerate(pieces)] + [f"w{len(pieces):04d}w"])


def _letters(text: str) -> str:
    """Return what no platform may lose: letters and digits, which no markup is made of."""
    return "".join(letter for letter in html.unescape(text) if letter.isalnum())


def _is_within(wanted: str, text: str) -> bool:
    """Return whether the letters of *wanted* stand in *text*, in order."""
    rest = iter(text)
    return all(letter in rest for letter in wanted)


def _without(read: Sequence[Read]) -> list[str]:
    return [one.text for one in read]


class ChatRoomLaws:
    """Each test is a law of the issue on chat platforms; each platform passes all of them.

    A subclass may say in `and_its_own` what its budget holds besides posts.
    """

    def and_its_own(self, on: RoomStage, session: Session, *, has_draft: bool) -> None:
        """Check what one platform alone counts after a session that nothing disturbed."""

    @pytest.mark.parametrize("seed", [None, 0, 1], ids=["quiet", "flaky 0", "flaky 1"])
    async def test_posts_are_read_in_the_order_in_which_they_were_meant(
        self, on: RoomStage, memory_store: Database, seed: int | None
    ) -> None:
        """What stands in the thread is what the outbox meant, each once, in its order, whatever was lost on the way.

        Turns among turns and cards among cards stand in their order, a later round never before an earlier one, the
        result and what belongs to it at the end.
        """
        async with open_room(memory_store, on) as room:
            if seed is not None:
                on.trouble(seed)
            session = await room.run(verbosity=Verbosity.FULL)
            on.peace()
            await room.say_all(session.id)
            session = await room.harness.service.get(session.id)
            (screen,) = on.screens(session.thread)
            read = [post.id for post in screen]
            rows = await room.meant(session.id)
            meant = {post_id: row for row in reversed(rows) for post_id in row.facts["sent"]}
            assert sorted(read) == sorted(meant)
            for kind in PostKind:
                wanted = [post_id for row in rows for post_id in row.facts["sent"] if meant[post_id].kind == kind]
                assert [one for one in read if meant[one].kind == kind] == list(dict.fromkeys(wanted))
            end = [post_id for row in rows if row.facts["round"] is None for post_id in row.facts["sent"]]
            assert [one for one in read if meant[one].facts["round"] is None] == list(dict.fromkeys(end))
            rounds = [meant[post_id].facts["round"] for post_id in read]
            numbers = [_FOREVER if number is None else number for number in rounds]
            assert numbers == sorted(numbers)
            assert len(set(numbers)) == 4, "the reading, two rounds and the end"

    @pytest.mark.parametrize("kind", [PostKind.TURN, PostKind.ROUND_CARD])
    @settings(
        deadline=None,
        max_examples=6,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(pieces=st.lists(_LONG, min_size=1, max_size=8))
    @example(pieces=["\n```\n" + "x = 1\n" * 800 + "```\n"])
    @example(pieces=["wörd " * 600] * 10)  # more than any platform's message holds
    @example(pieces=list(_CALLS) * 16)
    @example(pieces=[*_MARKDOWN] * 12)
    @example(pieces=["\U0001f9ed" * 1_200, "e\u0301" * 1_500])
    async def test_long_text_arrives_whole_and_calls_nobody(
        self, on: RoomStage, kind: PostKind, pieces: list[str]
    ) -> None:
        """Of any text every letter arrives, in order, in messages or their files; nothing in it calls anybody.

        Where the post calls its starter, that is the one call there is, however the text tries.
        """
        text = _marked(pieces)
        some = some_session(on.chat.platform)
        number = next(_SESSIONS)
        session = replace(
            some.session, id=f"s_law{number:012d}", thread=on.place, member_id=on.member_id, title=text[:60]
        )
        rounds = tuple(replace(one, session_id=session.id, summary=text) for one in some.snapshot.rounds)
        turns = tuple(replace(one, session_id=session.id, summary=text) for one in some.snapshot.turns)
        notes = tuple(replace(one, quote=text[:300], comment=text[:300]) for one in some.snapshot.notes)
        snapshot = replace(some.snapshot, session=session, rounds=rounds, turns=turns, notes=notes)
        before = list(on.calls())
        async with ticking(on.clock):
            screen = await _post(on, snapshot, Content(kind, snapshot, round=1, role_key="content"))
            assert list(on.calls()) == before
            await _post(on, snapshot, Content(PostKind.RESULT, snapshot, mention=True))
        assert list(on.calls()) == [*before, *on.summons]
        seen = "".join(_letters(one.everything) for one in screen)
        places = [seen.find(f"w{n:04d}w") for n in range(len(pieces) + 1)]
        assert min(places) >= 0
        assert places == sorted(places)
        for piece, start, end in zip(pieces, places[:-1], places[1:], strict=True):
            assert _is_within(_letters(piece), seen[start + 6 : end]), piece

    @pytest.mark.parametrize("after", [True, False], ids=["arrived", "not sent"])
    async def test_after_any_crash_each_turn_has_one_final(
        self, on: RoomStage, memory_store: Database, *, after: bool
    ) -> None:
        """The process dies at every post once, and whoever goes on posts what is missing and nothing twice."""
        async with open_room(memory_store, on) as room:
            session = await room.begin(verbosity=Verbosity.FULL)
            session = await room.dying(session.id, after=after)
            assert session.status is Status.COMPLETED
            _check_finals(on, await room.harness.snapshot(session.id), screens_may_repeat=True)
            assert len(on.cards()) == 1 or len(on.screens(session.thread)) > 1

    @pytest.mark.parametrize("has_draft", [False, True], ids=["a file", "a brief"])
    @pytest.mark.parametrize("verbosity", list(Verbosity))
    async def test_a_session_keeps_to_its_budget(
        self, on: RoomStage, memory_store: Database, verbosity: Verbosity, *, has_draft: bool
    ) -> None:
        """One card in the channel, no more posts than the platform's number, one call, at the end, nothing unsent."""
        async with open_room(memory_store, on) as room:
            wanted: dict[str, object] = {"upload": None, "rounds": 3} if has_draft else {"rounds": 2}
            session = await room.run(verbosity=verbosity, **wanted)
            snapshot = await room.harness.snapshot(session.id)
            assert session.status is Status.COMPLETED
            assert len(snapshot.rounds) == 3
            assert len(on.cards()) == 1
            (screen,) = on.screens(session.thread)
            most = on.budget[verbosity]
            assert most is None or len(screen) <= most, _without(screen)
            assert list(on.calls()) == list(on.summons)
            assert len([one for one in screen if one.files]) <= 1
            assert await room.unsent(session.id) == 0
            _check_finals(on, snapshot)
            self.and_its_own(on, session, has_draft=has_draft)

    async def test_stop_in_the_thread_ends_the_session_once(self, on: RoomStage, memory_store: Database) -> None:
        """Pressed while editors write: no further round begins, one result is posted, and the card says so."""
        async with open_room(memory_store, on) as room, on.listening(room):
            session, running = await _caught(room)
            await room.press("stop", session)
            room.model.free.set()
            await running
            session = await room.harness.service.get(session.id)
            if session.status not in ENDED:  # what was under way is over; the next segment closes the session
                session = await room.finish(session.id)
            assert (session.status, session.end_reason) == (Status.STOPPED, EndReason.STOPPED)
            await room.say_all(session.id)
            snapshot = await room.harness.snapshot(session.id)
            assert max(one.number for one in snapshot.rounds) == 1
            (screen,) = on.screens(session.thread)
            assert len([one for one in screen if "Result" in one.text]) == 1
            assert "Round 2" not in "".join(_without(screen))
            assert list(on.calls()) == list(on.summons)

    async def test_pause_in_the_thread_lets_turns_end_and_resume_goes_on(
        self, on: RoomStage, memory_store: Database
    ) -> None:
        """Pressed while editors write: what is paid for is finished, nobody is called; resumed, it goes on to one end."""
        async with open_room(memory_store, on) as room, on.listening(room):
            session, running = await _caught(room)
            await room.press("pause", session)
            assert (await room.harness.service.get(session.id)).status is Status.PAUSING
            room.model.free.set()
            assert (await running)["next"] == "parked"
            paused = await room.harness.service.get(session.id)
            assert paused.status is Status.PAUSED
            turns = (await room.harness.snapshot(session.id)).turns
            assert {turn.role_key for turn in turns if turn.round == 1} >= {"writer"}
            assert list(on.calls()) == []
            assert not [one for screen in on.screens(paused.thread) for one in screen if "Result" in one.text]
            await room.press("resume", session)
            ended = await room.finish(session.id)
            assert ended.status is Status.COMPLETED
            snapshot = await room.harness.snapshot(session.id)
            assert {turn.id for turn in turns} <= {turn.id for turn in snapshot.turns}
            _check_finals(on, snapshot)
            assert list(on.calls()) == list(on.summons)


async def _post(on: RoomStage, snapshot: Snapshot, content: Content) -> Sequence[Read]:
    """Post *content* in a thread of its own and return what stands there."""
    session = snapshot.session
    name = content.kind.value
    card = on.chat.render(Content(PostKind.SESSION_CARD, snapshot))[0]
    thread = await on.chat.open_thread(session, card, key=derived_key(session.id, "card", name))
    parts = on.chat.render(content)
    sent = [
        await on.chat.send(thread, part, key=derived_key(session.id, name, number)) for number, part in enumerate(parts)
    ]
    return [one for one in on.screens(thread)[-1] if one.id in sent]


async def _caught(room: Room) -> "tuple[Session, asyncio.Task[StepOutcome]]":
    """Return a session whose first round is being written, and what runs it."""
    room.model.held = 1
    session = await room.begin(rounds=3)
    running: asyncio.Task[StepOutcome] = asyncio.create_task(room.harness.run(session.id))
    async with asyncio.timeout(10):
        await room.model.waiting.wait()
    return await room.harness.service.get(session.id), running


def _check_finals(on: RoomStage, snapshot: Snapshot, *, screens_may_repeat: bool = False) -> None:
    """Check that every round, every turn and the result are said once: none is missing, and none is there twice."""
    session = snapshot.session
    screens = [Counter(map(_title, screen)) for screen in on.screens(session.thread)]
    if not screens_may_repeat:
        assert len(screens) == 1
    names = {f"Result (rehearsal): {session.title}"}
    if session.verbosity is not Verbosity.QUIET:
        names |= {f"{round_name(one.number)} (rehearsal)" for one in snapshot.rounds}
    if session.verbosity is Verbosity.FULL:
        for turn in snapshot.turns:
            if not (on.spoken_on_cards and turn.phase is Phase.SYNTHESIZER):
                speaker = signature(session.cast.role(turn.role_key))
                names.add(f"{speaker}, {round_name(turn.round).lower()} (rehearsal)")
    for screen in screens:
        assert {name: times for name, times in screen.items() if times > 1} == {}
    together: Counter[str] = sum(screens, Counter())
    missing = names - set(together)
    assert missing == set(), sorted(together)


def _title(post: Read) -> str:
    """Return the first line of a message that is more than a call, without what draws it as a heading."""
    lines = (re.sub("[*\\\\\u2500-\u257f]|^#+ ", "", line.strip()).strip() for line in post.text.split("\n"))
    return next((line for line in lines if line and not re.fullmatch(r"<@\w+>", line)), "")
