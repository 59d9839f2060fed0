"""The composition root of the command line: the parts of the bots, opened for one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bots.bootstrap import Choices, Parts
    from bots.discord.checks import DiscordFinding
    from bots.settings import Settings
    from bots.slack.checks import SlackFinding
    from core.billing.setup import SetupProblem
    from core.orchestration.ports import ChatPort
    from core.workspaces.installations import Resealed

T = TypeVar("T")


def read_settings() -> Settings:
    """Return the settings and send the log to standard error, warnings only: commands speak for themselves.

    Raises:
        BadSettings: If a variable is wrong.
    """
    from bots.logs import configure_logging
    from bots.settings import load_settings

    settings = load_settings()
    configure_logging(log_format=settings.log_format, level="WARNING")
    return settings


def run(
    work: Callable[[Parts], Awaitable[T]],
    *,
    settings: Settings | None = None,
    chats: Mapping[str, ChatPort] | None = None,
    choices: Choices | None = None,
) -> T:
    """Open the parts, do *work*, close them, and return its result."""
    import asyncio

    from bots.bootstrap import open_parts

    chosen = settings or read_settings()

    async def main() -> T:
        async with open_parts(chosen, chats=chats, choices=choices) as parts:
            return await work(parts)

    return asyncio.run(main())


def schema_of(settings: Settings) -> tuple[str | None, str]:
    """Return the schema that the database has, None for an empty one, and the one that this version needs.

    Raises:
        DatabaseUnreachable: If the database does not answer.
    """
    from bots.bootstrap import database_reached
    from storage import schema

    with database_reached(settings):
        return schema.current(settings.database_url.get_secret_value()), schema.head()


async def probe_files(settings: Settings, key: str, data: bytes) -> bytes:
    """Store *data*, return what is read back, and leave nothing behind."""
    from storage.files.objects import file_store

    store = file_store(settings.resolved_files_url)
    await store.put(key, data)
    try:
        return await store.get(key)
    finally:
        await store.delete(key)


async def examine_slack(settings: Settings, *, has_database: bool, channel: str = "") -> tuple[SlackFinding, ...]:
    """Return what Slack says; see `bots.slack.examining.examine_slack`."""
    from bots.slack.examining import examine_slack as examine
    from core.clock import SystemClock
    from storage.database import Database
    from storage.files.objects import file_store
    from storage.secrets import SecretBox

    keys = [key.get_secret_value() for key in settings.secret_keys]
    cipher = SecretBox(keys) if settings.slack_client_id and keys else None
    database = Database.from_url(settings.database_url.get_secret_value()) if has_database else None
    files = file_store(settings.resolved_files_url)
    try:
        return await examine(settings, store=database, files=files, clock=SystemClock(), cipher=cipher, channel=channel)
    finally:
        if database is not None:
            await database.aclose()


def reencrypt_tokens(settings: Settings) -> Resealed:
    """Encrypt the stored tokens of workspaces anew; see `bots.slack.installations.reencrypt`."""
    from bots.slack.installations import reencrypt
    from storage.secrets import SecretBox

    box = SecretBox([key.get_secret_value() for key in settings.secret_keys])

    async def work(parts: Parts) -> Resealed:
        return await reencrypt(parts.database, box)

    return run(work, settings=settings)


async def examine_shop(settings: Settings) -> tuple[SetupProblem, ...]:
    """Return what is wrong with the shop; see `core.billing.setup.check_setup`.

    Raises:
        BillingUnavailable: If Stripe does not answer.
        BillingRefused: If the key is not right.
        ValueError: If one price stands for two products.
    """
    from bots.shop import catalogue_of, stripe_config
    from core.billing.setup import check_setup
    from core.billing.stripe_gateway import StripeGateway
    from core.credits.tiers import load_price_list

    catalogue = catalogue_of(settings, load_price_list())
    gateway = StripeGateway(stripe_config(settings), catalogue)
    try:
        return await check_setup(gateway, catalogue, has_webhook_secret=settings.stripe_webhook_secret is not None)
    finally:
        await gateway.aclose()


async def probe_engine(settings: Settings) -> None:
    """Return when the engine's database answered and has its tables; what its driver raises tells why not.

    Raises:
        EngineOutdated: If `atelier db upgrade` is due.
    """
    from core.orchestration.engine import EngineClient, EngineConfig
    from storage.durable import sqlite_engine

    url = settings.engine_url
    client = EngineClient(EngineConfig(url=url, executor_id="doctor", sqlite_engine=sqlite_engine(url)))
    try:
        await client.ping()
        if not settings.is_sqlite:  # a file is brought up to date by whatever runs sessions next
            await client.verify()
    finally:
        await client.aclose()


async def examine_discord(settings: Settings, *, channel: str = "") -> list[DiscordFinding]:
    """Return how the app stands at Discord; see `bots.discord.checks.check_discord`."""
    from bots.discord.checks import check_discord
    from bots.discord.invalid import InvalidRequests
    from bots.discord.login import RestLogin, use_api
    from core.clock import SystemClock

    if settings.discord_api_url:
        use_api(settings.discord_api_url)
    token = settings.discord_token
    clock = SystemClock()
    invalid = InvalidRequests(clock)
    login = RestLogin(token.get_secret_value() if token is not None else "", invalid=invalid)
    try:
        content, sells = settings.discord_message_content, settings.stripe_secret_key is not None
        return await check_discord(
            login.client, invalid=invalid, clock=clock, message_content=content, channel=channel, sells=sells
        )
    finally:
        await login.aclose()
