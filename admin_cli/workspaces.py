"""`atelier workspaces`: who pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import fail, print_json, print_rows, told

if TYPE_CHECKING:
    from bots.bootstrap import Parts
    from core.money import Unit
    from core.sessions.ports import Transaction
    from core.workspaces.model import Workspace

app = typer.Typer(help="Slack teams, Discord servers and the terminal.", no_args_is_help=True, rich_markup_mode=None)
_PAGE = 200


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List workspaces."""
    from admin_cli.bootstrap import run
    from core.money import Unit

    async def work(parts: Parts) -> tuple[list[dict[str, Any]], Unit]:
        def read(tx: Transaction) -> list[dict[str, Any]]:
            found: list[Workspace] = []
            while page := tx.workspaces.list_all(limit=_PAGE, after=found[-1].id if found else ""):
                found.extend(page)
            return [_row(parts, tx, workspace) for workspace in found]

        return await parts.database.read(read), parts.tariff.unit

    rows, unit = run(work)
    if not as_json:
        rows = [_for_people(row, unit) for row in rows]
    money = ("used",) if unit is Unit.DOLLARS else ("tier", "balance")
    columns = ("id", "name", "members", "sessions", *money)
    print_rows(rows, columns, as_json=as_json, empty="There are no workspaces yet.")


@app.command()
def show(
    workspace_id: Annotated[str, typer.Argument(help="Such as slack:T1, discord:1 or terminal:local.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one workspace: what it used or has left, settings, members."""
    from dataclasses import asdict

    from admin_cli.bootstrap import run

    async def work(parts: Parts) -> tuple[dict[str, Any] | None, Unit]:
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

        return await parts.database.read(read), parts.tariff.unit

    found, unit = run(work)
    if found is None:
        fail(f"There is no workspace {workspace_id!r}. `atelier workspaces list` shows which there are.")
    if as_json:
        print_json(found)
        return
    _print(_for_people(found, unit))


def _print(shown: dict[str, Any]) -> None:
    for name, value in shown.items():
        if name == "people":
            typer.echo(f"people: {', '.join(person['name'] or person['id'] for person in value) or 'nobody yet'}")
        elif name == "settings":
            typer.echo("settings:")
            for setting, chosen in value.items():
                typer.echo(f"  {setting.replace('_', ' ')}: {told(chosen)}")
        elif value is not None:
            typer.echo(f"{name.replace('_', ' ')}: {told(value)}")


def _row(parts: Parts, tx: Transaction, workspace: Workspace) -> dict[str, Any]:
    balance = parts.ledger.balance(tx.credits, workspace.id)
    used: dict[str, float] = {}
    if not parts.tariff.sells:  # what was given to try it is no use, nor less of it
        granted = sum(lot.amount_microcredits for lot in tx.credits.list_lots(workspace.id, only_remaining=False))
        used["used_credits"] = _credits(granted - balance.posted_microcredits)
    return {
        "id": workspace.id,
        "name": workspace.name,
        "platform": workspace.platform,
        "tier": workspace.tier,
        "members": len(tx.workspaces.list_members(workspace.id)),
        "sessions": tx.sessions.count(workspace.id),
        "balance_credits": _credits(balance.available_microcredits),
        **used,
    }


def _for_people(row: dict[str, Any], unit: Unit) -> dict[str, Any]:
    """Return a row with its amounts as people see them: where nothing is sold, what was used, and no tier."""
    from decimal import Decimal

    from bots.views.words import exact
    from core.money import Unit, credits_to_microcredits

    def microcredits(name: str) -> int:
        return credits_to_microcredits(Decimal(str(row[name])))

    shown = {name: value for name, value in row.items() if not name.endswith("_credits")}
    if unit is Unit.DOLLARS:
        shown.pop("tier")
        shown["used"] = exact(microcredits("used_credits"), unit)
    else:
        amounts = [name for name in row if name.endswith("_credits")]
        shown |= {name.removesuffix("_credits"): exact(microcredits(name), unit) for name in amounts}
    settings = shown.get("settings")
    if settings is not None:
        ending = "_microcredits"
        shown["settings"] = {
            name.removesuffix(ending): exact(value, unit) if name.endswith(ending) and value is not None else value
            for name, value in settings.items()
        }
    return shown


def _credits(microcredits: int) -> float:
    from core.money import microcredits_to_credits

    return float(microcredits_to_credits(microcredits))
