"""What each role asks, and what is written when it has answered."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from core.agents.context import Prompt, Tail, Window, build_prompt, to_request
from core.agents.revision import Revision, read_rewrite, revise, settle_notes
from core.agents.schemas import Schema, reply_schema
from core.casts.model import Phase, Role
from core.documents.align import document_from_markdown
from core.documents.model import Document
from core.evaluation.parsing import parse_editor, parse_revision, parse_synthesizer
from core.evaluation.quotes import find_quote
from core.evaluation.replies import EditorReply, SynthesizerReply
from core.evaluation.scoring import RoleScore, round_score
from core.ids import turn_id
from core.orchestration.errors import TurnFailed
from core.orchestration.ports import ChatPort, PostKind
from core.orchestration.posting import freshen, intend, post_key
from core.orchestration.room import Room
from core.orchestration.turns import Act, Ask, Seat, TurnJob, TurnResult
from core.providers.base import Effort, Request
from core.providers.tokens import estimate_tokens
from core.sessions.model import Fate, Note, Turn, Version
from core.sessions.ports import Transaction
from core.workspaces.model import Verbosity

_REWRITE_FACTOR = 1.3
_REWRITE_MARGIN_TOKENS = 800
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
            seat = _roomy(seat, document)
        tail = _writers_tail(room, round_number, "revise" if seat.spec.edit_ops else "rewrite")
        prompt = _prompt(room, seat, tail)

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            if seat.spec.edit_ops:
                revision, texts, reply_summary, doubt = await _ask_revision(
                    room, round_number, seat, ask, output_tokens, tail=tail, prompt=prompt
                )
            else:
                revision, texts = await _ask_rewrite(room, round_number, seat, ask, output_tokens, prompt=prompt)
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
        prompt = _prompt(room, seat, Tail("draft", room.directions))

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            request = _request(
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
        mine = tuple(note for note in room.notes if note.role_key == role.key and _is_pending(note, round_number))
        prompt = _prompt(room, seat, Tail("edit", room.directions, notes=mine))

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            raw = await ask(
                _request(
                    room, round_number, seat, prompt, schema=reply_schema(), output_tokens=output_tokens, phase="edit"
                )
            )
            reply = parse_editor(raw.text, role)

            def record(tx: Transaction, turn: Turn) -> None:
                self._record(tx, room, turn)
                tx.sessions.save_notes(_judged(room.notes, reply, role, round_number))
                last = tx.sessions.count_notes(room.session.id)
                tx.sessions.save_notes(_new_notes(room, reply, role, round_number=round_number, last=last))

            return _judgement(raw.text, reply, prompt, record)

        return prompt, act

    def _synthesizing(self, room: Room, round_number: int, seat: Seat) -> tuple[Prompt, Act]:
        role, session = seat.role, room.session
        turns = {turn.role_key: turn for turn in room.turns}
        heard = [(editor, turns[editor.key]) for editor in session.cast.editors if editor.key in turns]
        evaluations = tuple((editor.name, turn.score, turn.summary) for editor, turn in heard)
        prompt = _prompt(
            room, seat, Tail("synthesize", room.directions, notes=room.open_notes, evaluations=evaluations)
        )

        async def act(ask: Ask, output_tokens: int) -> TurnResult:
            raw = await ask(
                _request(
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
            score = round_score(_role_scores(room, heard, round_number), reply.score)

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
        freshen(tx, session_id, [PostKind.ROUND_CARD], round_number=number)
        freshen(tx, session_id, [PostKind.SESSION_CARD])

    def _record(self, tx: Transaction, room: Room, turn: Turn) -> None:
        """Write what every turn has besides: the guidance that it read, and its own post where people want all."""
        for item in room.guidance:
            if item.taken_round is None:
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


def _writers_tail(room: Room, round_number: int, task: str) -> Tail:
    """Return what the Writer is given besides the document: directions, open notes, the plan of the round before."""
    previous = room.find_round(round_number - 1)
    plan = previous.plan if previous is not None else ()
    return Tail(task, room.directions, notes=room.open_notes, plan=plan)


async def _ask_revision(
    room: Room, round_number: int, seat: Seat, ask: Ask, output_tokens: int, *, tail: Tail, prompt: Prompt
) -> tuple[Revision, list[str], str, str]:
    """Ask for edits by block, once more for what could not be applied, and for the whole text as the last resort."""
    document, notes = _document(room), room.open_notes
    first = await ask(
        _request(room, round_number, seat, prompt, schema=reply_schema(), output_tokens=output_tokens, phase="revise")
    )
    texts = [first.text]
    reply = parse_revision(first.text)
    if reply is not None:
        revision = revise(document, reply, notes)
        if not revision.problems:
            return revision, texts, reply.summary, reply.self_assessment
        problems, kept = revision.problems, revision.edits
    else:
        problems, kept = ("The answer was not the JSON object that was asked for.",), ()
    repair = _prompt(room, seat, replace(tail, task="repair", problems=problems))
    second = await ask(
        _request(room, round_number, seat, repair, schema=reply_schema(), output_tokens=output_tokens, phase="repair")
    )
    texts.append(second.text)
    mended = parse_revision(second.text)
    if mended is not None:
        revision = revise(document, mended, notes, kept=kept)
        answers = {answer.note: (answer.fate, answer.reason) for answer in reply.answers} if reply is not None else {}
        revision = replace(revision, answers={**answers, **revision.answers})
        if reply is not None or revision.edits or revision.answers:
            summary = reply.summary if reply is not None else mended.summary
            return revision, texts, summary, (reply or mended).self_assessment
    roomy = _roomy(seat, document)
    whole = _prompt(room, roomy, _writers_tail(room, round_number, "rewrite"))
    rewritten, more = await _ask_rewrite(room, round_number, roomy, ask, output_tokens, prompt=whole)
    return rewritten, [*texts, *more], "", ""


async def _ask_rewrite(
    room: Room, round_number: int, seat: Seat, ask: Ask, output_tokens: int, *, prompt: Prompt
) -> tuple[Revision, list[str]]:
    """Ask for the whole text, for a model whose edits cannot be relied upon."""
    reply = await ask(
        _request(room, round_number, seat, prompt, schema=None, output_tokens=output_tokens, phase="rewrite")
    )
    revision = read_rewrite(_document(room), reply.text, room.open_notes)
    if not revision.document.blocks:
        raise TurnFailed("reply_empty", reply.provider)
    return revision, [reply.text]


def _is_pending(note: Note, round_number: int) -> bool:
    """Return whether an editor must see an older note of its own.

    What was applied and looked at once is done with; what was declined is shown, so that it is not raised again.
    """
    if note.round >= round_number:
        return False
    return note.fate is not Fate.APPLIED or (note.fate_round or 0) >= round_number


def _role_scores(room: Room, heard: Sequence[tuple[Role, Turn]], round_number: int) -> list[RoleScore]:
    """Return what the editors gave; a score counts fully when a quote of its notes stands, or when it found nothing.

    Notes of earlier rounds that still stand speak for an editor too: it is told not to repeat them.
    """
    found: list[RoleScore] = []
    for role, turn in heard:
        notes = [note for note in room.open_notes if note.role_key == role.key and note.round <= round_number]
        grounded = not notes or any(note.quote and note.quote_found for note in notes)
        found.append(RoleScore(role.key, turn.score, role.weight, grounded))
    return found


def _judged(known: Sequence[Note], reply: EditorReply, role: Role, round_number: int) -> list[Note]:
    """Return the editor's own older notes with the fates that it found; a declined note stays declined."""
    by_id = {note.id: note for note in known if note.role_key == role.key and note.fate is not Fate.DECLINED}
    return [
        replace(by_id[item.note], fate=item.fate, fate_reason=item.reason, fate_round=round_number)
        for item in reply.earlier
        if item.note in by_id and item.fate is not by_id[item.note].fate
    ]


def _new_notes(room: Room, reply: EditorReply, role: Role, *, round_number: int, last: int) -> list[Note]:
    """Return the reply's notes with ids above *last*, each quote looked up in the document."""
    document = _document(room)
    number = last
    raised = {(note.role_key, note.quote, note.comment) for note in room.notes}
    notes: list[Note] = []
    for item in reply.notes:
        if (role.key, item.quote, item.comment) in raised:
            continue
        check = find_quote(document, item.block, item.quote)
        number += 1
        notes.append(
            Note(
                id=f"n{number}",
                session_id=room.session.id,
                round=round_number,
                role_key=role.key,
                comment=item.comment,
                ref=check.ref,
                quote=item.quote,
                quote_found=check.found,
                suggestion=item.suggestion,
                severity=item.severity,
            )
        )
    return notes


def _prompt(room: Room, seat: Seat, tail: Tail) -> Prompt:
    window = Window(seat.spec.context_tokens, min(seat.role.max_output_tokens, seat.spec.max_output_tokens))
    return build_prompt(
        role=seat.role, material=room.material, document=room.document, version=room.version, tail=tail, window=window
    )


def _request(
    room: Room,
    round_number: int,
    seat: Seat,
    prompt: Prompt,
    *,
    schema: Schema | None,
    output_tokens: int,
    phase: str,
) -> Request:
    return to_request(
        prompt,
        model=seat.spec.id,
        max_output_tokens=output_tokens,
        schema=schema if seat.spec.json_schema else None,
        effort=Effort(room.session.effort) if room.session.effort else Effort.LOW,
        session_id=room.session.id,
        turn_id=turn_id(room.session.id, round_number, seat.role.key),
        round_number=round_number,
        role_key=seat.role.key,
        phase=phase,
    )


def _document(room: Room) -> Document:
    if room.document is None:
        raise TurnFailed("no_document")
    return room.document


def _roomy(seat: Seat, document: Document) -> Seat:
    """Return *seat* with room for the whole document in its answer."""
    needed = int(estimate_tokens(document.markdown) * _REWRITE_FACTOR) + _REWRITE_MARGIN_TOKENS
    return replace(seat, role=replace(seat.role, max_output_tokens=max(seat.role.max_output_tokens, needed)))
