"""Templates: named starts of a session. A workspace keeps its own, and some ship for all."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, ClassVar, TypedDict

from pydantic import ConfigDict, TypeAdapter

from core.clock import Clock
from core.ids import new_id
from core.sessions.errors import BadRequest, TextsForgotten
from core.sessions.model import Session
from core.sessions.ports import AuditEntry, Store, Transaction
from core.sessions.requests import NewSession, without_notes
from core.workspaces.errors import NameTaken, NameUnknown
from core.workspaces.model import Template
from core.workspaces.naming import clean_name, find_named, name_key

TEMPLATE = "template"
MOST_BRIEF_CHARACTERS = 10_000
_SHIPPED = "shipped"
_SHIPPED_AT = datetime(2026, 1, 1, tzinfo=UTC)  # they are older than any workspace


class Templates:
    """What can be done with templates; every verb is one transaction, and a repeat of it is harmless."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def save(self, session: Session, name: str, *, actor: str, template_id: str = "") -> Template:
        """Keep how a session was begun, for its whole workspace.

        Args:
            session: Whose brief and settings are taken; nothing that was written in it is.
            name: At most 80 characters; that of one that ships goes before it from then on.
            actor: The member who saves it.
            template_id: The id that it gets; one that exists gives that template, so that a request may be repeated.

        Raises:
            NameInvalid: If it is no name.
            NameTaken: If the workspace has a template of that name.
            BadRequest: If the brief is too long to precede another.
            TextsForgotten: If the brief was removed.
        """
        cleaned = clean_name(TEMPLATE, name)
        if session.forgotten_at is not None:
            raise TextsForgotten(session.id)
        template = Template(
            id=template_id or new_id("t"),
            workspace_id=session.workspace_id,
            name=cleaned,
            created_at=self._clock.now(),
            key=name_key(cleaned),
            made_by=actor,
            **_start_of(session),
        )
        _check_brief(template)

        def work(tx: Transaction) -> Template:
            found = tx.templates.find(template.id)
            if found is not None:
                return found
            _check_name(tx, template)
            tx.templates.add(template)
            self._audit(tx, template, actor, "template_saved")
            return template

        return await self._store.write(work)

    async def edit(self, template: Template, changes: "Changes", *, actor: str) -> Template:
        """Change a workspace's own template; sessions that were begun with it are as they were.

        What others changed meanwhile and *changes* leave alone stays.

        Raises:
            NameInvalid, NameTaken, BadRequest: As `save`.
            NameUnknown: If it was deleted.
        """

        def work(tx: Transaction) -> Template:
            tx.workspaces.guard(template.workspace_id)
            found = tx.templates.find(template.id)
            if found is None:
                raise NameUnknown(TEMPLATE, template.name)
            edited = replace(found, **changes)
            if "name" in changes:
                name = clean_name(TEMPLATE, changes["name"])
                edited = replace(edited, name=name, key=name_key(name))
            _check_brief(edited)
            _check_name(tx, edited)
            if edited != found:
                tx.templates.save(edited)
                self._audit(tx, edited, actor, "template_edited")
            return edited

        return await self._store.write(work)

    async def delete(self, template: Template, *, actor: str) -> None:
        """Delete a workspace's own template; sessions that were begun with it are as they were."""

        def work(tx: Transaction) -> None:
            if tx.templates.delete(template.id):
                self._audit(tx, template, actor, "template_deleted")

        await self._store.write(work)

    async def list_for(self, workspace_id: str) -> Sequence[Template]:
        """Return a workspace's own, newest first, then those that ship and whose names it has not taken."""
        own = await self._store.read(lambda tx: tx.templates.list_templates(workspace_id))
        taken = {template.key for template in own}
        return (*reversed(own), *(template for template in shipped_templates() if template.key not in taken))

    async def find(self, workspace_id: str, name: str) -> Template:
        """Return the template of this name or id, or the only one whose name begins so; raises `NameUnknown`."""
        known = await self.list_for(workspace_id)
        return next((one for one in known if one.id == name), None) or find_named(TEMPLATE, name, known)

    async def get_own(self, workspace_id: str, name: str) -> Template:
        """Return a workspace's own template; raises `NameUnknown`, for one that ships, too."""
        template = await self.find(workspace_id, name)
        if not template.workspace_id:
            raise NameUnknown(TEMPLATE, template.name)
        return template

    def _audit(self, tx: Transaction, template: Template, actor: str, action: str) -> None:
        tx.audit.add(AuditEntry(self._clock.now(), actor, action, template.workspace_id, template.id))


class Changes(TypedDict, total=False):
    """What may be changed of a template; what is not named stays."""

    name: str
    brief: str
    reference_notes: str
    rounds: int | None
    threshold: float | None


def _check_brief(template: Template) -> None:
    if len(template.brief) > MOST_BRIEF_CHARACTERS:
        raise BadRequest("brief", f"A template's brief has at most {MOST_BRIEF_CHARACTERS:,} characters.")


def _check_name(tx: Transaction, template: Template) -> None:
    """Raise `NameTaken` if another template of its workspace is called so; locks the workspace."""
    tx.workspaces.guard(template.workspace_id)
    for other in tx.templates.list_templates(template.workspace_id):
        if other.key == template.key and other.id != template.id:
            raise NameTaken(TEMPLATE, other.name)


def apply_template(template: Template, new: NewSession) -> NewSession:
    """Return *new* with what it leaves open taken from *template*; the template's brief precedes its own.

    A number of editors belongs to its team: whoever names another team gets that team's own.
    """
    editors = template.editors if not new.cast or new.cast == template.team else None
    return replace(
        new,
        preface=template.brief,
        cast=new.cast or template.team,
        editors=editors if new.editors is None else new.editors,
        rounds=template.rounds if new.rounds is None else new.rounds,
        threshold=template.threshold if new.threshold is None else new.threshold,
        model=new.model or template.model,
        cap_microcredits=template.cap_microcredits if new.cap_microcredits is None else new.cap_microcredits,
        language=new.language or template.language,
        verbosity=new.verbosity or template.verbosity,
        notes_only=new.notes_only or template.notes_only,
    )


@cache
def shipped_templates() -> tuple[Template, ...]:
    """Return the templates of ``templates.toml``, in its order."""
    text = files("core.sessions").joinpath("templates.toml").read_text(encoding="utf-8")
    made = []
    for row in _FILE.validate_python(tomllib.loads(text)).templates:
        key = name_key(row.name)
        start = {name: getattr(row, name) for name in ("team", "rounds", "notes_only")}
        made.append(
            Template(
                id=f"{_SHIPPED}-{key.replace(' ', '-')}",
                workspace_id="",
                name=row.name,
                created_at=_SHIPPED_AT,
                key=key,
                brief=row.brief.strip(),
                **start,
            )
        )
    return tuple(made)


def _start_of(session: Session) -> dict[str, Any]:
    """Return the fields of a template that a session's start says; a cap is one if it is below what was quoted."""
    cap, stop = session.cap_microcredits, session.cast.stop
    brief, notes = without_notes(session.brief)
    return {
        "brief": brief,
        "reference_notes": notes,
        "team": session.cast.key,
        "editors": len(session.cast.editors),
        "rounds": stop.max_rounds,
        "threshold": stop.threshold,
        "model": session.model,
        "cap_microcredits": cap if cap < session.quote_high_microcredits else None,
        "language": session.language,
        "verbosity": session.verbosity,
        "notes_only": session.notes_only,
    }


@dataclass(frozen=True, slots=True)
class _Row:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    brief: str
    team: str = ""
    rounds: int | None = None
    notes_only: bool = False


@dataclass(frozen=True, slots=True)
class _File:
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    templates: tuple[_Row, ...]


_FILE = TypeAdapter(_File)
