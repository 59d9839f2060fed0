"""`atelier discord`: the app at Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from admin_cli.bootstrap import read_settings
from admin_cli.output import fail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bots.discord.checks import DiscordFinding
    from bots.discord.invalid import InvalidRequests
    from bots.discord.login import RestLogin

T = TypeVar("T")

app = typer.Typer(help="The app at Discord.", no_args_is_help=True, rich_markup_mode=None)
_Guild = Annotated[str, typer.Option("--guild", help="Id of one server; there changes appear at once.")]
_IDS = 15, 20


@app.command()
def sync(guild: _Guild = "") -> None:
    """Give Discord the commands of this version, if it has others. The role discord does it by itself when it starts."""

    async def work(login: RestLogin, _: InvalidRequests) -> bool:
        from functools import partial

        from bots.discord.sync import sync_app
        from bots.discord.tree import command_payloads

        return await sync_app(login.client, partial(command_payloads, sells=_sells()), guild=_checked(guild))

    typer.echo("Synced." if _run(work) else "Nothing to sync: Discord has these commands.")


@app.command()
def invite(guild: _Guild = "") -> None:
    """Print the link by which a server gets the app.

    It asks for exactly the permissions that the app uses.
    """
    from bots.discord.invite import find_application, invite_link

    async def work(login: RestLogin, _: InvalidRequests) -> str:
        return await find_application(login.client)

    typer.echo(invite_link(_run(work), guild=_checked(guild)))


@app.command()
def check(
    channel: Annotated[str, typer.Option("--channel", help="Id of a channel in which sessions are to work.")] = "",
) -> None:
    """Look at token, intents, commands and, in a channel, permissions.

    Exit 1 if something is wrong.
    """
    from bots.discord.checks import check_discord
    from core.clock import SystemClock

    async def work(login: RestLogin, invalid: InvalidRequests) -> list[DiscordFinding]:
        content, wanted = read_settings().discord_message_content, _checked(channel)
        return await check_discord(
            login.client, invalid=invalid, clock=SystemClock(), message_content=content, channel=wanted, sells=_sells()
        )

    findings = _run(work)
    for finding in findings:
        typer.echo(f"{finding.outcome:8} {finding.name}: {finding.detail}")
    if any(finding.outcome == "failed" for finding in findings):
        raise typer.Exit(1)


def _sells() -> bool:
    return read_settings().stripe_secret_key is not None


def _run(work: Callable[[RestLogin, InvalidRequests], Awaitable[T]]) -> T:
    """Do *work* with a way to log in, and return its result; what Discord refuses ends the command."""
    import asyncio

    from bots.discord.invalid import InvalidRequests
    from bots.discord.login import RestLogin, use_api
    from core.clock import SystemClock
    from core.orchestration.ports import PostRefused

    settings = read_settings()
    token = settings.discord_token
    if token is None:
        fail("DISCORD_TOKEN is not set: it is under Bot at discord.com/developers.")
    if settings.discord_api_url:
        use_api(settings.discord_api_url)

    async def main() -> T:
        invalid = InvalidRequests(SystemClock())
        login = RestLogin(token.get_secret_value(), invalid=invalid)
        try:
            return await work(login, invalid)
        finally:
            await login.aclose()

    try:
        return asyncio.run(main())
    except PostRefused as error:
        fail(f"Discord refused it: {error.reason}", code=1)


def _checked(snowflake: str) -> str:
    """Return an id of Discord's, or end with a word about it."""
    if snowflake and not (snowflake.isdigit() and _IDS[0] <= len(snowflake) <= _IDS[1]):
        fail(f"{snowflake} is no id of Discord's: switch on Developer Mode there, then use Copy ID.")
    return snowflake
