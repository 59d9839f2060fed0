"""The tables, as SQLAlchemy Core; columns are named as the fields of the core's dataclasses."""

from storage.models import (
    arrivals,
    billing,
    credits,  # noqa: A004 - the noun of the domain
    installations,
    operations,
    rations,
    sessions,
    templates,
    workspaces,
)
from storage.models.base import metadata

__all__ = [
    "arrivals",
    "billing",
    "credits",
    "installations",
    "metadata",
    "operations",
    "rations",
    "sessions",
    "templates",
    "workspaces",
]
