"""The end of a session: the best version, and what would come next."""

from bots.views.comments import one_line, weightiest
from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Text, View
from bots.views.round_card import SHOWN_QUESTIONS, unanswered
from bots.views.session_card import REHEARSAL_LINE
from bots.views.words import (
    REHEARSAL,
    count,
    end_words,
    is_rehearsal,
    round_price,
    score,
    score_line,
    share_label,
)
from core.orchestration.ports import Snapshot
from core.sessions.model import EndReason, Fate, Note, Status, Version

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
        elements += [
            Small(line) for line in (_unheard(snapshot), round_price(snapshot.next_round, snapshot.unit)) if line
        ]
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


def _unheard(snapshot: Snapshot) -> str:
    """Return that somebody spoke too late for the last round, empty where nobody did."""
    late = [item for item in snapshot.guidance if not item.muted and item.taken_round is None]
    if not late or snapshot.session.notes_only:
        return ""
    return f"{count(len(late), 'wish', 'wishes').capitalize()} came too late to be heard; one more round hears {'it' if len(late) == 1 else 'them'}."


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
