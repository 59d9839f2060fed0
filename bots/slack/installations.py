"""Slack's installations and OAuth states in our database, as slack_sdk wants to be given them."""

import hashlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

from slack_sdk.oauth.installation_store.async_installation_store import AsyncInstallationStore
from slack_sdk.oauth.installation_store.models.bot import Bot
from slack_sdk.oauth.installation_store.models.installation import Installation as SlackInstallation
from slack_sdk.oauth.state_store.async_state_store import AsyncOAuthStateStore
from typing_extensions import override

from bots.slack.tenants import PLATFORM, tenant_of, workspace_id_of
from core.clock import Clock
from core.sessions.ports import AuditEntry, Store, Transaction
from core.workspaces.installations import (
    Cipher,
    Installation,
    PendingState,
    Resealed,
    Secret,
    Tokens,
    reseal_some,
    seal,
    unseal,
)

CAME_BACK = "came_back"
"""Custom value of an installation of a workspace that the app had left."""
STATE_SECONDS = 600
"""How long somebody may take on Slack's page (sdk: its own default)."""
_STATE_BYTES = 32


class SlackInstallations(AsyncInstallationStore):
    """slack_sdk's installation store over ours: the app's tokens in one row, those of each person in another.

    Args:
        store: Where they are kept.
        cipher: Seals them.
        clock: The time.
        changed: Told the tenant whose tokens changed, after they did: see `bots.slack.credentials.Credentials.drop`.
    """

    def __init__(
        self, store: Store, cipher: Cipher, clock: Clock, *, changed: Callable[[str], None] | None = None
    ) -> None:
        self._store = store
        self._cipher = cipher
        self._clock = clock
        self._changed = changed or (lambda _tenant: None)

    @property
    @override
    def logger(self) -> logging.Logger:
        return logging.getLogger(__name__)

    @override
    async def async_save(self, installation: SlackInstallation) -> None:
        """Keep an installation; a workspace that had gone is back with everything it had, and the installation says so."""
        rows = _rows_of(installation, self._clock.now(), self._cipher)
        if await self._save(rows, by=installation.user_id):
            installation.custom_values[CAME_BACK] = True

    @override
    async def async_save_bot(self, bot: Bot) -> None:
        row = _row_of_bot(bot, bot.custom_values.get("installed_by", ""), self._clock.now(), self._cipher)
        await self._save([row], by=row.installed_by)

    async def _save(self, rows: list[Installation], *, by: str) -> bool:
        """Keep rows; return whether their workspace had gone before."""
        if not rows:
            raise ValueError("an installation without a token")
        at = self._clock.now()

        def work(tx: Transaction) -> bool:
            for row in rows:
                tx.installations.save(row)
            first = rows[0]
            workspace = tx.workspaces.lock(first.workspace_id)
            if workspace is not None and not first.person:
                tx.workspaces.save(replace(workspace, name=first.name or workspace.name, removed_at=None))
            actor = f"{first.workspace_id}/{by}"
            tx.audit.add(AuditEntry(at, actor, "app_installed", first.workspace_id, first.tenant))
            return workspace is not None and workspace.removed_at is not None

        came_back = await self._store.write(work)
        self._changed(rows[0].tenant)
        return came_back

    @override
    async def async_find_bot(
        self, *, enterprise_id: str | None, team_id: str | None, is_enterprise_install: bool | None = False
    ) -> Bot | None:
        found = await self.async_find_installation(
            enterprise_id=enterprise_id, team_id=team_id, is_enterprise_install=is_enterprise_install
        )
        return found.to_bot() if found else None

    @override
    async def async_find_installation(
        self,
        *,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None = None,
        is_enterprise_install: bool | None = False,
    ) -> SlackInstallation | None:
        """Return the app's tokens, with those of the person *user_id*, or of who installed, if there are any.

        With *user_id*, None if that person neither installed the app nor gave it tokens.
        """

        def work(tx: Transaction) -> tuple[Installation, Installation | None] | None:
            for tenant in candidates(tx, enterprise_id or "", team_id or "", is_org=bool(is_enterprise_install)):
                bot = tx.installations.find(PLATFORM, tenant)
                if bot is not None:
                    person = tx.installations.find(PLATFORM, tenant, user_id or bot.installed_by)
                    return None if user_id and not person and bot.installed_by != user_id else (bot, person)
            return None

        found = await self._store.read(work)
        return _slack_installation(*found, self._cipher) if found else None

    @override
    async def async_delete_bot(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        await self._delete(enterprise_id, team_id, "")

    @override
    async def async_delete_installation(
        self, *, enterprise_id: str | None, team_id: str | None, user_id: str | None = None
    ) -> None:
        """Delete the tokens of one person; without *user_id* everything."""
        if user_id is None:
            await self.async_delete_all(enterprise_id=enterprise_id, team_id=team_id)
        else:
            await self._delete(enterprise_id, team_id, user_id)

    @override
    async def async_delete_all(self, *, enterprise_id: str | None, team_id: str | None) -> None:
        tenant = tenant_of(enterprise_id, team_id, is_org=False)
        await self._store.write(lambda tx: tx.installations.delete_all(PLATFORM, tenant))
        self._changed(tenant)

    async def _delete(self, enterprise_id: str | None, team_id: str | None, person: str) -> None:
        tenant = tenant_of(enterprise_id, team_id, is_org=False)
        await self._store.write(lambda tx: tx.installations.delete(PLATFORM, tenant, person))
        self._changed(tenant)


class SlackStates(AsyncOAuthStateStore):
    """slack_sdk's OAuth states over ours: of any number who bring one back, one is let in.

    The database keeps a digest: who reads it cannot finish what somebody else began.
    """

    def __init__(self, store: Store, clock: Clock, *, seconds: int = STATE_SECONDS) -> None:
        self._store = store
        self._clock = clock
        self._seconds = seconds

    @property
    @override
    def logger(self) -> logging.Logger:
        return logging.getLogger(__name__)

    @override
    async def async_issue(self, *args: object, **kwargs: object) -> str:
        state = secrets.token_urlsafe(_STATE_BYTES)
        now = self._clock.now()
        pending = PendingState(_digest(state), PLATFORM, now + timedelta(seconds=self._seconds))

        def work(tx: Transaction) -> None:
            tx.installations.delete_states_before(now)
            tx.installations.add_state(pending)

        await self._store.write(work)
        return state

    @override
    async def async_consume(self, state: str) -> bool:
        now = self._clock.now()
        return await self._store.write(lambda tx: tx.installations.take_state(PLATFORM, _digest(state), now))


def candidates(tx: Transaction, enterprise: str, team: str, *, is_org: bool) -> tuple[str, ...]:
    """Return whose installations may answer, the closest first: the team's own, then its organisation's."""
    if is_org or not team:
        return (enterprise or team,) if enterprise or team else ()
    owner = enterprise or tx.installations.find_owner(PLATFORM, team)
    return (team, owner) if owner else (team,)


async def reencrypt(store: Store, cipher: Cipher) -> Resealed:
    """Seal every stored token with the current key; an old key may be dropped if none was unreadable."""
    done = unreadable = 0
    after: tuple[str, str, str] | None = ("", "", "")
    while after is not None:
        step = await store.write(partial(_reseal, cipher=cipher, after=after))
        done, unreadable, after = done + step.done, unreadable + step.unreadable, step.after
    return Resealed(done, unreadable, None)


def _reseal(tx: Transaction, cipher: Cipher, after: tuple[str, str, str]) -> Resealed:
    return reseal_some(tx.installations, cipher, after=after)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _rows_of(installation: SlackInstallation, now: datetime, cipher: Cipher) -> list[Installation]:
    rows: list[Installation] = []
    if installation.bot_token:
        rows.append(_row_of_bot(installation.to_bot(), installation.user_id, now, cipher, installation.enterprise_url))
    if installation.user_token:
        tenant = tenant_of(installation.enterprise_id, installation.team_id, is_org=installation.is_enterprise_install)
        row = Installation(
            platform=PLATFORM,
            tenant=tenant,
            person=installation.user_id,
            workspace_id=workspace_id_of(tenant),
            name=installation.team_name or installation.enterprise_name or "",
            installed_by=installation.user_id,
            installed_at=now,
            scopes=tuple(installation.user_scopes or ()),
            facts={},
            sealed="",
            expires_at=_moment(installation.user_token_expires_at),
        )
        rows.append(seal(row, _tokens(installation.user_token, installation.user_refresh_token), cipher))
    return rows


def _row_of_bot(bot: Bot, installed_by: str, now: datetime, cipher: Cipher, url: str | None = None) -> Installation:
    tenant = tenant_of(bot.enterprise_id, bot.team_id, is_org=bot.is_enterprise_install)
    facts = {
        "app_id": bot.app_id,
        "bot_id": bot.bot_id,
        "bot_user_id": bot.bot_user_id,
        "team_id": bot.team_id,
        "team_name": bot.team_name,
        "enterprise_id": bot.enterprise_id,
        "enterprise_name": bot.enterprise_name,
        "enterprise_url": url,
    }
    row = Installation(
        platform=PLATFORM,
        tenant=tenant,
        person="",
        workspace_id=workspace_id_of(tenant),
        name=(bot.enterprise_name if bot.is_enterprise_install else bot.team_name) or "",
        installed_by=installed_by,
        installed_at=now,
        scopes=tuple(bot.bot_scopes or ()),
        facts={name: value for name, value in facts.items() if value},
        sealed="",
        expires_at=_moment(bot.bot_token_expires_at),
    )
    return seal(row, _tokens(bot.bot_token, bot.bot_refresh_token), cipher)


def _slack_installation(bot: Installation, person: Installation | None, cipher: Cipher) -> SlackInstallation:
    tokens = unseal(bot, cipher)
    theirs = unseal(person, cipher) if person else None
    facts = bot.facts
    return SlackInstallation(
        app_id=facts.get("app_id"),
        enterprise_id=facts.get("enterprise_id"),
        enterprise_name=facts.get("enterprise_name"),
        enterprise_url=facts.get("enterprise_url"),
        team_id=facts.get("team_id"),
        team_name=facts.get("team_name"),
        bot_token=tokens.access.reveal(),
        bot_id=facts.get("bot_id"),
        bot_user_id=facts.get("bot_user_id"),
        bot_scopes=list(bot.scopes),
        bot_refresh_token=_revealed(tokens.refresh),
        bot_token_expires_at=_seconds(bot.expires_at),
        user_id=person.person if person else bot.installed_by,
        user_token=_revealed(theirs.access) if theirs else None,
        user_scopes=list(person.scopes) if person else [],
        user_refresh_token=_revealed(theirs.refresh) if theirs else None,
        user_token_expires_at=_seconds(person.expires_at) if person else None,
        is_enterprise_install=not facts.get("team_id"),
        token_type="bot",  # noqa: S106 - Slack's word for what kind of token it is
        installed_at=bot.installed_at.timestamp(),
        custom_values={"installed_by": bot.installed_by},
    )


def _tokens(access: str, refresh: str | None) -> Tokens:
    return Tokens(Secret(access), Secret(refresh) if refresh else None)


def _revealed(secret: Secret | None) -> str | None:
    return secret.reveal() if secret else None


def _moment(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


def _seconds(moment: datetime | None) -> int | None:
    return int(moment.timestamp()) if moment else None
