"""The composition root of the command line: the parts of the bots, opened for one command."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bots.bootstrap import Choices, Parts
    from bots.settings import Settings
    from core.orchestration.ports import ChatPort

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
    from storage import migrate

    with database_reached(settings):
        return migrate.current(settings.database_url.get_secret_value()), migrate.head()


async def probe_files(settings: Settings, key: str, data: bytes) -> bytes:
    """Store *data*, return what is read back, and leave nothing behind."""
    from storage.files.objects import file_store

    store = file_store(settings.resolved_files_url)
    await store.put(key, data)
    try:
        return await store.get(key)
    finally:
        await store.delete(key)


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
