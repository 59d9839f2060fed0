"""Whose installation something belongs to: a team's own, or that of an organisation for all of its teams.

Slack names both in what it sends. An organisation-wide installation (Enterprise Grid) has no team at all; in a channel
that is shared with another company (Slack Connect) the one who counts is whoever installed the app, which is what Slack
puts into ``authorizations``, and never the home of the person who speaks.
"""

PLATFORM = "slack"
_ORGANISATION = "E"  # Slack: ids of organisations begin with E, those of teams with T
_OF_TEAM = "slack:"
_OF_ORGANISATION = "slack-ent:"


def tenant_of(enterprise_id: str | None, team_id: str | None, *, is_org: bool | None) -> str:
    """Return the id under which an installation is kept, empty if Slack named nobody."""
    if is_org or not team_id:
        return enterprise_id or team_id or ""
    return team_id


def workspace_id_of(tenant: str) -> str:
    """Return the workspace that pays: ``slack:T1``, or ``slack-ent:E1`` for an organisation."""
    return f"{_OF_ORGANISATION if tenant.startswith(_ORGANISATION) else _OF_TEAM}{tenant}"


def tenant_of_workspace(workspace_id: str) -> str:
    """Return the tenant of a workspace, empty for one that is not Slack's."""
    for prefix in (_OF_TEAM, _OF_ORGANISATION):
        if workspace_id.startswith(prefix):
            return workspace_id.removeprefix(prefix)
    return ""
