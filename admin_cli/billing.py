"""`atelier billing`: what was paid, and whether Stripe tells the same story."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import FAILED, fail, print_json, print_rows, say

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import TypeVar

    from bots.bootstrap import Parts
    from core.billing.model import BillingDifference, Reconciliation
    from core.billing.shop import Shop

    T = TypeVar("T")

app = typer.Typer(
    help="Compare with Stripe, repair, look at events and notices.", no_args_is_help=True, rich_markup_mode=None
)
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_DIFFERENCE = ("workspace", "law", "subject", "expected", "found")


@app.command()
def check(
    workspace_id: Annotated[str, typer.Option("--workspace", help="Only this one.")] = "",
    as_json: _Json = False,
) -> None:
    """Compare what was paid with Stripe's objects; change nothing.

    It says too what the last reconciliation repaired and left, and what of the set-up deserves a look. Exit 1 with the
    differences if there are any.
    """

    async def work(
        parts: Parts, shop: Shop
    ) -> tuple[list[dict[str, Any]], Reconciliation | None, list[dict[str, str]]]:
        found = [_row(item) for item in await shop.reconciler.compare(workspace_id or None)]
        last = await parts.database.read(lambda tx: tx.billing.last_reconciliation())
        advice = [{"subject": item.subject, "text": item.text} for item in await shop.check_setup()]
        return found, last, advice

    rows, last, advice = _run(work)
    if as_json:
        told = None if last is None else _told(last)
        print_json({"differences": rows, "last_reconciliation": told, "setup": advice})
    else:
        print_rows(rows, _DIFFERENCE, as_json=False, empty="Stripe and the ledger tell the same story.")
        if last is not None:
            typer.echo(
                f"The last reconciliation, {last.at:%Y-%m-%d %H:%M} UTC, took {last.lost_events} lost events, repaired "
                f"{len(last.repaired)} differences and left {len(last.remaining)}."
            )
        for item in advice:
            typer.echo(f"{item['subject']}: {item['text']}")
    if rows:
        if not as_json:
            say(f"{len(rows)} differences. `atelier billing repair` takes what was lost.")
        raise typer.Exit(FAILED)


@app.command()
def repair(as_json: _Json = False) -> None:
    """Take events that were lost and whatever else differs.

    The job does it twice a day. Exit 1 with what is left if anything is.
    """

    async def work(_: Parts, shop: Shop) -> tuple[int, int, list[dict[str, Any]], list[dict[str, Any]]]:
        done = await shop.reconciler.repair()
        return done.events, len(done.found), [_row(item) for item in done.repaired], [_row(item) for item in done.left]

    events, found, repaired, left = _run(work)
    if as_json:
        print_json({"lost_events": events, "found": found, "repaired": repaired, "left": left})
    else:
        typer.echo(f"{events} lost events were taken; {found} differences were found, {len(left)} are left.")
        if left:
            print_rows(left, _DIFFERENCE, as_json=False, empty="")
    if left:
        raise typer.Exit(FAILED)


@app.command()
def sync(
    workspace_id: Annotated[str, typer.Argument(help="Whose.")],
    as_json: _Json = False,
) -> None:
    """Take everything that Stripe knows of one workspace.

    As if each webhook came now.
    """

    async def work(parts: Parts, shop: Shop) -> tuple[int, float] | None:
        if await parts.database.read(lambda tx: tx.workspaces.find(workspace_id)) is None:
            return None
        granted = await shop.service.sync(workspace_id)
        balance = await parts.database.read(lambda tx: parts.ledger.balance(tx.credits, workspace_id))
        return granted, _credits(balance.available_microcredits)

    outcome = _run(work)
    if outcome is None:
        fail(f"There is no workspace {workspace_id!r}. `atelier workspaces list` shows which there are.")
    granted, balance = outcome
    if as_json:
        print_json({"workspace": workspace_id, "granted": granted, "balance_credits": balance})
    else:
        typer.echo(f"{granted} payments granted something new. {workspace_id} has {balance:g} credits.")


@app.command()
def events(
    state: Annotated[str, typer.Option(help="stored, done, ignored or quarantined.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most this many, the newest ones.")] = 50,
    as_json: _Json = False,
) -> None:
    """List events that Stripe sent, newest first."""
    from core.billing.model import EventState

    if state and state not in set(EventState):
        fail(f"There is no state {state!r}. There are {', '.join(EventState)}.")

    async def work(parts: Parts, _: Shop) -> list[dict[str, Any]]:
        wanted = EventState(state) if state else None
        found = await parts.database.read(lambda tx: tx.billing.list_events(state=wanted, limit=limit))
        return [
            {
                "event": item.id,
                "received": item.received_at.isoformat(timespec="seconds"),
                "type": item.type,
                "object": item.object_id,
                "state": item.state.value,
                "tries": item.attempts,
                "detail": item.detail,
            }
            for item in found
        ]

    columns = ("event", "received", "type", "object", "state", "detail")
    print_rows(_run(work), columns, as_json=as_json, empty="There are no events.")


@app.command()
def retry(
    event_id: Annotated[str, typer.Argument(help="An event that was quarantined or ignored.")], as_json: _Json = False
) -> None:
    """Take an event again, after what stood in the way was put right.

    Exit 1 if it is still in the way.
    """
    from core.billing.model import EventState

    async def work(_: Parts, shop: Shop) -> EventState | None:
        return await shop.fulfilment.retry(event_id)

    state = _run(work)
    if state is None:
        fail(f"There is no event {event_id!r}. `atelier billing events` shows which there are.")
    if as_json:
        print_json({"event": event_id, "state": state.value})
    else:
        typer.echo(f"{event_id} is {state.value}.")
    if state not in {EventState.DONE, EventState.IGNORED}:
        raise typer.Exit(FAILED)


@app.command()
def notices(as_json: _Json = False) -> None:
    """List what people are still to be told privately."""

    async def work(parts: Parts, _: Shop) -> list[dict[str, Any]]:
        found = await parts.database.read(lambda tx: tx.billing.list_open_notices(limit=1_000))
        return [
            {
                "key": item.key,
                "since": item.created_at.isoformat(timespec="seconds"),
                "workspace": item.workspace_id,
                "kind": item.kind.value,
                "audience": item.audience.value,
                "tries": item.attempts,
            }
            for item in found
        ]

    columns = ("since", "workspace", "kind", "audience", "tries", "key")
    print_rows(_run(work), columns, as_json=as_json, empty="Everything was told.")


@app.command()
def setup(as_json: _Json = False) -> None:
    """Check prices and webhook against the price list.

    Says what the endpoint must be sent. Exit 1 if something is wrong that keeps a thing from being sold.
    """

    async def work(_: Parts, shop: Shop) -> tuple[list[dict[str, Any]], tuple[str, ...], bool]:
        found = await shop.check_setup()
        rows = [{"subject": item.subject, "problem": item.text, "warning": item.is_warning} for item in found]
        return rows, shop.fulfilment.event_types, shop.gateway.livemode

    rows, types, livemode = _run(work)
    if as_json:
        print_json({"problems": rows, "livemode": livemode, "events": list(types)})
    else:
        print_rows(rows, ("subject", "problem"), as_json=False, empty="The shop is set up as the price list says.")
        typer.echo(f"Mode: {'live' if livemode else 'test'}. Events for the endpoint: {', '.join(types)}")
    if any(not row["warning"] for row in rows):
        raise typer.Exit(FAILED)


def _run(work: Callable[[Parts, Shop], Awaitable[T]]) -> T:
    """Open the shop beside the parts, do *work*, and close it."""
    from admin_cli.bootstrap import run
    from bots.shop import make_shop

    async def inside(parts: Parts) -> T:
        shop = make_shop(
            parts.settings,
            store=parts.database,
            ledger=parts.ledger,
            prices=parts.prices,
            clock=parts.clock,
            wake=parts.sessions.sweep,
        )
        if shop is None:
            fail("Nothing is sold here: STRIPE_SECRET_KEY is not set.")
        try:
            return await work(parts, shop)
        finally:
            await shop.aclose()

    return run(inside)


def _row(item: BillingDifference) -> dict[str, Any]:
    return {
        "workspace": item.workspace_id,
        "law": item.law,
        "subject": item.subject,
        "expected": item.expected,
        "found": item.found,
    }


def _told(last: Reconciliation) -> dict[str, Any]:
    return {
        "at": last.at.isoformat(timespec="seconds"),
        "lost_events": last.lost_events,
        "repaired": [_row(item) for item in last.repaired],
        "remaining": [_row(item) for item in last.remaining],
    }


def _credits(microcredits: int) -> float:
    from core.money import microcredits_to_credits

    return float(microcredits_to_credits(microcredits))
