"""`atelier workspaces`: who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import fail, print_json, print_rows

if TYPE_CHECKING:
    from bots.bootstrap import Parts
    from core.sessions.ports import Transaction
    from core.workspaces.model import Workspace

app = typer.Typer(help="Slack teams, Discord servers and the terminal.", no_args_is_help=True, rich_markup_mode=None)
_PAGE = 200


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List workspaces."""
    from admin_cli.bootstrap import run

    async def work(parts: Parts) -> list[dict[str, Any]]:
        def read(tx: Transaction) -> list[dict[str, Any]]:
            found: list[Workspace] = []
            while page := tx.workspaces.list_all(limit=_PAGE, after=found[-1].id if found else ""):
                found.extend(page)
            return [_row(parts, tx, workspace) for workspace in found]

        return await parts.database.read(read)

    columns = ("id", "name", "tier", "members", "sessions", "balance_credits")
    print_rows(run(work), columns, as_json=as_json, empty="There are no workspaces yet.")


@app.command()
def show(
    workspace_id: Annotated[str, typer.Argument(help="Such as slack:T1, discord:1 or terminal:local.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one workspace: tier, balance, settings, members."""
    from dataclasses import asdict

    from admin_cli.bootstrap import run

    async def work(parts: Parts) -> dict[str, Any] | None:
        def read(tx: Transaction) -> dict[str, Any] | None:
            workspace = tx.workspaces.find(workspace_id)
            if workspace is None:
                return None
            balance = parts.ledger.balance(tx.credits, workspace_id)
            return {
                **_row(parts, tx, workspace),
                "created_at": workspace.created_at.isoformat(),
                "removed_at": workspace.removed_at.isoformat() if workspace.removed_at else None,
                "set_aside_credits": _credits(balance.reserved_microcredits),
                "debt_credits": _credits(balance.debt_microcredits),
                "settings": asdict(workspace.settings),
                "people": [
                    {"id": member.id, "name": member.name} for member in tx.workspaces.list_members(workspace_id)
                ],
            }

        return await parts.database.read(read)

    found = run(work)
    if found is None:
        fail(f"There is no workspace {workspace_id!r}. `atelier workspaces list` shows which there are.")
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name == "people":
            typer.echo(f"people: {', '.join(person['name'] or person['id'] for person in value) or 'nobody yet'}")
        elif name == "settings":
            typer.echo("settings:")
            for setting, chosen in value.items():
                typer.echo(f"  {setting}: {chosen}")
        else:
            typer.echo(f"{name.replace('_', ' ')}: {value}")


def _row(parts: Parts, tx: Transaction, workspace: Workspace) -> dict[str, Any]:
    balance = parts.ledger.balance(tx.credits, workspace.id)
    return {
        "id": workspace.id,
        "name": workspace.name,
        "platform": workspace.platform,
        "tier": workspace.tier,
        "members": len(tx.workspaces.list_members(workspace.id)),
        "sessions": tx.sessions.count(workspace.id),
        "balance_credits": _credits(balance.available_microcredits),
    }


def _credits(microcredits: int) -> float:
    from core.money import microcredits_to_credits

    return float(microcredits_to_credits(microcredits))
