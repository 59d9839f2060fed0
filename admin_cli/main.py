"""`atelier`: everything that an operator does, one group a noun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core
from typing_extensions import override

from admin_cli import (
    billing,
    credits,
    db,
    demo,
    discord,
    doctor,
    extract,
    models,
    projects,
    saving,
    serve,
    sessions,
    slack,
    templates,
    workspaces,
)
from admin_cli.output import BAD_INPUT, FAILED, print_anything, say, sentence_of

if TYPE_CHECKING:
    from typer._click import Context


class _Group(typer.core.TyperGroup):
    """Turns errors that people can act on into one sentence; everything else is a fault and keeps its traceback."""

    @override
    def invoke(self, ctx: Context) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            from core.errors import AtelierError, UserFacingError

            if not isinstance(error, AtelierError):
                raise
            say(sentence_of(error))
            raise typer.Exit(BAD_INPUT if isinstance(error, UserFacingError) else FAILED) from error


app = typer.Typer(
    name="atelier",
    cls=_Group,
    help="An editorial room for Slack and Discord: run it, look after it, try it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Rich's help costs more CPU than everything else together
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("extract")(extract.extract)
app.command("doctor")(doctor.doctor)
sessions.app.command("save")(saving.save)
app.add_typer(db.app, name="db")
app.add_typer(workspaces.app, name="workspaces")
app.add_typer(sessions.app, name="sessions")
app.add_typer(projects.app, name="projects")
app.add_typer(templates.app, name="templates")
app.add_typer(credits.app, name="credits")
app.add_typer(billing.app, name="billing")
app.add_typer(models.app, name="models")
app.add_typer(slack.app, name="slack")
app.add_typer(discord.app, name="discord")


def _show_version(value: bool) -> None:
    if value:
        from bots.bootstrap import program_version

        typer.echo(f"atelier {program_version()}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


def run() -> None:
    """Run the command line."""
    print_anything()
    app()
