"""Bringing a database to the schema of this version, from code and from the command line."""

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from storage.models import metadata
from storage.schema import MIGRATIONS, connect


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at *url* to *revision*. Two that start at once wait for each other."""
    with connect(url) as connection:
        command.upgrade(_config(connection), revision)


def downgrade(url: str, revision: str) -> None:
    """Take the database at *url* back to *revision*; ``base`` removes every table."""
    with connect(url) as connection:
        command.downgrade(_config(connection), revision)


def check(url: str) -> list[str]:
    """Return what differs between the database at *url* and the tables in the code, one line each."""
    with connect(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "target_metadata": metadata})
        return [repr(difference) for difference in compare_metadata(context, metadata)]


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
