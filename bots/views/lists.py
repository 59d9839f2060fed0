"""Lists for one person: sessions, files, models; each a page at a time."""

from collections.abc import Sequence
from decimal import Decimal

from bots.views.elements import Button, Buttons, Element, Heading, Small, Table, Text, View
from bots.views.pager import turning
from bots.views.words import count, end_words, park_words, share_label
from core.money import Unit
from core.providers.catalogue import ModelSpec
from core.sessions.model import Session, SessionFile, Status

_KINDS = {"upload": "your document", "reference": "read only", "result": "result"}
_KILO = 1024
_STATES = {
    Status.DRAFT: "not started",
    Status.QUEUED: "about to start",
    Status.RUNNING: "working",
    Status.PAUSING: "pausing",
    Status.PAUSED: "paused",
}


def short_state(session: Session, unit: Unit) -> str:
    """Return where a session stands, in a few words."""
    match session.status:
        case Status.WAITING:
            return f"waiting: {park_words(session.park_reason, unit)}"
        case Status.COMPLETED | Status.STOPPED | Status.FAILED:
            return f"over: {end_words(session)}"
        case _:
            return _STATES[session.status]


def sessions_view(
    sessions: Sequence[Session],
    *,
    whose: str,
    unit: Unit,
    page: int,
    pages: int,
    argument: str,
    member_id: str,
    names: dict[str, str],
    above: Sequence[Element] = (),
    turns: tuple[str, str] = ("sessions", ""),
    none_yet: str = "There are none yet. `new` starts one.",
) -> View:
    """Return a page of sessions with a button to open each.

    Args:
        sessions: Of this page, newest first.
        whose: The title: ``Your sessions``.
        unit: In which unit people see amounts.
        page: Which page.
        pages: Of how many.
        argument: What the buttons that turn the page carry before its number.
        member_id: The reader, whose own name is left out.
        names: Names of members by id.
        above: What is said before the list.
        turns: Action and target of the buttons that turn the page.
        none_yet: What is said where there is none.
    """
    title = f"{whose}: {count(len(sessions), 'session')}" if pages == 1 else whose
    elements: list[Element] = [Heading(title, 2), *above]
    if not sessions:
        elements.append(Text(none_yet))
    lines = []
    for session in sessions:
        star = "★ " if session.starred else ""
        by = "" if session.member_id == member_id else f", by {names.get(session.member_id, 'somebody')}"
        day = session.created_at.strftime("%Y-%m-%d")
        lines.append(f"- {star}**{session.title}**: {short_state(session, unit)} ({day}{by})")
    if lines:
        elements.append(Text("\n".join(lines)))
        elements.append(Buttons(tuple(Button("status", f"Show {item.title}"[:75], item.id) for item in sessions)))
    elements += turning(*turns, page, pages, prefix=argument)
    return View(tuple(elements), f"{whose}: {count(len(sessions), 'session')} on this page.")


def files_view(session: Session, files: Sequence[SessionFile], *, page: int, pages: int) -> View:
    """Return the files of a session; results go with the answer itself."""
    lines = [f"- {file.name} ({_KINDS.get(file.kind, file.kind)}, {size_words(file.size_bytes)})" for file in files]
    gone = session.forgotten_at is not None
    none_yet = "They were removed with its texts." if gone else "There are none yet; the result comes at the end."
    text = "\n".join(lines) or none_yet
    elements: list[Element] = [Heading(f"Files of {session.title}", 2), Text(text)]
    if session.status is Status.COMPLETED and session.origin:
        elements.append(Buttons((Button("share", share_label(session), session.id),)))
    elements += turning("files", session.id, page, pages)
    return View(tuple(elements), f"Files of {session.title}: {count(len(files), 'file')}.")


def models_view(models: Sequence[tuple[ModelSpec, Decimal | None]], *, default: str, page: int, pages: int) -> View:
    """Return the models that can be chosen here, each with its price as a multiple of the default's.

    Args:
        models: Of this page, each with that multiple; None where there is nothing to compare with.
        default: Id of the model that works unless somebody chooses.
        page: Which page.
        pages: How many there are.
    """
    rows = [
        (
            f"{spec.name}{' (default)' if spec.id == default else ''}",
            spec.grade,
            f"{spec.context_tokens // 1000:,}k tokens",
            times(multiple),
        )
        for spec, multiple in models
    ]
    elements: list[Element] = [Heading("Models", 2)]
    if rows:
        elements.append(Table(("Model", "Grade", "Takes", "Price"), tuple(rows), right=(3,)))
        elements.append(Small("The price is that of the same work with the default model, times this."))
    else:
        elements.append(Text("There is none that you may choose here."))
    elements.append(Small("Choose one with `new --model NAME`, or for everybody in the settings."))
    elements += turning("models", "", page, pages)
    return View(tuple(elements), f"Models: {', '.join(spec.name for spec, _ in models)}.")


def times(multiple: Decimal | None) -> str:
    """Return ``1 x``, ``0.4 x``, ``12 x``; a dash where nobody knows."""
    if multiple is None:
        return "-"
    step = Decimal(1) if multiple >= 10 else Decimal("0.1")  # noqa: PLR2004 - see the examples
    return f"{multiple.quantize(step).normalize():f} x"


def size_words(size_bytes: int) -> str:
    """Return ``12 KB`` or ``3.4 MB``."""
    if size_bytes < _KILO * _KILO:
        return f"{max(1, round(size_bytes / _KILO)):,} KB"
    return f"{size_bytes / _KILO / _KILO:.1f} MB"
