"""When each platform was last heard, by what it sent."""

import sqlalchemy as sa

from storage.models.base import metadata
from storage.types import Utc

arrivals = sa.Table(
    "arrivals",
    metadata,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("tenant", sa.String, nullable=False),
    sa.Column("way", sa.String, nullable=False),
    sa.Column("at", Utc, nullable=False),
)
