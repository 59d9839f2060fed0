"""`atelier discord`: the app at Discord."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from admin_cli.output import fail

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import discord

app = typer.Typer(help="The app at Discord.", no_args_is_help=True, rich_markup_mode=None)
_Guild = Annotated[str, typer.Option("--guild", help="Id of one server; there changes appear at once.")]
_IDS = 15, 20


@app.command()
def sync(guild: _Guild = "") -> None:
    """Give Discord the commands of this version, if it has others. A server of the role gateway does it by itself."""

    async def work(client: discord.Client) -> bool:
        from bots.discord.sync import sync_commands
        from bots.discord.tree import command_payloads

        return await sync_commands(client, command_payloads(client), guild=_checked(guild))

    typer.echo("Synced." if _logged_in(work) else "Nothing to sync: Discord has these commands.")


@app.command()
def invite(guild: _Guild = "") -> None:
    """Print the link by which a server gets the app, with exactly the permissions that it uses."""
    from bots.discord.invite import invite_link

    async def work(client: discord.Client) -> str:
        return str(client.application_id or "")

    typer.echo(invite_link(_logged_in(work), guild=_checked(guild)))


@app.command()
def check(
    channel: Annotated[str, typer.Option("--channel", help="Id of a channel in which sessions are to work.")] = "",
) -> None:
    """Look at the token, the intents, the commands, and the permissions in a channel; exit 1 if something is wrong."""
    from admin_cli.bootstrap import read_settings

    settings = read_settings()
    code = 0
    for finding in _run(settings, _examine(settings, _checked(channel))):
        typer.echo(f"{finding.outcome:8} {finding.name}: {finding.detail}")
        code = code or int(finding.outcome == "failed")
    if code:
        raise typer.Exit(code)


def _examine(settings: Any, channel: str) -> Callable[[Any, Any], Awaitable[Any]]:
    async def work(login: Any, invalid: Any) -> Any:
        from bots.discord.checks import check_discord
        from core.clock import SystemClock

        return await check_discord(
            login.client,
            invalid=invalid,
            clock=SystemClock(),
            message_content=settings.discord_message_content,
            channel=channel,
        )

    return work


def _logged_in(work: Callable[[discord.Client], Awaitable[Any]]) -> Any:
    """Return what *work* gives, done with a client that is logged in."""
    from admin_cli.bootstrap import read_settings

    async def with_client(login: Any, _: Any) -> Any:
        import discord

        try:
            return await work(await login.client())
        except discord.HTTPException as error:
            fail(f"Discord refused it: {error.status} {error.text}", code=1)

    return _run(read_settings(), with_client)


def _run(settings: Any, work: Callable[[Any, Any], Awaitable[Any]]) -> Any:
    import asyncio

    from bots.discord.invalid import InvalidRequests
    from bots.discord.login import RestLogin, use_api
    from core.clock import SystemClock

    if settings.discord_token is None:
        fail("DISCORD_TOKEN is not set: it is under Bot at discord.com/developers.")
    if settings.discord_api_url:
        use_api(settings.discord_api_url)

    async def main() -> Any:
        invalid = InvalidRequests(SystemClock())
        login = RestLogin(settings.discord_token.get_secret_value(), invalid=invalid)
        try:
            return await work(login, invalid)
        finally:
            await login.aclose()

    return asyncio.run(main())


def _checked(snowflake: str) -> str:
    """Return an id of Discord's, or end with a word about it."""
    if snowflake and not (snowflake.isdigit() and _IDS[0] <= len(snowflake) <= _IDS[1]):
        fail(f"{snowflake} is no id of Discord's: switch on Developer Mode there, then use Copy ID.")
    return snowflake
