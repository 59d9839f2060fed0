"""`atelier credits`: the operator's hand in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import FAILED, fail, print_json, print_rows, say

if TYPE_CHECKING:
    from bots.bootstrap import Parts
    from core.money import Unit
    from core.sessions.ports import Transaction

app = typer.Typer(help="Grant credits, read the ledger, check it.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def grant(
    workspace_id: Annotated[str, typer.Argument(help="Who gets them.")],
    amount: Annotated[str, typer.Argument(help="How many credits, above 0; at most six decimals.")],
    reason: Annotated[str, typer.Option(help="Why, for the ledger.")],
    key: Annotated[str, typer.Option(help="Names this grant: the same key grants once, however often it is run.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Give credits to a workspace, once for each key."""
    from admin_cli.bootstrap import run
    from bots.views.words import left
    from core.credits.model import LotKind

    microcredits = _microcredits(amount)
    if not key.strip():
        fail("--key must not be empty.")
    if not yes and not as_json:
        typer.confirm(f"Grant {amount} credits to {workspace_id}?", abort=True, err=True)

    async def work(parts: Parts) -> tuple[tuple[bool, int] | None, Unit]:
        def write(tx: Transaction) -> tuple[bool, int] | None:
            if tx.workspaces.find(workspace_id) is None:
                return None
            granted = parts.ledger.grant(
                tx.credits,
                workspace_id=workspace_id,
                kind=LotKind.ADMIN,
                amount_microcredits=microcredits,
                source_key=f"admin:{key}",
                actor="operator",
                reason=reason,
            )
            if granted:
                _audit(parts, tx, workspace_id, amount=amount, key=key, reason=reason)
            return granted, parts.ledger.balance(tx.credits, workspace_id).available_microcredits

        return await parts.database.write(write), parts.tariff.unit

    outcome, unit = run(work)
    if outcome is None:
        fail(f"There is no workspace {workspace_id!r}. `atelier workspaces list` shows which there are.")
    granted, available = outcome
    shown = left(available, unit)
    if as_json:
        balance = _credits(available)
        print_json({"granted": granted, "workspace": workspace_id, "key": key, "balance_credits": balance})
    elif granted:
        typer.echo(f"Granted. {workspace_id} has {shown}.")
    else:
        typer.echo(f"The key {key!r} was used before, so nothing changed. {workspace_id} has {shown}.")


@app.command()
def history(
    workspace_id: Annotated[str, typer.Argument(help="Whose ledger.")],
    limit: Annotated[int, typer.Option(min=1, help="At most this many entries, the newest ones.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List entries of the ledger, oldest first.

    Where nothing is sold, what was used in dollars. With --json amounts are credits everywhere.
    """
    from admin_cli.bootstrap import run
    from core.money import Unit

    async def work(parts: Parts) -> tuple[list[dict[str, Any]] | None, Unit]:
        def read(tx: Transaction) -> list[dict[str, Any]] | None:
            if tx.workspaces.find(workspace_id) is None:
                return None
            account = tx.credits.find_account(workspace_id)
            after = max(0, (account.seq if account is not None else 0) - limit)
            return [
                {
                    "seq": entry.seq,
                    "at": entry.at.isoformat(timespec="seconds"),
                    "kind": entry.kind.value,
                    "credits": _credits(entry.amount_microcredits),
                    "balance": _credits(entry.posted_after_microcredits),
                    "actor": entry.actor,
                    "reason": entry.reason,
                    "key": entry.idempotency_key,
                }
                for entry in tx.credits.list_entries(workspace_id, after_seq=after, limit=limit)
            ]

        return await parts.database.read(read), parts.tariff.unit

    rows, unit = run(work)
    if rows is None:
        fail(f"There is no workspace {workspace_id!r}. `atelier workspaces list` shows which there are.")
    if as_json:
        print_json(rows)
    elif unit is Unit.DOLLARS:
        used = [{**row, "used": _shown(-row["credits"], unit) if row["credits"] <= 0 else None} for row in rows]
        print_rows(used, ("seq", "at", "kind", "used", "actor"), as_json=False, empty="Nothing was used yet.")
    else:
        both = [{**row, **{name: _shown(row[name], unit) for name in ("credits", "balance")}} for row in rows]
        columns = ("seq", "at", "kind", "credits", "balance", "actor", "reason")
        print_rows(both, columns, as_json=False, empty="The ledger is empty.")


@app.command()
def check(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Add the whole ledger up again.

    Exit 1 with the differences if there are any.
    """
    from admin_cli.bootstrap import run

    async def work(parts: Parts) -> tuple[int, list[dict[str, Any]]]:
        accounts = await parts.database.read(lambda tx: [item.workspace_id for item in tx.credits.list_accounts()])
        rows: list[dict[str, Any]] = []
        for workspace_id in accounts:
            differences = await parts.database.read(lambda tx, one=workspace_id: parts.ledger.check(tx.credits, one))  # type: ignore[misc]
            rows += [{"workspace": workspace_id, "difference": str(difference)} for difference in differences]
        return len(accounts), rows

    from bots.views.words import count

    accounts, rows = run(work)
    if as_json:
        print_json({"accounts": accounts, "differences": rows})
    elif rows:
        print_rows(rows, ("workspace", "difference"), as_json=False, empty="")
    else:
        typer.echo(f"{'1 account adds' if accounts == 1 else f'{accounts} accounts add'} up to the micro-credit.")
    if rows:
        if not as_json:
            say(f"{count(len(rows), 'difference')}.")
        raise typer.Exit(FAILED)


def _microcredits(amount: str) -> int:
    from decimal import Decimal, InvalidOperation

    from core.money import MICROCREDITS_PER_CREDIT, credits_to_microcredits

    try:
        value = Decimal(amount)
    except InvalidOperation:
        fail(f"{amount!r} is not a number.")
    if not value.is_finite() or value <= 0 or value * MICROCREDITS_PER_CREDIT % 1:
        fail(f"{amount!r} is not an amount of credits: above 0, at most six decimals.")
    return credits_to_microcredits(value)


def _shown(credits_: float, unit: Unit) -> str:
    from decimal import Decimal

    from bots.views.words import exact
    from core.money import credits_to_microcredits

    return exact(credits_to_microcredits(Decimal(str(credits_))), unit)


def _credits(microcredits: int) -> float:
    from core.money import microcredits_to_credits

    return float(microcredits_to_credits(microcredits))


def _audit(parts: Parts, tx: Transaction, workspace_id: str, **details: str) -> None:
    from core.sessions.ports import AuditEntry

    tx.audit.add(
        AuditEntry(
            at=parts.clock.now(),
            actor="operator",
            action="credits_granted",
            workspace_id=workspace_id,
            target=workspace_id,
            details=dict(details),
        )
    )
