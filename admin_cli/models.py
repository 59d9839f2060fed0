"""`atelier models`: what can be asked."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from admin_cli.output import print_rows

app = typer.Typer(help="The models that Atelier knows.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_(
    configured: Annotated[bool, typer.Option("--configured", help="Only those whose provider has a key.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List models with their limits, list prices and end of life."""
    from admin_cli.bootstrap import read_settings
    from bots.bootstrap import load_catalogue, make_registry
    from core.clock import SystemClock

    settings = read_settings()
    catalogue = load_catalogue(settings)
    clock = SystemClock()
    registry = make_registry(settings, catalogue, clock=clock)
    usable = {*registry.configured_providers(), "rehearsal"}
    today = clock.now().date()
    rows: list[dict[str, Any]] = []
    for spec in catalogue.list():
        if configured and spec.provider not in usable:
            continue
        price = spec.price(today, 0)
        rows.append(
            {
                "id": spec.id,
                "name": spec.name,
                "provider": spec.provider,
                "configured": spec.provider in usable,
                "context_tokens": spec.context_tokens,
                "input_dollars": float(price.input),
                "output_dollars": float(price.output),
                "ends": spec.eol.isoformat() if spec.eol else None,
                "replacement": spec.replacement or None,
                "aliases": list(spec.aliases),
                "default": spec.id == registry.default_model(),
            }
        )
    columns = ("id", "name", "provider", "configured", "context_tokens", "input_dollars", "output_dollars", "ends")
    print_rows(rows, columns, as_json=as_json, empty="No provider is configured.")
