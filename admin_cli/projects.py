"""`atelier projects`: the folders that workspaces keep their sessions in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import fail, print_rows, program

if TYPE_CHECKING:
    from bots.bootstrap import Parts
    from core.sessions.ports import Transaction
    from core.workspaces.model import Project

app = typer.Typer(help="Folders of sessions.", no_args_is_help=True, rich_markup_mode=None)
_MOST_SESSIONS = 10_000


@app.command("list")
def list_(
    workspace: Annotated[str, typer.Argument(help="Such as slack:T1, discord:1 or terminal:local.")],
    archived: Annotated[bool, typer.Option("--archived", help="Those that were put away, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the projects of a workspace, and what their sessions cost."""
    from admin_cli.bootstrap import run
    from bots.views.words import money
    from core.money import microcredits_to_credits

    async def work(parts: Parts) -> list[dict[str, Any]]:
        def row(tx: Transaction, project: Project) -> dict[str, Any]:
            found = tx.sessions.list_sessions(workspace_id=workspace, project_id=project.id, limit=_MOST_SESSIONS)
            spent = tx.sessions.spent_on([session.id for session in found])
            return {
                "id": project.id,
                "name": project.name,
                "made_by": project.made_by,
                "sessions": len(found),
                "spent": money(spent, parts.tariff.unit),
                "spent_credits": float(microcredits_to_credits(spent)),
                "created_at": project.created_at.isoformat(),
                "archived_at": project.archived_at.isoformat() if project.archived_at else None,
            }

        if await parts.database.read(lambda tx: tx.workspaces.find(workspace)) is None:
            fail(f"There is no workspace {workspace!r}. `{program()} workspaces list` shows which there are.")
        return await parts.database.read(
            lambda tx: [row(tx, project) for project in tx.workspaces.list_projects(workspace, archived=archived)]
        )

    columns = ("id", "name", "sessions", "spent", "archived_at")
    print_rows(run(work), columns, as_json=as_json, empty="There are no projects.")
