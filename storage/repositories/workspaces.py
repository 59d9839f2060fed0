"""Workspaces, members, projects."""

from collections.abc import Sequence

import sqlalchemy as sa

from core.workspaces.model import Member, Project, Workspace
from storage.models.workspaces import members, projects, workspaces
from storage.rows import Rows

_WORKSPACES = Rows(workspaces, Workspace)
_SAVE_WORKSPACE = _WORKSPACES.upsert(keep=("created_at",))
_FIND_WORKSPACE = _WORKSPACES.select.where(workspaces.c.id == sa.bindparam("id"))
_LIST_WORKSPACES = (
    _WORKSPACES.select.where(workspaces.c.id > sa.bindparam("after"))
    .order_by(workspaces.c.id)
    .limit(sa.bindparam("limit"))
)
_MEMBERS = Rows(members, Member)
_SAVE_MEMBER = _MEMBERS.upsert(keep=("created_at",))
_FIND_MEMBER = _MEMBERS.select.where(members.c.id == sa.bindparam("id"))
_LIST_MEMBERS = _MEMBERS.select.where(members.c.workspace_id == sa.bindparam("workspace_id")).order_by(members.c.id)
_PROJECTS = Rows(projects, Project)
_SAVE_PROJECT = _PROJECTS.upsert(keep=("created_at",))
_FIND_PROJECT = _PROJECTS.select.where(projects.c.id == sa.bindparam("id"))
_LIST_PROJECTS = _PROJECTS.select.where(projects.c.workspace_id == sa.bindparam("workspace_id")).order_by(
    projects.c.created_at, projects.c.id
)


class SqlWorkspaceRepository:
    """See `core.sessions.ports.WorkspaceRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name

    def find(self, workspace_id: str) -> Workspace | None:
        return _WORKSPACES.load_first(self._connection.execute(_FIND_WORKSPACE, {"id": workspace_id}))

    def list_all(self, *, limit: int = 100, after: str = "") -> Sequence[Workspace]:
        rows = self._connection.execute(_LIST_WORKSPACES, {"after": after, "limit": limit})
        return _WORKSPACES.load_all(rows)

    def save(self, workspace: Workspace) -> None:
        self._connection.execute(_SAVE_WORKSPACE[self._dialect], _WORKSPACES.dump(workspace))

    def find_member(self, member_id: str) -> Member | None:
        return _MEMBERS.load_first(self._connection.execute(_FIND_MEMBER, {"id": member_id}))

    def list_members(self, workspace_id: str) -> Sequence[Member]:
        return _MEMBERS.load_all(self._connection.execute(_LIST_MEMBERS, {"workspace_id": workspace_id}))

    def save_member(self, member: Member) -> None:
        self._connection.execute(_SAVE_MEMBER[self._dialect], _MEMBERS.dump(member))

    def find_project(self, project_id: str) -> Project | None:
        return _PROJECTS.load_first(self._connection.execute(_FIND_PROJECT, {"id": project_id}))

    def list_projects(self, workspace_id: str, *, archived: bool = False) -> Sequence[Project]:
        query = _LIST_PROJECTS if archived else _LIST_PROJECTS.where(projects.c.archived_at.is_(None))
        return _PROJECTS.load_all(self._connection.execute(query, {"workspace_id": workspace_id}))

    def save_project(self, project: Project) -> None:
        self._connection.execute(_SAVE_PROJECT[self._dialect], _PROJECTS.dump(project))
