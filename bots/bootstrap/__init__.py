"""The composition root of everything that runs: builds the parts by constructor arguments, and takes them apart.

Only here does `bots` know `storage`. Everything heavy is imported inside the function that needs it, so that importing
this package costs almost nothing and a role pays for its own parts only.
"""

from bots.bootstrap.composition import Choices, Parts, program_version
from bots.bootstrap.database import database_reached, prepare_database
from bots.bootstrap.models import load_catalogue, make_registry
from bots.bootstrap.parts import open_parts
from bots.bootstrap.platforms import slack_is_configured

__all__ = [
    "Choices",
    "Parts",
    "database_reached",
    "load_catalogue",
    "make_registry",
    "open_parts",
    "prepare_database",
    "program_version",
    "slack_is_configured",
]
