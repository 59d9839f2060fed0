"""Installations of the app, and those that somebody began.

Nothing here refers to a workspace's row: tokens come before the first work and go while the workspace stays.
"""

import sqlalchemy as sa

from storage.models.base import metadata
from storage.types import FreeText, Json, Utc

installations = sa.Table(
    "installations",
    metadata,
    sa.Column("platform", sa.String, primary_key=True),
    sa.Column("tenant", sa.String, primary_key=True),
    sa.Column("person", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.String, nullable=False),
    sa.Column("name", FreeText, nullable=False),
    sa.Column("installed_by", sa.String, nullable=False),
    sa.Column("installed_at", Utc, nullable=False),
    sa.Column("scopes", Json[tuple[str, ...]](tuple[str, ...]), nullable=False),
    sa.Column("facts", Json[dict[str, str]](dict[str, str]), nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),  # encrypted: a token has no greatest length
    sa.Column("expires_at", Utc),
    sa.Column("claim", sa.String, nullable=False),
    sa.Column("claimed_until", Utc),
)

installation_owners = sa.Table(
    "installation_owners",
    metadata,
    sa.Column("platform", sa.String, primary_key=True),
    sa.Column("team", sa.String, primary_key=True),
    sa.Column("tenant", sa.String, nullable=False),
)

pending_states = sa.Table(
    "pending_states",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("platform", sa.String, nullable=False),
    sa.Column("expires_at", Utc, nullable=False, index=True),
)
