"""All comments, and the whole exchange, a page at a time."""

from collections.abc import Sequence

from bots.views.comments import comment_elements, made_in
from bots.views.elements import Button, Buttons, Divider, Element, Heading, Quote, Small, Text, View
from bots.views.pager import chunked, turning
from bots.views.receipt import turns_in_order
from bots.views.turn import turn_post
from bots.views.words import count, find_role, round_name
from core.casts.model import Phase
from core.documents.edits import Edit, EditOp
from core.orchestration.ports import Snapshot
from core.sessions.model import Turn, Version

PAGE_CHARACTERS = 2_400
PAGE_ELEMENTS = 24
_VERBS = {EditOp.REPLACE: "Rewritten", EditOp.INSERT_AFTER: "Added after", EditOp.DELETE: "Taken out"}


def comments_page(snapshot: Snapshot, round_number: int | None, page: int) -> View:
    """Return the comments of a round, or of all rounds, with their passages and what became of each."""
    title, groups = _comments(snapshot, round_number)
    prefix = "all" if round_number is None else str(round_number)
    return _page(snapshot, title, groups, action="comments", prefix=prefix, page=page)


def all_comments(snapshot: Snapshot, round_number: int | None) -> View:
    """Return the same without pages, for where there is room for everything."""
    title, groups = _comments(snapshot, round_number)
    return View((Heading(title), *(element for group in groups for element in group)), title)


def _comments(snapshot: Snapshot, round_number: int | None) -> tuple[str, list[Sequence[Element]]]:
    notes = snapshot.notes if round_number is None else made_in(snapshot.notes, round_number)
    title = "All comments" if round_number is None else f"Comments of {round_name(round_number).lower()}"
    groups: list[Sequence[Element]] = []
    for note in notes:
        role = find_role(snapshot.session.cast, note.role_key)
        groups.append((Divider(role.colour if role else ""), *comment_elements(note, snapshot.session.cast)))
    return f"{title}: {count(len(notes), 'comment')}", groups


def exchange_page(snapshot: Snapshot, round_number: int, page: int) -> View:
    """Return everything that every agent said in a round, with the Writer's changes, in the order of the room."""
    turns = [turn for turn in turns_in_order(snapshot) if turn.round == round_number]
    groups: list[Sequence[Element]] = []
    for turn in turns:
        role = find_role(snapshot.session.cast, turn.role_key)
        head, *rest = turn_post(snapshot, round_number, turn.role_key).elements
        groups.append((Divider(role.colour if role else ""), head, *rest[:1]))
        groups += [(element,) for element in rest[1:]]
        groups += _changes(snapshot, turn)
    if not turns:
        groups.append((Text("Nobody has finished yet."),))
    title = f"{round_name(round_number)}: the whole exchange"
    numbers = [item.number for item in snapshot.rounds]
    others = tuple(
        Button("exchange", f"Show {round_name(number).lower()}", snapshot.session.id, f"{number}:0")
        for number in (round_number - 1, round_number + 1)
        if number in numbers
    )
    return _page(snapshot, title, groups, action="exchange", prefix=str(round_number), page=page, others=others)


def _changes(snapshot: Snapshot, turn: Turn) -> list[Sequence[Element]]:
    """Return what the Writer changed, one group a change; of a whole text, the text."""
    if turn.phase is not Phase.WRITER:
        return []
    version = next((item for item in snapshot.versions if item.number == turn.round), None)
    if version is None:
        return []
    if not version.edits:
        return [(Text(version.document.markdown.rstrip() or "An empty text."),)]
    before = next((item for item in reversed(snapshot.versions) if item.number < version.number), None)
    return [_change(edit, before) for edit in version.edits]


def _change(edit: Edit, before: Version | None) -> Sequence[Element]:
    block_id = edit.ref.partition("#")[0]
    elements: list[Element] = [Text(f"**{_VERBS[edit.op]} paragraph {block_id.removeprefix('p')}**")]
    old = (
        next((block for block in before.document.blocks if block.id == block_id), None) if before is not None else None
    )
    if old is not None and edit.op is not EditOp.INSERT_AFTER:
        elements.append(Quote(old.markdown))
    if edit.text:
        elements.append(Text(edit.text))
    return elements


def _page(
    snapshot: Snapshot,
    title: str,
    groups: Sequence[Sequence[Element]],
    *,
    action: str,
    prefix: str,
    page: int,
    others: tuple[Button, ...] = (),
) -> View:
    pages = chunked(groups, characters=PAGE_CHARACTERS, elements=PAGE_ELEMENTS)
    number = min(max(page, 0), len(pages) - 1)
    elements: list[Element] = [Heading(title, 2), Small(snapshot.session.title), *pages[number]]
    elements += turning(action, snapshot.session.id, number, len(pages), prefix=f"{prefix}:")
    if others:
        elements.append(Buttons(others))
    return View(tuple(elements), f"{title}, page {number + 1} of {len(pages)}.")
