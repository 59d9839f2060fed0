"""`atelier sessions`: every session of the installation, and those of this terminal.

Sessions of Slack and Discord run on the service's workers: their verbs are asked here and happen there. A session of
this terminal has no worker of its own, so `new`, `start`, `resume`, `retry`, `more` and `continue` run it here and now,
unless ``--detach`` leaves it to a worker that runs elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import DEFAULT_OUT, FAILED, fail, print_json, print_rows, program, read_amount

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bots.bootstrap import Parts
    from core.orchestration.ports import Snapshot
    from core.sessions.model import Session

app = typer.Typer(
    help="Sessions: list, watch, start, pause, resume, stop.", no_args_is_help=True, rich_markup_mode=None
)
_Id = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id, s_...")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Out = Annotated[str, typer.Option(help="Folder for the finished files.")]
_Detach = Annotated[bool, typer.Option("--detach", help="Leave it to a worker instead of running it here.")]
_COLUMNS = ("session_id", "title", "status", "end_reason", "workspace", "model", "created_at")


@app.command("list")
def list_(
    workspace: Annotated[str | None, typer.Option(help="Only of this workspace.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="Only in this state; may be given several times.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most this many.")] = 50,
    as_json: _Json = False,
) -> None:
    """List sessions, newest first."""
    from admin_cli.bootstrap import run
    from admin_cli.report import session_row
    from core.sessions.model import Status

    for name in status or ():
        if name not in set(Status):
            fail(f"There is no state {name!r}: choose from {', '.join(item.value for item in Status)}.")
    statuses = [Status(name) for name in status or ()]

    async def work(parts: Parts) -> list[dict[str, Any]]:
        found = await parts.sessions.list_sessions(workspace_id=workspace, statuses=statuses, limit=limit)
        return [session_row(session) for session in found]

    print_rows(run(work), _COLUMNS, as_json=as_json, empty="There are no sessions.")


@app.command()
def show(session_id: _Id, as_json: _Json = False) -> None:
    """Show one session: state, rounds, scores, what it cost."""
    from admin_cli.bootstrap import run
    from admin_cli.local import began_as_demo
    from admin_cli.report import session_report
    from bots.bootstrap import Choices
    from bots.terminal.drawing import unmarked
    from bots.views.plain import plain_text
    from bots.views.posts import view_of
    from bots.views.receipt import receipt_post
    from bots.views.streams import harmless
    from core.orchestration.ports import Content, PostKind
    from core.orchestration.snapshot import load_snapshot

    async def work(parts: Parts) -> Snapshot:
        return await load_snapshot(parts.database, session_id, parts.tariff.unit)

    snapshot = run(work, choices=Choices(checks_balance=began_as_demo(session_id)))
    if as_json:
        print_json(session_report(snapshot, [file.name for file in snapshot.files if file.kind == "result"]))
        return
    typer.echo(unmarked(harmless(plain_text(view_of(Content(PostKind.SESSION_CARD, snapshot))))))
    if snapshot.turns:
        typer.echo(f"\n{unmarked(harmless(plain_text(receipt_post(snapshot, is_whole=True))))}")


@app.command()
def comments(
    session_id: _Id,
    round_number: Annotated[
        int | None, typer.Option("--round", min=0, help="Only of this one; 0 is the reading.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Show every comment of the editors, and what became of it."""
    from admin_cli.bootstrap import run
    from admin_cli.report import note_rows
    from bots.terminal.drawing import unmarked
    from bots.views.pages import all_comments
    from bots.views.plain import plain_text
    from bots.views.streams import harmless
    from core.orchestration.snapshot import load_snapshot

    async def work(parts: Parts) -> Snapshot:
        return await load_snapshot(parts.database, session_id, parts.tariff.unit)

    snapshot = run(work)
    if as_json:
        print_json(note_rows(snapshot, round_number))
    else:
        typer.echo(unmarked(harmless(plain_text(all_comments(snapshot, round_number)))))


@app.command()
def watch(session_id: _Id, as_json: _Json = False) -> None:
    """Show a session until it ends or waits.

    Ctrl-C leaves it running.
    """
    from admin_cli import bootstrap, foreground
    from admin_cli.local import began_as_demo
    from admin_cli.report import session_report
    from bots.bootstrap import Choices
    from core.orchestration.snapshot import load_snapshot

    chat = foreground.make_chat(silent=as_json)

    async def work(parts: Parts) -> Snapshot:
        await foreground.watch(parts, chat, session_id)
        return await load_snapshot(parts.database, session_id, parts.tariff.unit)

    try:
        snapshot = bootstrap.run(work, choices=Choices(checks_balance=began_as_demo(session_id)))
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if as_json:
        print_json(session_report(snapshot, []))


@app.command()
def new(
    file: Annotated[str | None, typer.Argument(help="A DOCX, PDF, TXT or MD file; a brief alone will do.")] = None,
    brief: Annotated[str, typer.Option(help="What to do with the file, or what to write.")] = "",
    reference: Annotated[list[str] | None, typer.Option(help="A file that the room reads and leaves as it is.")] = None,
    team: Annotated[str, typer.Option(help="Which team of editors.")] = "",
    editors: Annotated[int | None, typer.Option(help="Editors, 1 to 12.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Rounds with a Writer, 1 to 20.")] = None,
    threshold: Annotated[float | None, typer.Option(help="Score that is good enough, 0 to 10.")] = None,
    model: Annotated[str, typer.Option(help="Model id or alias.")] = "",
    cap: Annotated[
        str | None,
        typer.Option(help="Spend no more than this: credits where they are sold, else dollars; $0.50 is dollars."),
    ] = None,
    minutes: Annotated[int | None, typer.Option(help="Work no longer than this.")] = None,
    language: Annotated[str, typer.Option(help="Language to write in, such as en or de.")] = "",
    notes_only: Annotated[bool, typer.Option("--notes-only", help="Comments only, nothing is rewritten.")] = False,
    workspace: Annotated[str, typer.Option(help="Who pays.")] = "terminal:local",
    draft: Annotated[bool, typer.Option("--draft", help="Create it without starting it.")] = False,
    detach: _Detach = False,
    out: _Out = DEFAULT_OUT,
    as_json: _Json = False,
) -> None:
    """Create a session and run it here.

    With --draft it is only created, and its price told.
    """
    from dataclasses import replace

    from admin_cli.demo import read_upload
    from admin_cli.foreground import prepare_folder
    from admin_cli.local import MEMBER, THREAD, ensure_workspace
    from core.sessions.requests import NewSession

    request = NewSession(
        workspace_id=workspace,
        member_id=MEMBER,
        thread=THREAD,
        brief=brief,
        upload=read_upload(file) if file else None,
        references=tuple(read_upload(name) for name in reference or ()),
        cast=team,
        editors=editors,
        rounds=rounds,
        threshold=threshold,
        model=model,
        notes_only=notes_only,
        language=language,
        max_seconds=None if minutes is None else minutes * 60,
    )

    if not draft and not detach:
        prepare_folder(out)

    async def create(parts: Parts) -> Session:
        await ensure_workspace(parts)
        limit = None if cap is None else read_amount(cap, parts.tariff.unit)
        return await parts.sessions.create(replace(request, cap_microcredits=limit))

    verb = None if draft else (lambda parts, session: parts.sessions.start(session.id, actor=MEMBER))
    _perform(create, verb, detach=detach or draft, out=out, as_json=as_json)


@app.command()
def start(session_id: _Id, detach: _Detach = False, out: _Out = DEFAULT_OUT, as_json: _Json = False) -> None:
    """Start a draft."""
    _verb(session_id, lambda parts, one: parts.sessions.start(one.id, actor=_actor()), detach, out, as_json)


@app.command()
def resume(session_id: _Id, detach: _Detach = False, out: _Out = DEFAULT_OUT, as_json: _Json = False) -> None:
    """Resume a session that is paused or waits.

    One of this terminal goes on right here; one of a platform goes on at a worker.
    """
    _verb(session_id, lambda parts, one: parts.sessions.resume(one.id, actor=_actor()), detach, out, as_json)


@app.command()
def retry(session_id: _Id, detach: _Detach = False, out: _Out = DEFAULT_OUT, as_json: _Json = False) -> None:
    """Retry a session that ended with an error."""
    _verb(session_id, lambda parts, one: parts.sessions.retry(one.id, actor=_actor()), detach, out, as_json)


@app.command()
def more(session_id: _Id, detach: _Detach = False, out: _Out = DEFAULT_OUT, as_json: _Json = False) -> None:
    """Run one more round of a session that is over."""
    _verb(session_id, lambda parts, one: parts.sessions.one_more_round(one.id, actor=_actor()), detach, out, as_json)


@app.command("continue")
def continue_(
    session_id: _Id,
    text: Annotated[str, typer.Argument(help="What to do next.")] = "",
    detach: _Detach = False,
    out: _Out = DEFAULT_OUT,
    as_json: _Json = False,
) -> None:
    """Continue a session that is over, with directions."""

    def verb(parts: Parts, one: Session) -> Awaitable[Session]:
        return parts.sessions.continue_(one.id, actor=_actor(), guidance=text)

    _verb(session_id, verb, detach, out, as_json)


@app.command()
def pause(session_id: _Id, as_json: _Json = False) -> None:
    """Pause a session.

    What is being written is finished first.
    """
    _verb(session_id, lambda parts, one: parts.sessions.pause(one.id, actor=_actor()), True, "", as_json)


@app.command()
def stop(session_id: _Id, as_json: _Json = False) -> None:
    """Stop a session at once and keep its best version."""
    _verb(session_id, lambda parts, one: parts.sessions.stop(one.id, actor=_actor()), True, "", as_json)


def _actor() -> str:
    return "operator"


def _verb(
    session_id: str,
    verb: Callable[[Parts, Session], Awaitable[Session]],
    detach: bool,
    out: str,
    as_json: bool,
) -> None:
    async def find(parts: Parts) -> Session:
        return await parts.sessions.get(session_id)

    _perform(find, verb, session_id=session_id, detach=detach, out=out, as_json=as_json)


def _perform(
    find: Callable[[Parts], Awaitable[Session]],
    verb: Callable[[Parts, Session], Awaitable[Session]] | None,
    *,
    session_id: str = "",
    detach: bool,
    out: str,
    as_json: bool,
) -> None:
    """Find the session, do *verb* to it, and run it here if it is this terminal's and nobody said otherwise."""
    from admin_cli import bootstrap, foreground
    from admin_cli.demo import tell_end, tell_name, tell_quote
    from admin_cli.local import began_as_demo, grant_demo_credits, is_demo
    from admin_cli.report import session_report
    from admin_cli.saving import save_results
    from bots.bootstrap import Choices
    from bots.views.words import lower_first, state_line
    from core.orchestration.snapshot import load_snapshot
    from core.sessions.model import Status

    settings = bootstrap.read_settings()
    chat = foreground.make_chat(silent=as_json)
    files: list[str] = []
    ran_here = False

    async def work(parts: Parts) -> Snapshot:
        nonlocal ran_here
        session = await find(parts)
        ran_here = verb is not None and not detach and session.thread.platform == chat.platform
        if session.status is Status.DRAFT:
            (tell_name if ran_here else tell_quote)(chat, session, parts.tariff.unit)
        if verb is None:
            pass
        elif ran_here:
            foreground.prepare_folder(out)
            if is_demo(session):
                await grant_demo_credits(parts, session)
            await parts.run_sessions()
            await foreground.run_here(parts, chat, session, lambda: verb(parts, session), out=out)
            files.extend(await save_results(parts, session.id, out))
        else:
            await verb(parts, session)
        return await load_snapshot(parts.database, session.id, parts.tariff.unit)

    pace = None if as_json else foreground.watchable_pace()
    choices = Choices(checks_balance=began_as_demo(session_id), rehearsal_pace=pace)
    snapshot = bootstrap.run(work, settings=settings, chats={chat.platform: chat}, choices=choices)
    if as_json:
        print_json(session_report(snapshot, files))
    elif ran_here:
        tell_end(chat, snapshot.session, files, out, snapshot.unit)
    else:
        typer.echo(f"{snapshot.session.id}: {lower_first(state_line(snapshot))}.")
        if snapshot.session.status is Status.DRAFT:
            typer.echo(f"Start it with: {program()} sessions start {snapshot.session.id}")
    if ran_here and snapshot.session.status is Status.FAILED:
        raise typer.Exit(FAILED)
