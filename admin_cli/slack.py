"""`atelier slack`: setting the app up at Slack."""

from __future__ import annotations

from typing import Annotated

import typer

from admin_cli.output import BAD_INPUT, FAILED, print_json, say

app = typer.Typer(help="The app at Slack.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _slack() -> None:
    """The app at Slack."""  # a group of one command would else be the command itself


@app.command()
def manifest(
    url: Annotated[str, typer.Option("--url", help="Where Slack reaches this server; PUBLIC_URL if left out.")] = "",
    socket: Annotated[
        bool | None,
        typer.Option("--socket/--http", help="How events come in; by SLACK_APP_TOKEN if left out."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What people call the app.")] = "Atelier",
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Let tokens end after 12 hours; Slack does not let that be undone.")
    ] = False,
) -> None:
    """Print the app's manifest as JSON.

    It is for "Create New App > From a manifest" at api.slack.com/apps.
    """
    from admin_cli.bootstrap import read_settings
    from bots.slack.manifest import app_manifest

    settings = read_settings()
    is_socket = settings.slack_app_token is not None if socket is None else socket
    address = url or settings.public_url
    if not address and not is_socket:
        say("Slack needs a way in: give --url, set PUBLIC_URL, or use --socket.")
        raise typer.Exit(BAD_INPUT)
    print_json(app_manifest(public_url=address, is_socket=is_socket, name=name, rotates_tokens=rotate))


@app.command()
def reencrypt(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Encrypt every stored token with the first of SECRET_KEYS.

    Then the old keys may be dropped. Harmless to repeat and to break off. Ends with an error if a token was left that no key opens.
    """
    from admin_cli.bootstrap import read_settings, reencrypt_tokens

    settings = read_settings()
    if not settings.secret_keys:
        say("SECRET_KEYS is not set: there is nothing to encrypt with.")
        raise typer.Exit(BAD_INPUT)
    done = reencrypt_tokens(settings)
    if as_json:
        print_json({"encrypted": done.done, "unreadable": done.unreadable})
    else:
        typer.echo(f"{done.done} encrypted with the current key.")
    if done.unreadable:
        say(f"{done.unreadable} cannot be opened by any key: keep the old keys, or let those workspaces install again.")
        raise typer.Exit(FAILED)
