"""Runs migrations: on the connection of `storage.schema`, or by hand with ``alembic -x url=... upgrade head``."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from storage.models import metadata
from storage.schema import connect
from storage.types import DocumentBlob, FreeText, Json, Utc

_DEFAULT_URL = "sqlite:///./atelier.db"


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our column types as plain ones: a migration must not change when the code does."""
    if kind != "type":
        return False
    match item:
        case FreeText():
            return "sa.Text()"
        case Utc():
            return "sa.DateTime(timezone=True)"
        case DocumentBlob():
            return "sa.LargeBinary()"
        case Json():
            autogen.imports.add("from sqlalchemy.dialects import postgresql")
            return 'sa.Text().with_variant(postgresql.JSONB(), "postgresql")'
        case _:
            return False


def run(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        render_as_batch=True,
        render_item=render_item,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    with connect(context.get_x_argument(as_dictionary=True).get("url", _DEFAULT_URL)) as own:
        run(own)
