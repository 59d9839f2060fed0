"""What one agent said, under its own name; and a draft as text."""

from bots.views.comments import comment_elements, fate_words, made_in, one_line
from bots.views.elements import Element, Fields, Heading, Small, Text, View
from bots.views.round_card import edits_made, version_of
from bots.views.words import (
    REHEARSAL,
    count,
    find_role,
    is_rehearsal,
    role_name,
    round_name,
    score,
    signature,
)
from core.casts.model import Phase
from core.orchestration.ports import Snapshot
from core.sessions.model import Fate, Turn

LIVE_DRAFT_CHARACTERS = 3_000
"""Longer drafts are files: a wall of text in a thread helps nobody."""


def turn_post(snapshot: Snapshot, number: int, role_key: str) -> View:
    """Return everything that a role contributed to a round, in its own name."""
    cast = snapshot.session.cast
    role = find_role(cast, role_key)
    name = signature(role) if role else role_key
    title = f"{name}, {round_name(number).lower()}" + (f" ({REHEARSAL})" if is_rehearsal(snapshot) else "")
    turn = next((item for item in snapshot.turns if item.round == number and item.role_key == role_key), None)
    colour, speaker, emoji = (role.colour, role_name(role), role.emoji) if role else ("", role_key, "")
    if turn is None:
        return View((Heading(title), Text("Not done yet.")), f"{title}: not done yet.", colour, "", speaker, emoji)
    elements: list[Element] = [Heading(title)]
    if turn.score is not None:
        criteria = tuple((key.replace("_", " ").capitalize(), score(value)) for key, value in turn.criteria)
        elements.append(Fields((("Score", score(turn.score)), *criteria)))
    if turn.summary:
        elements.append(Text(turn.summary))
    elements += _contribution(snapshot, turn)
    if turn.self_assessment:
        elements.append(Small(f"On its own work: {turn.self_assessment}"))
    elements += [Small(notice) for notice in turn.notices]
    elements.append(Small(f"Answered by {turn.model}"))
    spoken = f": {turn.summary}" if turn.summary else ""
    return View(tuple(elements), f"{title}{spoken}", colour, "", speaker, emoji)


def _contribution(snapshot: Snapshot, turn: Turn) -> list[Element]:
    cast = snapshot.session.cast
    if turn.phase is Phase.WRITER:
        elements: list[Element] = [Fields((("Changed", edits_made(snapshot, turn.round) or "nothing"),))]
        answered = [note for note in snapshot.notes if note.fate_round == turn.round and note.fate is not Fate.OPEN]
        if answered:
            lines = "\n".join(f"{one_line(note, cast)} _{fate_words(note)}_" for note in answered)
            elements.append(Text(lines))
        return elements
    if turn.phase is Phase.SYNTHESIZER:
        round_ = next((item for item in snapshot.rounds if item.number == turn.round), None)
        plan = round_.plan if round_ else ()
        return [Heading("What changes next", 2), Text("\n".join(f"- {step}" for step in plan))] if plan else []
    mine = [note for note in made_in(snapshot.notes, turn.round) if note.role_key == turn.role_key]
    return [element for note in mine for element in comment_elements(note, cast)]


def draft_post(snapshot: Snapshot, number: int) -> View:
    """Return the text of a round's draft, or a pointer to its file when it is long."""
    rehearsal = f" ({REHEARSAL})" if is_rehearsal(snapshot) else ""
    version = version_of(snapshot, number)
    if version is None:
        title = f"Draft{rehearsal}"
        return View((Heading(title), Text("Being written.")), f"{title}: being written.")
    words = count(version.document.words, "word")
    title = f"Draft of {round_name(number).lower()}{rehearsal}, {words}"
    if version.document.characters > LIVE_DRAFT_CHARACTERS:
        return View((Heading(title), Text("It is long, so it comes as a file.")), f"{title}, as a file.")
    return View((Heading(title), Text(version.document.markdown.rstrip())), f"{title}.")
