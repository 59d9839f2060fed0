"""`atelier db`: the database's schema."""

from __future__ import annotations

from typing import Annotated

import typer

from admin_cli.output import print_json

app = typer.Typer(help="The database's schema.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def upgrade() -> None:
    """Bring the database to this version's schema."""
    from admin_cli.bootstrap import read_settings
    from bots.bootstrap import database_reached
    from storage import migrate

    settings = read_settings()
    if settings.database_path is not None:
        settings.database_path.parent.mkdir(parents=True, exist_ok=True)
    with database_reached(settings):
        migrate.upgrade(settings.database_url.get_secret_value())
    typer.echo(f"The database is at {migrate.head()}.")


@app.command()
def current(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show which schema the database has.

    Exit 1 when it is not the one that this version needs.
    """
    from admin_cli.bootstrap import read_settings, schema_of
    from storage import migrate

    settings = read_settings()
    path = settings.database_path
    missing = settings.is_sqlite and (path is None or not path.exists())
    found, head = (None, migrate.head()) if missing else schema_of(settings)
    if as_json:
        print_json({"current": found, "head": head, "up_to_date": found == head})
    else:
        typer.echo(f"current: {found or 'empty'}\nneeded:  {head}")
    if found != head:
        raise typer.Exit(1)
