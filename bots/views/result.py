"""The end of a session: the best version, what would come next, and the receipt."""

from bots.views.comments import one_line, weightiest
from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Table, Text, View
from bots.views.round_card import SHOWN_QUESTIONS, said_in, unanswered
from bots.views.session_card import REHEARSAL_LINE
from bots.views.words import (
    REHEARSAL,
    count,
    end_words,
    exact,
    exact_money,
    find_role,
    is_rehearsal,
    left,
    money,
    price_range,
    role_name,
    round_name,
    score,
    score_line,
    share_label,
)
from core.money import Unit
from core.orchestration.ports import Snapshot
from core.sessions.model import EndReason, Fate, Note, Status, Turn, Version
from core.workspaces.model import Verbosity

SHOWN_OPEN = 5


def result_post(snapshot: Snapshot, *, is_shared: bool = False, by: str = "") -> View:
    """Return the result: which version won and why it ended, with what the room would do next.

    Args:
        snapshot: What is known.
        is_shared: Whether this is the copy of a private session's result for its channel, where nobody but the starter
            could press anything.
        by: The name of whoever shared it, empty where nobody knows.
    """
    session = snapshot.session
    rehearsal = f" ({REHEARSAL})" if is_rehearsal(snapshot) else ""
    title = f"Result{rehearsal}: {session.title}"
    verdict = verdict_words(snapshot)
    ended = end_words(session)
    elements: list[Element] = [Heading(title), Text(verdict)]
    if is_shared:
        elements.insert(1, Text(shared := f"{by or 'Somebody'} shares this from a session of their own."))
        verdict = f"{shared} {verdict}"
    scores = score_line(round_.score for round_ in snapshot.rounds)
    pairs = [("Score", scores)] if scores else []
    if changed := _changed(snapshot):
        pairs.append(("Changed", changed))
    elements.append(Fields((*pairs, ("Ended because", ended))))
    elements += _next(snapshot)
    if not is_shared:
        elements += _questions(snapshot)
    if is_rehearsal(snapshot):
        elements.append(Small(REHEARSAL_LINE))
    if session.status in {Status.COMPLETED, Status.STOPPED} and not is_shared:
        elements.append(Buttons(_buttons(snapshot)))
    return View(tuple(elements), f"{title}. {verdict} Ended because {ended}.")


def verdict_words(snapshot: Snapshot) -> str:
    """Return which version won, in one sentence; that nothing beat the original is said."""
    session = snapshot.session
    best = _best(snapshot)
    if session.end_reason is EndReason.NOTES_ONLY:
        return f"{count(len(snapshot.notes), 'comment').capitalize()}; your document is as it was."
    if best is None:
        return "There is no finished version."
    if best.number == 0 and len(snapshot.versions) == 1:
        scored = f" ({score(best.score)})" if best.score is not None else ""
        return f"No round rewrote anything: your document comes back as it was{scored}."
    if best.number == 0:
        return f"No revision scored higher than your original ({score(best.score)}), so it comes back unchanged."
    judged = f", which scored {score(best.score)}" if best.score is not None else ""
    before = max(
        (one.score for one in snapshot.versions if one.number < best.number and one.score is not None), default=None
    )
    if before is not None and best.score is not None and round(before, 1) >= round(best.score, 1):
        # see docs/decisions/0164: what people went on with is in the result
        said = "The best version with what you went on with in it"
        return f"{said} is that of round {best.number}{judged}; an earlier one scored {score(before)}."
    newest = max((version.number for version in snapshot.versions), default=best.number)
    later = "" if best.number == newest else " Later rounds did not beat it."
    return f"The best version is that of round {best.number}{judged}.{later}"


def _best(snapshot: Snapshot) -> Version | None:
    return next((item for item in snapshot.versions if item.number == snapshot.session.best_version), None)


def open_comments(snapshot: Snapshot) -> tuple[Note, ...]:
    """Return the comments that nobody answered, weightiest first."""
    still = [note for note in snapshot.notes if note.fate in {Fate.OPEN, Fate.REGRESSED}]
    return weightiest(still, snapshot.session.cast, len(still))


def _next(snapshot: Snapshot) -> list[Element]:
    still = open_comments(snapshot)
    if not still:
        return []
    cast = snapshot.session.cast
    lines = [one_line(note, cast) for note in still[:SHOWN_OPEN]]
    if len(still) > SHOWN_OPEN:
        lines.append(f"- and {count(len(still) - SHOWN_OPEN, 'more comment')}")
    heading = "What the editors say" if snapshot.session.notes_only else "What we would do next"
    return [Heading(heading, 2), Text("\n".join(lines))]


def _changed(snapshot: Snapshot) -> str:
    """Return how much of an upload the best version changed, empty where there is nothing to compare."""
    best = _best(snapshot)
    if best is None or not snapshot.session.has_upload:
        return ""
    if best.rewritten:
        return "the whole text rewritten"
    edits = sum(len(item.edits) for item in snapshot.versions if 0 < item.number <= best.number)
    return f"{count(edits, 'edit')} in {count(best.number, 'round')}" if edits else ""


def _questions(snapshot: Snapshot) -> list[Element]:
    """Return what the editors asked and nobody answered, and where the answers go."""
    asked = dict.fromkeys(one for round_ in snapshot.rounds for one in unanswered(snapshot, round_))
    if not asked or snapshot.session.notes_only:
        return []
    lines = [f"- {one}" for one in list(asked)[:SHOWN_QUESTIONS]]
    if len(asked) > SHOWN_QUESTIONS:
        lines.append(f"- and {count(len(asked) - SHOWN_QUESTIONS, 'more question')}")
    return [
        Heading("Questions nobody answered", 2),
        Text("\n".join(lines)),
        Small("Answer with Continue with guidance."),
    ]


def _buttons(snapshot: Snapshot) -> tuple[Button, ...]:
    session = snapshot.session
    share = (Button("share", share_label(session), session.id),) if session.origin else ()
    return (
        Button("more", "Run one more round", session.id, style=Style.PRIMARY),
        Button("continue", "Continue with guidance", session.id),
        Button("comments", "Show all comments", session.id),
        Button("files", "Show files", session.id),
        *share,
    )


def receipt_post(snapshot: Snapshot) -> View:
    """Return what was paid, a round and a role, to the last charge."""
    session, unit = snapshot.session, snapshot.unit
    spent = snapshot.spent_microcredits
    rows = tuple(
        (
            round_name(turn.round),
            role_name(role) if (role := find_role(session.cast, turn.role_key)) else turn.role_key,
            turn.model,
            score(turn.score) if turn.score is not None else "",
            exact(turn.charged_microcredits, unit),
        )
        for turn in turns_in_order(snapshot)
    )
    unused = max(0, session.cap_microcredits - spent - snapshot.held_microcredits)
    pairs = [
        ("Quoted", price_range(session.quote_low_microcredits, session.quote_high_microcredits, unit)),
        ("Set aside at most", exact_money(session.cap_microcredits, unit)),
        ("Charged", exact_money(spent, unit)),
        ("Given back", exact_money(unused, unit)),
    ]
    if unit is Unit.CREDITS:
        pairs.append(("Balance", exact_money(snapshot.balance_microcredits, unit)))
    if snapshot.held_microcredits:
        pairs.insert(3, ("Still set aside", exact_money(snapshot.held_microcredits, unit)))
    rehearsal = f" ({REHEARSAL})" if is_rehearsal(snapshot) else ""
    elements: list[Element] = [Heading(f"Receipt{rehearsal}"), Fields(tuple(pairs))]
    if rows:
        elements.append(Table(("Round", "Who", "Model", "Score", "Charged"), rows, right=(3, 4)))
        elements.append(Table(("Round", "Charged"), round_totals(snapshot, unit), right=(1,)))
    if session.verbosity is Verbosity.QUIET:
        # No round had a card that could have said it.
        said = dict.fromkeys(text for item in snapshot.rounds for text in said_in(snapshot, item.number))
        elements += [Small(sentence) for sentence in said]
    return View(
        tuple(elements),
        f"Receipt{rehearsal}: {money(spent, unit)} charged"
        + (f", balance {left(snapshot.balance_microcredits)}." if unit is Unit.CREDITS else "."),
    )


def turns_in_order(snapshot: Snapshot) -> list[Turn]:
    """Return the turns as the room sits, not as they happened to finish."""
    seats = {role.key: number for number, role in enumerate(snapshot.session.cast.roles)}
    return sorted(snapshot.turns, key=lambda turn: (turn.round, seats.get(turn.role_key, len(seats))))


def round_totals(snapshot: Snapshot, unit: Unit) -> tuple[tuple[str, ...], ...]:
    """Return what each round cost."""
    totals: dict[int, int] = {}
    for turn in snapshot.turns:
        totals[turn.round] = totals.get(turn.round, 0) + turn.charged_microcredits
    return tuple((round_name(number), exact(total, unit)) for number, total in sorted(totals.items()))
