"""`atelier db`: the database's schema."""

from __future__ import annotations

from typing import Annotated

import typer

from admin_cli.output import fail, print_json

app = typer.Typer(help="The database's schema.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def upgrade(
    grant: Annotated[
        str,
        typer.Option(
            "--grant",
            metavar="ROLE",
            help="Let this role of the PostgreSQL server serve: read and write, alter nothing.",
        ),
    ] = "",
) -> None:
    """Bring the database to the schema of this version.

    The durable engine's tables included.
    """
    from admin_cli.bootstrap import read_settings
    from bots.bootstrap import database_reached
    from core.orchestration.engine import migrate_engine
    from storage import migrate, schema
    from storage.errors import RoleUnknown

    settings = read_settings()
    if grant and settings.is_sqlite:
        fail("A SQLite file has no roles: --grant is for PostgreSQL.")
    if settings.database_path is not None:
        settings.database_path.parent.mkdir(parents=True, exist_ok=True)
    with database_reached(settings):
        migrate.upgrade(settings.database_url.get_secret_value())
        if grant:
            try:
                schema.grant(settings.database_url.get_secret_value(), grant)
            except RoleUnknown:
                fail(f"The server has no role {grant!r}: create it first, with a password and without any other right.")
    if not settings.is_sqlite:  # in a file the engine makes its tables at the first start
        migrate_engine(settings.engine_url, serving_role=grant)
    typer.echo(f"The database is at {schema.head()}.")
    if grant:
        typer.echo(f"{grant} may serve.")


@app.command()
def current(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show which schema the database has.

    Exit 1 when it is not the one that this version needs.
    """
    from admin_cli.bootstrap import read_settings, schema_of
    from storage import schema

    settings = read_settings()
    path = settings.database_path
    missing = settings.is_sqlite and (path is None or not path.exists())
    found, head = (None, schema.head()) if missing else schema_of(settings)
    if as_json:
        print_json({"current": found, "head": head, "up_to_date": found == head})
    else:
        typer.echo(f"current: {found or 'empty'}\nneeded:  {head}")
    if found != head:
        raise typer.Exit(1)
