"""`atelier demo`: a whole session in this terminal, without a server, an account or a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from admin_cli.output import DEFAULT_OUT, FAILED, fail, print_json, program, say

if TYPE_CHECKING:
    from pathlib import Path

    from bots.bootstrap import Parts
    from bots.terminal.chat import TerminalChat
    from core.money import Unit
    from core.orchestration.ports import Snapshot
    from core.sessions.model import Session
    from core.sessions.requests import NewSession, Upload

_BRIEF = "Make this clear: plain words, short sentences, one claim a paragraph."


def demo(
    file: Annotated[str | None, typer.Argument(help="A DOCX, PDF, TXT or MD file; a brief alone will do.")] = None,
    brief: Annotated[str, typer.Option(help="What to do with the file, or what to write.")] = "",
    rounds: Annotated[int | None, typer.Option(help="Rounds with a Writer, 1 to 20.")] = None,
    editors: Annotated[int | None, typer.Option(help="Editors, 1 to 12.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Score that is good enough, 0 to 10.")] = None,
    model: Annotated[str, typer.Option(help="Model id or alias; the first configured provider's if left out.")] = "",
    notes_only: Annotated[bool, typer.Option("--notes-only", help="Comments only, nothing is rewritten.")] = False,
    out: Annotated[str, typer.Option(help="Folder for the finished files.")] = DEFAULT_OUT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end and nothing else.")] = False,
) -> None:
    """Run a whole session here, on a file or a brief.

    Without a provider's key the rehearsal model answers, which is no AI and says so. Ctrl-C pauses the session.
    """
    from admin_cli import bootstrap, foreground
    from admin_cli.local import DEMO_THREAD, MEMBER, WORKSPACE
    from admin_cli.report import session_report
    from admin_cli.saving import save_results
    from bots.bootstrap import Choices
    from core.sessions.model import Status
    from core.sessions.requests import NewSession

    upload = read_upload(file) if file else None
    if upload is None and not brief.strip():
        upload = _sample()
        if upload is None:
            fail(f'Say what to write: {program()} demo --brief "...", or give a file.')
    new = NewSession(
        workspace_id=WORKSPACE,
        member_id=MEMBER,
        thread=DEMO_THREAD,
        brief=brief or _BRIEF,
        upload=upload,
        editors=editors,
        rounds=rounds,
        threshold=threshold,
        model=model,
        notes_only=notes_only,
    )
    settings = bootstrap.read_settings()
    foreground.prepare_folder(out)
    chat = foreground.make_chat(silent=as_json)
    pace = None if as_json else foreground.watchable_pace()
    choices = Choices(
        checks_balance=True,
        custom_models=(model,) if model and settings.openai_base_url else (),
        rehearsal_pace=pace,
    )

    async def work(parts: Parts) -> tuple[Snapshot, list[str]]:
        from core.orchestration.snapshot import load_snapshot

        session = await _play(parts, chat, new, out)
        files = await save_results(parts, session.id, out)
        return await load_snapshot(parts.database, session.id, parts.tariff.unit), files

    snapshot, files = bootstrap.run(work, settings=settings, chats={chat.platform: chat}, choices=choices)
    session = snapshot.session
    if as_json:
        print_json(session_report(snapshot, files))
    else:
        tell_end(chat, session, files, out, snapshot.unit)
    if session.status is Status.FAILED:
        raise typer.Exit(FAILED)


async def _play(parts: Parts, chat: TerminalChat, new: NewSession, out: str) -> Session:
    """Create the session and run it here."""
    from admin_cli.foreground import run_here
    from admin_cli.local import MEMBER, ensure_workspace, grant_demo_credits

    await ensure_workspace(parts)
    session = await parts.sessions.create(new)
    await grant_demo_credits(parts, session)
    tell_name(chat, session, parts.tariff.unit)
    await parts.run_sessions()
    return await run_here(parts, chat, session, lambda: parts.sessions.start(session.id, actor=MEMBER), out=out)


def tell_name(chat: TerminalChat, session: Session, _: Unit) -> None:
    """Say how to name the session; its card, which comes next, tells the rest, its price too."""
    chat.say(f"{session.title}  ({session.id}), written with the model {session.model}\n")


def tell_quote(chat: TerminalChat, session: Session, unit: Unit) -> None:
    """Say what the session is and what it will cost, before anything is spent."""
    from bots.views.words import editors_line, money, price_range

    chat.say(f"{session.title}  ({session.id})")
    if session.brief:
        chat.say(f"Brief:   {session.brief}")
    chat.say(f"Model:   {session.model}")
    chat.say(f"Editors: {editors_line(session.cast)}")
    quote = price_range(session.quote_low_microcredits, session.quote_high_microcredits, unit)
    chat.say(f"Price:   {quote}, never more than {money(session.cap_microcredits, unit)}\n")


def tell_end(chat: TerminalChat, session: Session, files: list[str], out: str, unit: Unit) -> None:
    """Say where the files are, or how to go on."""
    from admin_cli.foreground import resume_hint
    from bots.views.words import park_words
    from core.sessions.model import ENDED, Status

    for path in files:
        chat.say(f"File: {path}")
    if session.status in {Status.COMPLETED, Status.STOPPED}:
        chat.say(f"All comments: {program()} sessions comments {session.id}")
    if session.status in {Status.COMPLETED, Status.STOPPED} and not session.notes_only:
        chat.say(
            f"One more round: {program()} sessions more {session.id}\n"
            f'With guidance: {program()} sessions continue {session.id} "what to do"'
        )
    elif session.status is Status.PAUSED:
        chat.say(f"Paused. Go on with: {resume_hint(session.id, out)}")
    elif session.status is Status.WAITING:
        chat.say(f"It waits: {park_words(session.park_reason, unit)}. Go on with: {resume_hint(session.id, out)}")
    elif session.status not in ENDED:
        say(f"It is {session.status.value}. Watch it with: {program()} sessions watch {session.id}")


def read_upload(file: str) -> Upload:
    """Return the file that somebody named, or end with one line that says why not."""
    from pathlib import Path

    from admin_cli.extract import read_input
    from core.sessions.requests import Upload

    path = Path(file)
    return Upload(path.name, read_input(path))


def _sample() -> Upload | None:
    """Return the sample that the repository ships, None where there is no repository."""
    from pathlib import Path

    path: Path = Path(__file__).parent.parent / "samples" / "proposal.docx"
    return read_upload(str(path)) if path.exists() else None
