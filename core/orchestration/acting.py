"""What each role asks, and what is written when it has answered."""

from collections.abc import Callable
from dataclasses import replace

from core.agents.context import Prompt, Tail
from core.agents.revision import settle_notes
from core.agents.schemas import reply_schema
from core.casts.model import Phase
from core.documents.align import document_from_markdown
from core.evaluation.parsing import parse_editor, parse_synthesizer
from core.evaluation.replies import EditorReply, SynthesizerReply
from core.evaluation.scoring import round_score
from core.orchestration.asking import ask_revision, ask_rewrite, make_roomy, prompt_for, request_for, writers_tail
from core.orchestration.errors import TurnFailed
from core.orchestration.jobs import Act, Ask, Seat, TurnJob, TurnResult
from core.orchestration.judging import is_pending, judged, new_notes, role_scores
from core.orchestration.ports import ChatPort, PostKind
from core.orchestration.posting import freshen, intend, post_key
from core.orchestration.room import Room
from core.providers.tokens import estimate_tokens
from core.sessions.model import Fate, Turn, Version
from core.sessions.ports import Transaction
from core.workspaces.model import Verbosity

_RULE = "\n\n---\n\n"


class Acting:
    """Makes the job of a turn from what the room knows."""

    def job(self, room: Room, round_number: int, seat: Seat, *, chat: ChatPort | None) -> TurnJob:
        """Return the turn of *seat* in a round.

        Raises:
            TurnFailed: If the prompt does not fit the model's window, however much is left out.
        """
        role = seat.role
        if role.phase is Phase.WRITER:
            seat, prompt, act = self._writing(room, round_number, seat)
        elif role.phase is Phase.EDITOR:
            prompt, act = self._editing(room, round_number, seat)
        else:
            prompt, act = self._synthesizing(room, round_number, seat)
        if not prompt.fits:
            raise TurnFailed("provider_context_too_long", seat.spec.provider)
        return TurnJob(
            session=room.session,
            round_number=round_number,
            seat=seat,
            prompt=prompt,
            act=act,
            chat=chat,
            card_id=room.cards.get(round_number, ""),
            block_ids=tuple(block.id for block in room.document.blocks) if room.document is not None else (),
            spent_microcredits=room.spent_microcredits,
        )

    def should_lead(self, job: TurnJob) -> bool:
        """Return whether the others should wait for this editor to write the cache that they read.

        Only where the catalogue says that writing costs extra and the prefix is long enough to be cached at all; never
        for a model that an operator named, of which nothing is known.
        """
        spec = job.seat.spec
        if spec.custom or not spec.cache.writes_cost_extra:
            return False
        prefix = estimate_tokens(job.prompt.system) + sum(
            estimate_tokens(segment.text) for segment in job.prompt.segments if segment.cache_break
        )
        return prefix >= spec.cache.min_tokens

    def posts_of(self, turn: Turn, verbosity: Verbosity) -> tuple[str, ...]:
        """Return the keys of the posts that a turn means when it is written."""
        if verbosity is not Verbosity.FULL:
            return ()
        return (post_key(turn.session_id, PostKind.TURN, round_number=turn.round, role_key=turn.role_key),)

    def _writing(self, room: Room, round_number: int, seat: Seat) -> tuple[Seat, Prompt, Act]:
        document = room.document
        if document is None:
            return seat, *self._drafting(room, round_number, seat)
        if not seat.spec.edit_ops:
            seat = make_roomy(seat, document)
        tail = writers_tail(room, round_number, "revise" if seat.spec.edit_ops else "rewrite")
        prompt = prompt_for(room, seat, tail)

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            if seat.spec.edit_ops:
                revision, texts, reply_summary, doubt = await ask_revision(
                    room, round_number, seat, ask, output_tokens, tail=tail, prompt=prompt
                )
            else:
                revision, texts = await ask_rewrite(room, round_number, seat, ask, output_tokens, prompt=prompt)
                reply_summary = doubt = ""

            def record(tx: Transaction, turn: Turn) -> None:
                self._record(tx, room, turn)
                tx.sessions.save_notes(settle_notes(room.open_notes, revision.answers, round_number=round_number))
                tx.sessions.save_version(
                    Version(
                        room.session.id,
                        round_number,
                        revision.document,
                        created_at=turn.finished_at,
                        edits=revision.edits,
                        rewritten=not revision.edits and revision.document != document,
                    )
                )

            return TurnResult(
                text=_RULE.join(texts),
                record=record,
                summary=reply_summary,
                self_assessment=doubt,
                notices=prompt.left_out,
            )

        return seat, prompt, act

    def _drafting(self, room: Room, round_number: int, seat: Seat) -> tuple[Prompt, Act]:
        prompt = prompt_for(room, seat, Tail("draft", room.directions))

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            request = request_for(
                room, round_number, seat, prompt, schema=None, output_tokens=output_tokens, phase="draft"
            )
            reply = await ask(request)
            document = document_from_markdown(reply.text, title=room.session.title)
            if not document.blocks:
                raise TurnFailed("reply_empty", reply.provider)

            def record(tx: Transaction, turn: Turn) -> None:
                self._record(tx, room, turn)
                tx.sessions.save_version(Version(room.session.id, round_number, document, created_at=turn.finished_at))

            return TurnResult(text=reply.text, record=record, notices=prompt.left_out)

        return prompt, act

    def _editing(self, room: Room, round_number: int, seat: Seat) -> tuple[Prompt, Act]:
        role = seat.role
        mine = tuple(note for note in room.notes if note.role_key == role.key and is_pending(note, round_number))
        prompt = prompt_for(room, seat, Tail("edit", room.directions, notes=mine))

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            raw = await ask(
                request_for(
                    room, round_number, seat, prompt, schema=reply_schema(), output_tokens=output_tokens, phase="edit"
                )
            )
            reply = parse_editor(raw.text, role)

            def record(tx: Transaction, turn: Turn) -> None:
                self._record(tx, room, turn)
                tx.sessions.save_notes(judged(room.notes, reply, role, round_number))
                last = tx.sessions.count_notes(room.session.id)
                tx.sessions.save_notes(new_notes(room, reply, role, round_number=round_number, last=last))

            return _judgement(raw.text, reply, prompt, record)

        return prompt, act

    def _synthesizing(self, room: Room, round_number: int, seat: Seat) -> tuple[Prompt, Act]:
        role, session = seat.role, room.session
        turns = {turn.role_key: turn for turn in room.turns}
        heard = [(editor, turns[editor.key]) for editor in session.cast.editors if editor.key in turns]
        evaluations = tuple((editor.name, turn.score, turn.summary) for editor, turn in heard)
        prompt = prompt_for(
            room, seat, Tail("synthesize", room.directions, notes=room.open_notes, evaluations=evaluations)
        )

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            raw = await ask(
                request_for(
                    room,
                    round_number,
                    seat,
                    prompt,
                    schema=reply_schema(),
                    output_tokens=output_tokens,
                    phase="synthesize",
                )
            )
            reply = parse_synthesizer(raw.text, role)
            score = round_score(role_scores(room, heard, round_number), reply.score)

            def record(tx: Transaction, turn: Turn) -> None:
                self._record(tx, room, turn)
                self._close_round(tx, room, turn, reply, score)

            return _judgement(raw.text, reply, prompt, record)

        return prompt, act

    def _close_round(
        self, tx: Transaction, room: Room, turn: Turn, reply: SynthesizerReply, score: float | None
    ) -> None:
        """Write what the Synthesizer made of a round: fates of notes, plan, score of round and version."""
        session_id, number = room.session.id, turn.round
        declined = {answer.note: (Fate.DECLINED, answer.reason) for answer in reply.decline}
        tx.sessions.save_notes(settle_notes(room.open_notes, declined, round_number=number))
        current = room.find_round(number)
        if current is not None:
            tx.sessions.save_round(
                replace(
                    current,
                    score=score,
                    plan=tuple(step.step for step in reply.plan),
                    summary=reply.summary,
                    questions=reply.questions,
                    left_out=tuple(dict.fromkeys(text for item in room.turns for text in item.notices)),
                    finished_at=turn.finished_at,
                )
            )
        version = tx.sessions.find_version(session_id, room.version)
        if version is not None:
            tx.sessions.save_version(replace(version, score=score))
        freshen(tx, session_id, [PostKind.SESSION_CARD, PostKind.ROUND_CARD], round_number=number)

    def _record(self, tx: Transaction, room: Room, turn: Turn) -> None:
        """Write what every turn has besides: the guidance that it read, and its own post where people want all."""
        read = {(item.id, item.text) for item in room.guidance if item.taken_round is None}
        # as it stands now: people edit and delete while a turn runs
        for item in tx.sessions.list_guidance(room.session.id) if read else ():
            if item.taken_round is None and (item.id, item.text) in read:
                tx.sessions.save_guidance(replace(item, taken_round=turn.round))
        if room.session.verbosity is Verbosity.FULL:
            intend(
                tx,
                room.session,
                PostKind.TURN,
                now=turn.finished_at,
                round_number=turn.round,
                role_key=turn.role_key,
            )


def _judgement(
    text: str, reply: EditorReply | SynthesizerReply, prompt: Prompt, record: Callable[[Transaction, Turn], None]
) -> TurnResult:
    """Return what the reply of somebody who judges comes to."""
    return TurnResult(
        text=text,
        record=record,
        score=reply.score,
        tier=reply.tier,
        criteria=reply.criteria,
        summary=reply.summary,
        self_assessment=reply.self_assessment,
        notices=prompt.left_out,
    )
