"""Installations of the app, and those that somebody began."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core.workspaces.installations import Installation, PendingState
from storage.models.installations import installation_owners, installations, pending_states
from storage.rows import Rows


@dataclass(frozen=True, slots=True)
class _Owner:
    platform: str
    team: str
    tenant: str


_TABLE = installations.c
_INSTALLATIONS = Rows(installations, Installation)
_SAVE = _INSTALLATIONS.upsert()
_OF_TENANT = _INSTALLATIONS.select.where(
    _TABLE.platform == sa.bindparam("platform"), _TABLE.tenant == sa.bindparam("tenant")
)
_FIND = _INSTALLATIONS.query(_OF_TENANT.where(_TABLE.person == sa.bindparam("person")))
_LIST_PEOPLE = _INSTALLATIONS.query(_OF_TENANT.where(_TABLE.person != "").order_by(_TABLE.person))
_KEY = sa.tuple_(_TABLE.platform, _TABLE.tenant, _TABLE.person)
_LIST_ALL = _INSTALLATIONS.query(
    _INSTALLATIONS.select.where(
        sa.tuple_(sa.bindparam("platform"), sa.bindparam("tenant"), sa.bindparam("person")) < _KEY
    )
    .order_by(_TABLE.platform, _TABLE.tenant, _TABLE.person)
    .limit(sa.bindparam("limit"))
)

_OWNERS = Rows(installation_owners, _Owner)
_SAVE_OWNER = _OWNERS.upsert()
_FIND_OWNER = _OWNERS.query(
    _OWNERS.select.where(
        installation_owners.c.platform == sa.bindparam("platform"), installation_owners.c.team == sa.bindparam("team")
    )
)

_ADD_STATE = Rows(pending_states, PendingState).insert()


class SqlInstallationRepository:
    """See `core.workspaces.installations.InstallationRepository`."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, platform: str, tenant: str, person: str = "") -> Installation | None:
        return _FIND.first(self._connection, platform=platform, tenant=tenant, person=person)

    def list_people(self, platform: str, tenant: str) -> Sequence[Installation]:
        return _LIST_PEOPLE.all(self._connection, platform=platform, tenant=tenant)

    def list_all(self, *, after: tuple[str, str, str] = ("", "", ""), limit: int = 100) -> Sequence[Installation]:
        platform, tenant, person = after
        return _LIST_ALL.all(self._connection, platform=platform, tenant=tenant, person=person, limit=limit)

    def save(self, installation: Installation) -> None:
        _SAVE.run(self._connection, installation)

    def claim(self, installation: Installation, *, by: str, now: datetime, until: datetime) -> bool:
        return self._change(
            installation,
            _TABLE.sealed == installation.sealed,
            sa.or_(_TABLE.claimed_until.is_(None), _TABLE.claimed_until <= now),
            claim=by,
            claimed_until=until,
        )

    def postpone(self, installation: Installation, *, by: str, until: datetime) -> bool:
        return self._change(installation, _TABLE.claim == by, claim="", claimed_until=until)

    def renew(self, installation: Installation, *, by: str) -> bool:
        return self._change(
            installation,
            _TABLE.claim == by,
            sealed=installation.sealed,
            expires_at=installation.expires_at,
            claim="",
            claimed_until=None,
        )

    def reseal(self, installation: Installation, sealed: str) -> bool:
        return self._change(installation, _TABLE.sealed == installation.sealed, sealed=sealed)

    def delete(self, platform: str, tenant: str, person: str = "") -> int:
        return self._delete(installations, platform=platform, tenant=tenant, person=person)

    def delete_all(self, platform: str, tenant: str) -> int:
        self._delete(installation_owners, platform=platform, tenant=tenant)
        return self._delete(installations, platform=platform, tenant=tenant)

    def find_owner(self, platform: str, team: str) -> str | None:
        found = _FIND_OWNER.first(self._connection, platform=platform, team=team)
        return found.tenant if found else None

    def save_owner(self, platform: str, team: str, tenant: str) -> None:
        _SAVE_OWNER.run(self._connection, _Owner(platform, team, tenant))

    def delete_owner(self, platform: str, team: str) -> None:
        self._delete(installation_owners, platform=platform, team=team)

    def add_state(self, state: PendingState) -> None:
        _ADD_STATE.run(self._connection, state)

    def take_state(self, platform: str, key: str, now: datetime) -> bool:
        # one statement: who gets the row back is who deleted it, however many ask at once
        table = pending_states.c
        taken = self._connection.execute(
            sa.delete(pending_states).where(table.key == key, table.platform == platform).returning(table.expires_at)
        ).scalar_one_or_none()
        return taken is not None and taken > now

    def delete_states_before(self, moment: datetime) -> int:
        return self._connection.execute(sa.delete(pending_states).where(pending_states.c.expires_at < moment)).rowcount

    def _change(self, installation: Installation, *conditions: sa.ColumnElement[bool], **values: Any) -> bool:
        statement = (
            sa.update(installations)
            .where(
                _TABLE.platform == installation.platform,
                _TABLE.tenant == installation.tenant,
                _TABLE.person == installation.person,
                *conditions,
            )
            .values(values)
        )
        return self._connection.execute(statement).rowcount == 1

    def _delete(self, table: sa.Table, **key: str) -> int:
        conditions = [table.c[name] == value for name, value in key.items()]
        return self._connection.execute(sa.delete(table).where(*conditions)).rowcount
