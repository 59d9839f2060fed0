"""Budgets of calls that processes share."""

from datetime import datetime

import sqlalchemy as sa

from storage.models.base import metadata
from storage.types import Json, Utc

rations = sa.Table(
    "rations",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("used_at", Utc, nullable=False, index=True),
    sa.Column("given", Json[tuple[tuple[datetime, int], ...]](tuple[tuple[datetime, int], ...]), nullable=False),
    sa.Column("closed_until", Utc),
)
