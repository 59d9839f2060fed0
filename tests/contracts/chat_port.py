"""The laws of `core.orchestration.ports.ChatPort`: every adapter and the fake pass them.

An adapter's test module subclasses `ChatPortLaws` and gives the ``harness`` fixture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from core.casts.model import Cast, Phase, Role, StopRule
from core.ids import derived_key
from core.orchestration.ports import ChatPort, Content, Part, PostKind, Progress, Snapshot
from core.providers.base import Usage
from core.sessions.model import EndReason, Note, Round, Session, Status, ThreadRef, Turn

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_EDITORS = (("content", "Content editor", "🧭"), ("style", "Style editor", "✒️"), ("facts", "Fact checker", "🔎"))


class ChatHarness(Protocol):
    """How the laws see an adapter from the other side."""

    @property
    def chat(self) -> ChatPort: ...

    async def shown(self) -> Sequence[tuple[str, str]]:
        """Return id and visible text of every message that people see now, in the order in which they see them."""
        ...


@dataclass(frozen=True, slots=True)
class SomeSession:
    """A session whose end and rounds the laws post."""

    session: Session
    snapshot: Snapshot


def some_session(platform: str = "terminal", *, summary: str = "Clear now.") -> SomeSession:
    """Return a completed session of one brief, one round, three editors."""
    editors = tuple(
        Role(key=key, name=name, phase=Phase.EDITOR, emoji=emoji, colour="#336699", instructions="Look.")
        for key, name, emoji in _EDITORS
    )
    writer = Role(key="writer", name="Writer", phase=Phase.WRITER, emoji="✍️", colour="#225588", instructions="Write.")
    lead = Role(
        key="lead", name="Lead editor", phase=Phase.SYNTHESIZER, emoji="🎯", colour="#884422", instructions="Decide."
    )
    session = Session(
        id="s_contractcontract",
        workspace_id=f"{platform}:local",
        member_id=f"{platform}:local/me",
        title="A note on tides",
        brief="Write a note on tides",
        cast=Cast(key="standard", name="Standard", roles=(writer, *editors, lead), stop=StopRule(max_rounds=1)),
        model="rehearsal",
        thread=ThreadRef(platform=platform, channel="C1"),
        created_at=NOON,
        status=Status.COMPLETED,
        end_reason=EndReason.ROUNDS,
        cap_microcredits=40_000_000,
        quote_low_microcredits=10_000_000,
        quote_high_microcredits=20_000_000,
        best_version=1,
    )
    turns = tuple(
        Turn(
            id=f"{session.id}/r1/{role.key}",
            session_id=session.id,
            round=1,
            role_key=role.key,
            phase=role.phase,
            model="rehearsal",
            provider="rehearsal",
            text="Text of the reply.",
            usage=Usage(input_uncached_tokens=100, output_tokens=20),
            charged_microcredits=2_000_000,
            cost_microdollars=10_000,
            price_version="1",
            started_at=NOON,
            finished_at=NOON + timedelta(seconds=5),
            score=None if role.phase is Phase.WRITER else 7.0,
            summary=summary,
        )
        for role in session.cast.roles
    )
    notes = tuple(
        Note(id=f"n{n}", session_id=session.id, round=1, role_key=key, comment=f"Comment {n}", quote=f"passage {n}")
        for n, (key, _, _) in enumerate(_EDITORS, start=1)
    )
    rounds = (Round(session_id=session.id, number=1, started_at=NOON, score=7.0, summary=summary, finished_at=NOON),)
    snapshot = Snapshot(
        session=session,
        rounds=rounds,
        turns=turns,
        notes=notes,
        spent_microcredits=10_000_000,
        balance_microcredits=90_000_000,
    )
    return SomeSession(session=session, snapshot=snapshot)


async def _thread(chat: ChatPort, some: SomeSession) -> ThreadRef:
    card = chat.render(Content(kind=PostKind.SESSION_CARD, snapshot=some.snapshot))[0]
    return await chat.open_thread(some.session, card, key=derived_key(some.session.id, "card"))


class ChatPortLaws:
    """Each test is a law of the port."""

    def some(self, harness: ChatHarness) -> SomeSession:
        """Return a session of the harness's platform."""
        return some_session(harness.chat.platform)

    async def test_every_kind_of_content_renders_to_at_least_one_part_with_text(self, harness: ChatHarness) -> None:
        """Whatever is posted has a plain text, for search and for screen readers."""
        snapshot = self.some(harness).snapshot
        for kind in PostKind:
            content = Content(
                kind=kind, snapshot=snapshot, round=1, role_key="content", code="parked", facts={"reason": "paused"}
            )
            parts = harness.chat.render(content)
            assert parts, kind
            assert all(part.text.strip() for part in parts), kind

    async def test_rendering_is_a_function_of_the_content(self, harness: ChatHarness) -> None:
        """A post that is rendered again after a crash is the same post."""
        content = Content(kind=PostKind.ROUND_CARD, snapshot=self.some(harness).snapshot, round=1)
        assert list(harness.chat.render(content)) == list(harness.chat.render(content))

    async def test_a_thread_knows_where_it_is(self, harness: ChatHarness) -> None:
        """`open_thread` fills in thread and card and keeps platform and channel."""
        some = self.some(harness)
        thread = await _thread(harness.chat, some)
        assert (thread.platform, thread.channel) == (some.session.thread.platform, some.session.thread.channel)
        assert thread.thread
        assert thread.card

    async def test_a_thread_is_opened_once(self, harness: ChatHarness) -> None:
        """Opening again with *since*, after a crash, finds the card that is there."""
        some = self.some(harness)
        thread = await _thread(harness.chat, some)
        before = list(await harness.shown())
        card = harness.chat.render(Content(kind=PostKind.SESSION_CARD, snapshot=some.snapshot))[0]
        since = datetime.min.replace(tzinfo=UTC)
        again = await harness.chat.open_thread(
            some.session, card, key=derived_key(some.session.id, "card"), since=since
        )
        assert again == thread
        assert list(await harness.shown()) == before

    async def test_posts_stand_in_the_order_they_were_sent(self, harness: ChatHarness) -> None:
        """What was sent first is read first."""
        thread = await _thread(harness.chat, self.some(harness))
        ids = [
            await harness.chat.send(thread, Part(text=f"message number {n}"), key=derived_key("order", n))
            for n in range(5)
        ]
        shown = [message_id for message_id, _ in await harness.shown() if message_id in ids]
        assert shown == ids

    async def test_one_key_is_one_message(self, harness: ChatHarness) -> None:
        """A post that can be found by its key is the one that was sent, and a key never sent is not found."""
        thread = await _thread(harness.chat, self.some(harness))
        since = datetime.min.replace(tzinfo=UTC)
        key = derived_key("once")
        post_id = await harness.chat.send(thread, Part(text="once only"), key=key)
        assert await harness.chat.find(thread, key, since) == post_id
        assert await harness.chat.find(thread, derived_key("never"), since) is None

    async def test_an_edit_is_idempotent(self, harness: ChatHarness) -> None:
        """Editing twice with the same text shows that text once."""
        thread = await _thread(harness.chat, self.some(harness))
        post_id = await harness.chat.send(thread, Part(text="working on it"), key=derived_key("edit"))
        edited = Part(text="finished with the edit")
        post_id = await harness.chat.edit(thread, post_id, edited)
        await harness.chat.edit(thread, post_id, edited)
        visible = [text for _, text in await harness.shown() if "finished with the edit" in text]
        assert len(visible) == 1

    async def test_long_text_arrives_whole_and_in_order(self, harness: ChatHarness) -> None:
        """No word of a long text is lost or moved, however many messages it takes."""
        words = [f"w{n:04d}" for n in range(1, 1800)]
        some = self.some(harness)
        turns = tuple(replace(turn, summary=" ".join(words)) for turn in some.snapshot.turns)
        thread = await _thread(harness.chat, some)
        snapshot = replace(some.snapshot, turns=turns)
        content = Content(kind=PostKind.TURN, snapshot=snapshot, round=1, role_key="content")
        for number, part in enumerate(harness.chat.render(content)):
            await harness.chat.send(thread, part, key=derived_key("long", number))
        seen = " ".join(text for _, text in await harness.shown())
        positions = [seen.find(word) for word in words]
        assert min(positions) >= 0
        assert positions == sorted(positions)

    async def test_progress_never_raises(self, harness: ChatHarness) -> None:
        """A sign of life in any order, of any role, of a session nobody opened, is harmless."""
        thread = ThreadRef(platform=harness.chat.platform, channel="C1")
        update = Progress(
            thread=thread, session_id="s_unknown", round=3, role_key="ghost", phase=Phase.EDITOR, state="finished"
        )
        for state in (
            "finished",
            "writing",
            "started",
            "restarted",
            "retrying",
            "fell_back",
            "failed",
            "never heard of",
        ):
            harness.chat.progress(replace(update, state=state, delta="text", score=7.5))
