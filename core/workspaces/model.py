"""Workspaces, their members, and what they keep: projects and templates."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Verbosity(StrEnum):
    """How much of a session its thread shows."""

    QUIET = "quiet"
    NORMAL = "normal"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class WorkspaceSettings:
    """What the people of a workspace chose; every field has a default that suits a new team.

    Attributes:
        providers: Providers that may see the workspace's text, in order of preference; empty for all configured.
        model: Default model id or alias; empty for the installation's default.
        cast: Default cast.
        rounds: Default number of rounds.
        threshold: Default score at which a session is good enough.
        verbosity: How much a thread shows.
        language: BCP 47 tag for notes and text; empty for the document's own.
        no_ask_microcredits: A session whose cap is at most this starts without a click.
        monthly_cap_microcredits: Operator's or buyers' budget a month; None for none.
        retention_days: Days after which texts of ended sessions are deleted; None for the tier's.
        is_set_up: Whether an admin has looked at these settings; where the platform asks for that first, only admins
            may start until then.
        guests_may_start, outsiders_may_start: Whether guests, and people of other workspaces in shared channels, may
            start and steer.
        asks_consent: Whether another member's file needs that member's leave.
        start_roles: Ids of the platform's roles whose members may start; empty for everybody.
        start_channels: Ids of channels where sessions may be started; empty for all.
        member_cap_microcredits: What one member may spend a month; None for no limit.
    """

    providers: tuple[str, ...] = ()
    model: str = ""
    cast: str = "standard"
    rounds: int = 3
    threshold: float = 8.0
    verbosity: Verbosity = Verbosity.NORMAL
    language: str = ""
    no_ask_microcredits: int = 100_000_000
    monthly_cap_microcredits: int | None = None
    retention_days: int | None = None
    is_set_up: bool = False
    guests_may_start: bool = False
    outsiders_may_start: bool = False
    asks_consent: bool = True
    start_roles: tuple[str, ...] = ()
    start_channels: tuple[str, ...] = ()
    member_cap_microcredits: int | None = None


@dataclass(frozen=True, slots=True)
class Workspace:
    """Who pays: a Slack team (``slack:T1``, ``slack-ent:E1``), a Discord guild (``discord:1``), or ``terminal:local``.

    Attributes:
        tier: Key of `tiers.toml`.
        removed_at: When the app was uninstalled; sessions stopped, the ledger stays.
    """

    id: str
    platform: str
    name: str
    created_at: datetime
    tier: str = "free"
    settings: WorkspaceSettings = field(default_factory=WorkspaceSettings)
    removed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one member chose.

    Attributes:
        no_ask_microcredits: Overrides the workspace's limit; None for the workspace's.
        last_choices: What they last picked in a form, by field.
        welcomed: True once they were told that AI does this and who gets the text.
    """

    no_ask_microcredits: int | None = None
    last_choices: dict[str, str] = field(default_factory=dict)
    welcomed: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a workspace.

    Attributes:
        id: ``{workspace_id}/{external_id}``.
        external_id: The platform's id of the person.
        is_buyer: Named by an admin as somebody who may buy.
        is_blocked: May not start or steer.
    """

    id: str
    workspace_id: str
    external_id: str
    name: str
    created_at: datetime
    locale: str = ""
    is_buyer: bool = False
    is_blocked: bool = False
    preferences: Preferences = field(default_factory=Preferences)


@dataclass(frozen=True, slots=True)
class Template:
    """A named start of a session; None and empty mean: as the workspace has it set, when a session starts.

    Attributes:
        workspace_id: Who keeps it; empty for one that ships with Atelier.
        key: `core.workspaces.naming.name_key` of the name, unique in the workspace.
        made_by: The member who saved it; empty for one that ships.
        brief: Precedes what somebody says when they start.
        team: Key of a cast.
        editors, rounds, threshold, model, cap_microcredits, language, verbosity, notes_only: As in
            `core.sessions.requests.NewSession`.
        reference_notes: How the files are used that are only read.
    """

    id: str
    workspace_id: str
    name: str
    created_at: datetime
    key: str
    made_by: str = ""
    brief: str = ""
    team: str = ""
    editors: int | None = None
    rounds: int | None = None
    threshold: float | None = None
    model: str = ""
    cap_microcredits: int | None = None
    language: str = ""
    verbosity: Verbosity | None = None
    reference_notes: str = ""
    notes_only: bool = False


@dataclass(frozen=True, slots=True)
class Project:
    """A folder of sessions.

    Attributes:
        key: `core.workspaces.naming.name_key` of the name, unique in the workspace.
        made_by: The member who made it and may, like admins, rename it and put it away.
        archived_at: When it was put away; its sessions stay in it, and nothing new comes.
    """

    id: str
    workspace_id: str
    name: str
    created_at: datetime
    description: str = ""
    archived_at: datetime | None = None
    key: str = ""
    made_by: str = ""
