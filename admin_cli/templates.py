"""`atelier templates`: the starts that workspaces keep, and those that ship."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import print_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bots.bootstrap import Parts
    from core.workspaces.model import Template

app = typer.Typer(help="Named starts of sessions.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(
    workspace: Annotated[
        str | None, typer.Argument(help="Whose, such as slack:T1; only those that ship if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the templates that can be used in a workspace, its own first."""
    from dataclasses import asdict

    from admin_cli.bootstrap import run
    from core.sessions.templates import Templates, shipped_templates

    async def work(parts: Parts) -> Sequence[Template]:
        return await Templates(store=parts.database, clock=parts.clock).list_for(workspace or "")

    rows: list[dict[str, Any]] = [
        {**asdict(one), "ships": not one.workspace_id, "created_at": one.created_at.isoformat()}
        for one in (run(work) if workspace else shipped_templates())
    ]
    columns = ("id", "name", "ships", "team", "rounds", "made_by")
    print_rows(rows, columns, as_json=as_json, empty="There are no templates.")
