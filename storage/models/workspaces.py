"""Workspaces, their members and projects."""

import sqlalchemy as sa

from core.workspaces.model import Preferences, WorkspaceSettings
from storage.models.base import metadata
from storage.types import FreeText, Json, Utc

workspaces = sa.Table(
    "workspaces",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("platform", sa.String, nullable=False),
    sa.Column("name", FreeText, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("tier", sa.String, nullable=False),
    sa.Column("settings", Json[WorkspaceSettings](WorkspaceSettings), nullable=False),
    sa.Column("removed_at", Utc),
)

members = sa.Table(
    "members",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    sa.Column("external_id", sa.String, nullable=False),
    sa.Column("name", FreeText, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("locale", sa.String, nullable=False),
    sa.Column("is_buyer", sa.Boolean, nullable=False),
    sa.Column("is_blocked", sa.Boolean, nullable=False),
    sa.Column("preferences", Json[Preferences](Preferences), nullable=False),
    sa.UniqueConstraint("workspace_id", "external_id"),
    sa.Index("ix_members_external_id", "external_id"),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("workspace_id", sa.ForeignKey("workspaces.id", ondelete="CASCADE"), nullable=False),
    sa.Column("name", FreeText, nullable=False),
    sa.Column("created_at", Utc, nullable=False),
    sa.Column("description", FreeText, nullable=False),
    sa.Column("archived_at", Utc),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("made_by", sa.String, nullable=False),  # no reference: a project outlives its maker's data
    sa.UniqueConstraint("workspace_id", "key"),
)
