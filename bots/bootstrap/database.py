"""The database, brought to the schema that this version needs, or said not to be."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bots.settings import Settings


async def prepare_database(settings: Settings) -> None:
    """Bring a SQLite database up to date; a server's schema is changed by `atelier db upgrade` only.

    Raises:
        BadSettings: If a PostgreSQL database is not at this version's schema, or a folder is missing.
        DatabaseUnreachable: If the database does not answer.
    """
    from bots.errors import BadSettings
    from storage import schema

    url = settings.database_url.get_secret_value()
    if settings.is_sqlite:
        path = settings.database_path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with database_reached(settings):
                if await asyncio.to_thread(schema.current, url) != schema.head():
                    from storage import migrate

                    await asyncio.to_thread(migrate.upgrade, url)
        return
    with database_reached(settings):
        current = await asyncio.to_thread(schema.current, url)
    if current != schema.head():
        raise BadSettings(
            (f"The database is at {current or 'nothing'}, not at {schema.head()}: run atelier db upgrade.",)
        )


@contextmanager
def database_reached(settings: Settings) -> Iterator[None]:
    """Say of a database that does not answer where it should be; for what opens it first.

    Raises:
        DatabaseUnreachable: Instead of what the storage raises.
    """
    from bots.errors import DatabaseUnreachable
    from storage import schema
    from storage.errors import DatabaseUnavailable

    try:
        yield
    except DatabaseUnavailable as error:
        raise DatabaseUnreachable(schema.address(settings.database_url.get_secret_value())) from error
