"""Projects: folders of sessions, kept by a workspace for all its members. Who may is the caller's business."""

from collections.abc import Callable
from dataclasses import replace

from core.clock import Clock
from core.ids import new_id
from core.sessions.errors import SessionNotFound
from core.sessions.model import Session
from core.sessions.ports import AuditEntry, Store, Transaction
from core.workspaces.errors import NameTaken, NameUnknown
from core.workspaces.model import Project
from core.workspaces.naming import clean_name, find_named, name_key

PROJECT = "project"


class Projects:
    """What can be done with projects; every verb is one transaction, and a repeat of it is harmless."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def create(self, workspace_id: str, name: str, *, actor: str, project_id: str = "") -> Project:
        """Make a project.

        Args:
            workspace_id: Whose it is.
            name: At most 80 characters.
            actor: The member who makes it.
            project_id: The id that it gets; one that exists gives that project, so that a request may be repeated.

        Raises:
            NameInvalid: If it is no name.
            NameTaken: If there is one of that name, be it archived.
        """
        cleaned = clean_name(PROJECT, name)

        def work(tx: Transaction) -> Project:
            found = tx.workspaces.find_project(project_id) if project_id else None
            if found is not None and found.workspace_id == workspace_id:
                return found
            _check_free(tx, workspace_id, cleaned)
            project = Project(
                id=project_id or new_id("p"),
                workspace_id=workspace_id,
                name=cleaned,
                created_at=self._clock.now(),
                key=name_key(cleaned),
                made_by=actor,
            )
            tx.workspaces.save_project(project)
            self._audit(tx, project, actor, "project_made")
            return project

        return await self._store.write(work)

    async def rename(self, project: Project, name: str, *, actor: str) -> Project:
        """Give a project another name; raises as `create`, and `NameUnknown` if it is gone."""
        cleaned = clean_name(PROJECT, name)

        def change(tx: Transaction, now: Project) -> Project:
            if name_key(cleaned) != now.key:
                _check_free(tx, now.workspace_id, cleaned)
            return replace(now, name=cleaned, key=name_key(cleaned))

        return await self._change(project, actor, "project_renamed", change)

    async def archive(self, project: Project, *, archived: bool, actor: str) -> Project:
        """Put a project away, or bring it back; its sessions stay in it. Raises `NameUnknown` if it is gone."""

        def change(_: Transaction, now: Project) -> Project:
            if archived:
                return replace(now, archived_at=now.archived_at or self._clock.now())
            return replace(now, archived_at=None)

        return await self._change(project, actor, "project_archived" if archived else "project_unarchived", change)

    async def move(self, session_id: str, project: Project | None, *, actor: str) -> Session:
        """Put a session into a project of its workspace, or into none.

        Raises:
            SessionNotFound: If there is none.
            NameUnknown: If the project is another workspace's, archived or gone.
        """

        def work(tx: Transaction) -> Session:
            session = tx.sessions.lock(session_id)
            if session is None:
                raise SessionNotFound(session_id)
            if project is not None:
                check_open(tx, session.workspace_id, project.id)
            moved = replace(session, project_id=project.id if project is not None else None)
            if moved != session:
                tx.sessions.save(moved)
                details = {"project": moved.project_id or ""}
                entry = AuditEntry(self._clock.now(), actor, "session_moved", session.workspace_id, session.id, details)
                tx.audit.add(entry)
            return moved

        return await self._store.write(work)

    async def find(self, workspace_id: str, name: str, *, archived: bool = False) -> Project:
        """Return the project of that name; raises `NameUnknown`.

        Args:
            workspace_id: Whose.
            name: Its name, or how only one begins, or its id.
            archived: Whether those that were put away are looked at, too.
        """
        known = await self._store.read(lambda tx: tx.workspaces.list_projects(workspace_id, archived=archived))
        return next((project for project in known if project.id == name), None) or find_named(PROJECT, name, known)

    async def _change(
        self, project: Project, actor: str, action: str, change: Callable[[Transaction, Project], Project]
    ) -> Project:
        def work(tx: Transaction) -> Project:
            tx.workspaces.guard(project.workspace_id)
            now = tx.workspaces.find_project(project.id)
            if now is None:
                raise NameUnknown(PROJECT, project.name)
            changed = change(tx, now)
            if changed != now:
                tx.workspaces.save_project(changed)
                self._audit(tx, changed, actor, action)
            return changed

        return await self._store.write(work)

    def _audit(self, tx: Transaction, project: Project, actor: str, action: str) -> None:
        tx.audit.add(AuditEntry(self._clock.now(), actor, action, project.workspace_id, project.id))


def check_open(tx: Transaction, workspace_id: str, project_id: str) -> None:
    """Return if sessions of a workspace may go into a project; raises `NameUnknown`."""
    project = tx.workspaces.find_project(project_id)
    if project is None or project.workspace_id != workspace_id:
        raise NameUnknown(PROJECT, "")
    if project.archived_at is not None:
        raise NameUnknown(PROJECT, project.name)


def _check_free(tx: Transaction, workspace_id: str, name: str) -> None:
    tx.workspaces.guard(workspace_id)
    key = name_key(name)
    for project in tx.workspaces.list_projects(workspace_id, archived=True):
        if project.key == key:
            raise NameTaken(PROJECT, project.name, is_archived=project.archived_at is not None)
