"""Templates that workspaces keep."""

import sqlalchemy as sa

from core.workspaces.model import Verbosity
from storage.models.base import metadata
from storage.types import FreeText, Utc, choice

templates = sa.Table(
    "templates",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", FreeText, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("made_by", sa.String, nullable=False),  # no reference: a template outlives its maker's data
    sa.Column("brief", FreeText, nullable=False),
    sa.Column("team", sa.String, nullable=False),
    sa.Column("editors", sa.Integer),
    sa.Column("rounds", sa.Integer),
    sa.Column("threshold", sa.Double),
    sa.Column("model", sa.String, nullable=False),
    sa.Column("cap_microcredits", sa.BigInteger),
    sa.Column("language", sa.String, nullable=False),
    sa.Column("verbosity", choice(Verbosity)),
    sa.Column("reference_notes", FreeText, nullable=False),
    sa.Column("notes_only", sa.Boolean, nullable=False),
    sa.UniqueConstraint("workspace_id", "key"),
)
