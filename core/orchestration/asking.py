"""How a seat is asked: the prompt of a room, the request of a prompt, and the Writer's tries at a revision."""

from dataclasses import replace

from core.agents.context import Prompt, Tail, Window, build_prompt, to_request
from core.agents.revision import Revision, read_rewrite, revise
from core.agents.schemas import Schema, reply_schema
from core.documents.model import Document
from core.evaluation.parsing import parse_revision
from core.ids import turn_id
from core.orchestration.errors import TurnFailed
from core.orchestration.jobs import Ask, Seat
from core.orchestration.room import Room
from core.providers.base import Effort, Request
from core.providers.tokens import estimate_tokens

_REWRITE_FACTOR = 1.3
_REWRITE_MARGIN_TOKENS = 800


def prompt_for(room: Room, seat: Seat, tail: Tail) -> Prompt:
    """Return what *seat* is asked; see `core.agents.context.build_prompt`."""
    window = Window(seat.spec.context_tokens, min(seat.role.max_output_tokens, seat.spec.max_output_tokens))
    return build_prompt(
        role=seat.role, material=room.material, document=room.document, version=room.version, tail=tail, window=window
    )


def request_for(
    room: Room,
    round_number: int,
    seat: Seat,
    prompt: Prompt,
    *,
    schema: Schema | None,
    output_tokens: int,
    phase: str,
) -> Request:
    """Return *prompt* as a request to the seat's model; *phase* is one of `core.providers.base.Request.labels`."""
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


def writers_tail(room: Room, round_number: int, task: str) -> Tail:
    """Return what the Writer is given besides the document: directions, open notes, the plan of the round before."""
    previous = room.find_round(round_number - 1)
    plan = previous.plan if previous is not None else ()
    return Tail(task, room.directions, notes=room.open_notes, plan=plan)


async def ask_revision(
    room: Room, round_number: int, seat: Seat, ask: Ask, output_tokens: int, *, tail: Tail, prompt: Prompt
) -> tuple[Revision, list[str], str, str]:
    """Ask for edits by block, once more for what could not be applied, and for the whole text as the last resort."""
    document, notes = document_of(room), room.open_notes
    first = await ask(
        request_for(
            room, round_number, seat, prompt, schema=reply_schema(), output_tokens=output_tokens, phase="revise"
        )
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
    repair = prompt_for(room, seat, replace(tail, task="repair", problems=problems))
    second = await ask(
        request_for(
            room, round_number, seat, repair, schema=reply_schema(), output_tokens=output_tokens, phase="repair"
        )
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
    roomy = make_roomy(seat, document)
    whole = prompt_for(room, roomy, writers_tail(room, round_number, "rewrite"))
    rewritten, more = await ask_rewrite(room, round_number, roomy, ask, output_tokens, prompt=whole)
    return rewritten, [*texts, *more], "", ""


async def ask_rewrite(
    room: Room, round_number: int, seat: Seat, ask: Ask, output_tokens: int, *, prompt: Prompt
) -> tuple[Revision, list[str]]:
    """Ask for the whole text, for a model whose edits cannot be relied upon."""
    reply = await ask(
        request_for(room, round_number, seat, prompt, schema=None, output_tokens=output_tokens, phase="rewrite")
    )
    revision = read_rewrite(document_of(room), reply.text, room.open_notes)
    if not revision.document.blocks:
        raise TurnFailed("reply_empty", reply.provider)
    return revision, [reply.text]


def document_of(room: Room) -> Document:
    """Return the newest version; raises `TurnFailed` before there is one."""
    if room.document is None:
        raise TurnFailed("no_document")
    return room.document


def make_roomy(seat: Seat, document: Document) -> Seat:
    """Return *seat* with room for the whole document in its answer."""
    needed = int(estimate_tokens(document.markdown) * _REWRITE_FACTOR) + _REWRITE_MARGIN_TOKENS
    return replace(seat, role=replace(seat.role, max_output_tokens=max(seat.role.max_output_tokens, needed)))
