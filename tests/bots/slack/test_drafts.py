"""The first draft while it is written: streamed, rolled, mended, and gone when its place is needed."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from bots.slack.limits import APPEND_SECONDS
from core.casts.model import Phase
from core.ids import derived_key
from core.orchestration.ports import Content, Part, PostKind
from core.sessions.model import Status, ThreadRef
from core.workspaces.model import Verbosity
from tests.bots.slack.stage import Stage, sign, stage
from tests.bots.views.samples import SNAPSHOT
from tests.fakes.clock import FakeClock
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.model import Message

pytestmark = pytest.mark.loopback
KEY = derived_key("next")


def _round_card(on: Stage, number: int, verbosity: Verbosity = Verbosity.NORMAL) -> Part:
    session = replace(on.session, status=Status.RUNNING, has_upload=False, verbosity=verbosity)
    rounds = (replace(SNAPSHOT.rounds[1], number=number, finished_at=None),)
    snapshot = replace(SNAPSHOT, session=session, rounds=rounds, turns=())
    return on.chat.render(Content(kind=PostKind.ROUND_CARD, snapshot=snapshot, round=number))[0]


async def _begin(on: Stage, verbosity: Verbosity = Verbosity.NORMAL) -> tuple[ThreadRef, str]:
    """Open a session and its first round."""
    card = on.chat.render(Content(kind=PostKind.SESSION_CARD, snapshot=replace(SNAPSHOT, session=on.session)))[0]
    thread = await on.chat.open_thread(on.session, card, key=derived_key("card"))
    round_card = await on.chat.send(thread, _round_card(on, 1, verbosity), key=derived_key("r1"))
    await on.clock.sleep(2)
    on.chat.progress(sign(thread, on.session.id, round_card, state="started"))
    return thread, round_card


async def _write(on: Stage, thread: ThreadRef, card: str, pieces: Sequence[str], *, pause: float = 0.5) -> None:
    for piece in pieces:
        on.chat.progress(sign(thread, on.session.id, card, delta=piece))
        await on.clock.advance(pause)
        await _sent(on)


async def _sent(on: Stage) -> None:
    """Return when every draft either rests or is over: what was to be sent now is sent."""
    await on.clock.sleepers(1)


async def _end(on: Stage, thread: ThreadRef, card: str, *, state: str = "finished") -> None:
    on.chat.progress(sign(thread, on.session.id, card, state=state))
    for draft in on.chat._drafts._drafts.values():
        if draft.task is not None:
            await draft.task


def _drafts(on: Stage, thread: ThreadRef) -> list[Message]:
    return on.posts(thread)[1:]


async def _ticking(on: Stage) -> tuple[ThreadRef, str]:
    """As `_begin`, on a clock that only the test moves."""
    on.clock._auto = True
    begun = await _begin(on)
    on.clock._auto = False
    return begun


async def test_a_draft_streams_and_is_appended_to_every_three_seconds_at_most() -> None:
    """What is written stands in one message, whole and in order, by few calls."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        pieces = [f"word{number} " for number in range(60)]
        await _write(on, thread, card, pieces)
        await _end(on, thread, card)
        (draft,) = _drafts(on, thread)
        assert draft.visible_text == "".join(pieces)
        counts = on.slack.api.counts
        assert (counts["chat.startStream"], counts["chat.stopStream"]) == (1, 1)
        assert counts["chat.appendStream"] <= 60 * 0.5 / APPEND_SECONDS
        appends = [call.at for call in on.slack.api.calls if call.method == "chat.appendStream"]
        assert all((later - earlier).total_seconds() >= APPEND_SECONDS for earlier, later in pairwise(appends))


async def test_a_streamed_draft_calls_nobody_wherever_it_is_cut() -> None:
    """A mention that arrives letter by letter is inert when it is together."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        await _write(on, thread, card, list("See <!channel> and <@U0BEN> <"), pause=4)
        await _end(on, thread, card)
        assert on.slack.mentions() == []
        (draft,) = _drafts(on, thread)
        assert re.sub("\u2060", "", draft.visible_text) == "See <!channel> and <@U0BEN> <"


async def test_a_stream_is_rolled_before_slack_ends_it() -> None:
    """A slow draft goes on in another stream, and no letter is lost between the two."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        pieces = [f"word{number} " for number in range(80)]
        await _write(on, thread, card, pieces, pause=5)
        await _end(on, thread, card)
        assert "".join(one.visible_text for one in _drafts(on, thread)) == "".join(pieces)
        assert len(_drafts(on, thread)) == 2
        assert all(call.outcome == "ok" for call in on.slack.api.calls)


async def test_a_stream_that_slack_ended_is_closed_by_an_edit_and_goes_on_in_another() -> None:
    """`message_not_in_streaming_state` loses nothing."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        pieces = [f"word{number} " for number in range(12)]
        await _write(on, thread, card, pieces[:6], pause=4)
        on.slack.faults.add(Trouble.REFUSED, "chat.appendStream", error="message_not_in_streaming_state")
        on.slack.message(on.slack.general, _drafts(on, thread)[0].ts).stream.is_open = False  # type: ignore[union-attr]
        await _write(on, thread, card, pieces[6:], pause=4)
        await _end(on, thread, card)
        assert "".join(one.visible_text for one in _drafts(on, thread)) == "".join(pieces)


@pytest.mark.parametrize(
    ("trouble", "method"),
    [
        (Trouble.REFUSED, "chat.startStream"),
        (Trouble.RATE_LIMITED, "chat.startStream"),
        (Trouble.LOST_ANSWER, "chat.appendStream"),
        (Trouble.SERVER_ERROR, "chat.appendStream"),
        (Trouble.SERVER_ERROR, "chat.stopStream"),
    ],
)
async def test_a_stream_that_fails_goes_on_by_edits(trouble: Trouble, method: str) -> None:
    """The text arrives whole in one message all the same."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        on.slack.faults.add(trouble, method, error="feature_not_enabled")
        pieces = [f"word{number} " for number in range(20)]
        await _write(on, thread, card, pieces, pause=4)
        await _end(on, thread, card)
        (draft,) = _drafts(on, thread)
        assert draft.visible_text.split() == "".join(pieces).split()


async def test_a_writer_streams_without_its_name_where_the_app_may_not_give_one() -> None:
    """In `full` the Writer speaks for itself; without the scope for it the draft streams all the same."""
    for without in ((), ("chat:write.customize",)):
        async with stage(FakeClock(), without=without) as on:
            on.clock._auto = True
            thread, card = await _begin(on, Verbosity.FULL)
            on.clock._auto = False
            await _write(on, thread, card, ["some ", "words"], pause=4)
            await _end(on, thread, card)
            (draft,) = _drafts(on, thread)
            assert draft.visible_text == "some words"
            assert draft.username == ("" if without else "✍️ Writer")


async def test_a_stream_of_which_nobody_knows_whether_it_began_is_left_alone() -> None:
    """No second message is put beside one that may be there."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        on.slack.faults.add(Trouble.LOST_ANSWER, "chat.startStream")
        on.chat.progress(sign(thread, on.session.id, card, delta="text"))
        await _end(on, thread, card)
        assert len(_drafts(on, thread)) == 1


async def test_another_try_replaces_the_text_of_the_first() -> None:
    """A draft that begins again is shown once, in the same message."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        await _write(on, thread, card, ["wrong ", "start "], pause=4)
        on.chat.progress(sign(thread, on.session.id, card, state="restarted"))
        await _write(on, thread, card, ["right ", "words"], pause=4)
        await _end(on, thread, card)
        (draft,) = _drafts(on, thread)
        assert draft.visible_text == "right words"


async def test_a_long_draft_stops_streaming_and_says_that_it_comes_as_a_file() -> None:
    """Nobody scrolls through pages in a thread."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        await _write(on, thread, card, ["words " * 100] * 8, pause=4)
        await _end(on, thread, card)
        (draft,) = _drafts(on, thread)
        assert draft.visible_text.endswith("_It is long, so the whole of it comes as a file._")
        assert len(draft.visible_text) < 3_200


async def test_the_draft_makes_way_for_the_next_card() -> None:
    """The next round's card takes the draft's message, carries its key, and is found by it."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        await _write(on, thread, card, [f"word{number} " for number in range(80)], pause=5)
        await _end(on, thread, card)
        last = _drafts(on, thread)[-1].ts
        meant = on.clock.now()
        assert await on.chat.send(thread, _round_card(on, 2), key=KEY) == last
        assert [one.ts for one in on.posts(thread)] == [card, last]
        assert "Round 2" in on.slack.message(on.slack.general, last).visible_text
        assert await on.chat.find(thread, KEY, meant) == last


@pytest.mark.parametrize("state", ["finished", "failed"])
async def test_a_result_is_a_message_of_its_own_and_no_draft_stands_twice(state: str) -> None:
    """An edit pings nobody. A whole draft is on its card or in the files by then; one that was cut off is nowhere else."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        await _write(on, thread, card, ["short"], pause=4)
        await _end(on, thread, card, state=state)
        (draft,) = _drafts(on, thread)
        on.clock._auto = True
        result = Content(kind=PostKind.RESULT, snapshot=replace(SNAPSHOT, session=on.session), mention=True)
        ts = await on.chat.send(thread, on.chat.render(result)[0], key=KEY)
        assert draft.visible_text == "short"
        assert [one.ts for one in _drafts(on, thread)] == ([ts] if state == "finished" else [draft.ts, ts])


async def test_closing_ends_a_stream_so_that_nothing_seems_to_be_written() -> None:
    """A process that ends leaves a finished message, with all that was written."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        await _write(on, thread, card, ["some ", "words"])
        await on.chat.aclose()
        (draft,) = _drafts(on, thread)
        assert draft.visible_text == "some words"
        assert draft.stream is not None
        assert not draft.stream.is_open


async def test_editors_and_revisions_do_not_stream() -> None:
    """Only a first draft is text that people want to watch."""
    async with stage(FakeClock()) as on:
        thread, card = await _ticking(on)
        on.chat.progress(sign(thread, on.session.id, card, role_key="style", phase=Phase.EDITOR, delta='{"notes": ['))
        on.chat.progress(sign(thread, on.session.id, card, round=2, delta='{"edits"', total_blocks=30))
        on.chat.progress(sign(thread, on.session.id, "", delta="quiet"))
        await on.clock.advance(10)
        assert on.slack.api.count("chat.startStream") == 0
