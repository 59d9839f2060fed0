"""Workspaces, members, projects."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.workspaces.model import Member, Project, Workspace
from storage.models.workspaces import members, projects, workspaces
from storage.rows import Rows

_WORKSPACES = Rows(workspaces, Workspace)
_SAVE_WORKSPACE = _WORKSPACES.upsert(keep=("created_at",))
_WORKSPACE = _WORKSPACES.select.where(workspaces.c.id == sa.bindparam("id"))
_FIND_WORKSPACE = _WORKSPACES.query(_WORKSPACE)
# FOR NO KEY UPDATE: whoever changes a part of a row excludes others, while inserts that refer to it go on
_LOCK_WORKSPACE = _WORKSPACES.query(_WORKSPACE.with_for_update(key_share=True))
# FOR NO KEY UPDATE: members and sessions that refer to the workspace are inserted meanwhile
_GUARD_WORKSPACE = _WORKSPACES.query(
    _WORKSPACES.select.where(workspaces.c.id == sa.bindparam("id")).with_for_update(key_share=True)
)
_LIST_WORKSPACES = _WORKSPACES.query(
    _WORKSPACES.select.where(workspaces.c.id > sa.bindparam("after"))
    .order_by(workspaces.c.id)
    .limit(sa.bindparam("limit"))
)

_SET_TIER = (
    sa.update(workspaces).where(workspaces.c.id == sa.bindparam("workspace_id")).values(tier=sa.bindparam("new_tier"))
)

_MEMBERS = Rows(members, Member)
_SAVE_MEMBER = _MEMBERS.upsert(keep=("created_at",))
_MEMBER = _MEMBERS.select.where(members.c.id == sa.bindparam("id"))
_FIND_MEMBER = _MEMBERS.query(_MEMBER)
_LOCK_MEMBER = _MEMBERS.query(_MEMBER.with_for_update(key_share=True))
_LIST_MEMBERS = _MEMBERS.query(
    _MEMBERS.select.where(members.c.workspace_id == sa.bindparam("workspace_id")).order_by(members.c.id)
)
_LIST_MEMBERSHIPS = _MEMBERS.query(
    _MEMBERS.select.where(members.c.external_id == sa.bindparam("external_id")).order_by(
        members.c.created_at.desc(), members.c.id
    )
)

_PROJECTS = Rows(projects, Project)
_SAVE_PROJECT = _PROJECTS.upsert(keep=("created_at",))
_FIND_PROJECT = _PROJECTS.query(_PROJECTS.select.where(projects.c.id == sa.bindparam("id")))
_OF_WORKSPACE = _PROJECTS.select.where(projects.c.workspace_id == sa.bindparam("workspace_id")).order_by(
    projects.c.created_at, projects.c.id
)
_LIST_PROJECTS = _PROJECTS.query(_OF_WORKSPACE.where(projects.c.archived_at.is_(None)))
_LIST_ALL_PROJECTS = _PROJECTS.query(_OF_WORKSPACE)


class SqlWorkspaceRepository:
    """See `core.sessions.ports.WorkspaceRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, workspace_id: str) -> Workspace | None:
        return _FIND_WORKSPACE.first(self._connection, id=workspace_id)

    def lock(self, workspace_id: str) -> Workspace | None:
        return _LOCK_WORKSPACE.first(self._connection, id=workspace_id)

    def list_all(self, *, limit: int = 100, after: str = "") -> Sequence[Workspace]:
        return _LIST_WORKSPACES.all(self._connection, after=after, limit=limit)

    def save(self, workspace: Workspace) -> None:
        _SAVE_WORKSPACE.run(self._connection, workspace)

    def guard(self, workspace_id: str) -> None:
        _GUARD_WORKSPACE.lock(self._connection, id=workspace_id)

    def set_tier(self, workspace_id: str, tier: str) -> None:
        self._connection.execute(_SET_TIER, {"workspace_id": workspace_id, "new_tier": tier})

    def find_member(self, member_id: str) -> Member | None:
        return _FIND_MEMBER.first(self._connection, id=member_id)

    def lock_member(self, member_id: str) -> Member | None:
        return _LOCK_MEMBER.first(self._connection, id=member_id)

    def list_members(self, workspace_id: str) -> Sequence[Member]:
        return _LIST_MEMBERS.all(self._connection, workspace_id=workspace_id)

    def list_memberships(self, external_id: str) -> Sequence[Member]:
        return _LIST_MEMBERSHIPS.all(self._connection, external_id=external_id)

    def save_member(self, member: Member) -> None:
        _SAVE_MEMBER.run(self._connection, member)

    def find_project(self, project_id: str) -> Project | None:
        return _FIND_PROJECT.first(self._connection, id=project_id)

    def list_projects(self, workspace_id: str, *, archived: bool = False) -> Sequence[Project]:
        query = _LIST_ALL_PROJECTS if archived else _LIST_PROJECTS
        return query.all(self._connection, workspace_id=workspace_id)

    def save_project(self, project: Project) -> None:
        _SAVE_PROJECT.run(self._connection, project)
