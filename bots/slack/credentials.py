"""The token with which a team is answered: read from the database, renewed in time, remembered for a minute."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from bots.slack.installations import candidates
from bots.slack.memory import MOST, Flights, Recent
from bots.slack.renewal import Renewal
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.errors import TransientError
from core.sessions.ports import Store, Transaction
from core.workspaces.errors import SecretUnreadable
from core.workspaces.installations import Cipher, Installation, Secret, unseal

_log = structlog.get_logger(__name__)
_SECONDS = 60.0  # another process may have installed, removed or renewed: until then Slack's own answer decides
_Asked = tuple[str, str, bool]


@dataclass(frozen=True, slots=True)
class Credential:
    """A token, and whose it is.

    Attributes:
        tenant: The team or organisation that installed: see `bots.slack.tenants`.
        workspace_id: Who pays.
        token: The app's token there.
        enterprise_id, team_id: As Slack named them at the installation; a whole organisation has no team.
        bot_id, bot_user_id: The app's own user there.
        scopes: What it may do.
        expires_at: When the token ends, None for never.
        installed_at: When the app was installed, None where nobody knows.
    """

    tenant: str
    workspace_id: str
    token: Secret
    enterprise_id: str = ""
    team_id: str = ""
    bot_id: str = ""
    bot_user_id: str = ""
    scopes: tuple[str, ...] = ()
    expires_at: datetime | None = None
    installed_at: datetime | None = None


class CredentialSource(Protocol):
    """Knows the app's tokens."""

    async def find(self, team: str, enterprise: str = "", *, is_org: bool = False) -> Credential | None:
        """Return the credential that answers for a team, None where the app is not installed.

        Args:
            team: Slack's id of the team, or of an organisation that installed; empty where Slack named none.
            enterprise: The organisation that the team belongs to.
            is_org: Whether the organisation's own installation is meant.

        Raises:
            TransientError: If it cannot be told now.
        """
        ...

    async def remember(self, team: str, credential: Credential) -> None:
        """Keep in mind that an organisation's credential answers for a team, for those who know the team alone."""
        ...


class Credentials:
    """See `CredentialSource`: of many workspaces, that came by OAuth.

    Args:
        store: Where installations are.
        cipher: Opens their tokens.
        clock: The time.
        renewal: Renews tokens that end.
        most: How many tokens are remembered.
    """

    def __init__(self, store: Store, cipher: Cipher, clock: Clock, renewal: Renewal, *, most: int = MOST) -> None:
        self._store = store
        self._cipher = cipher
        self._clock = clock
        self._renewal = renewal
        self._kept: Recent[_Asked, tuple[float, Installation, Credential]] = Recent(most)
        self._owners: Recent[str, str] = Recent(most)
        self._flights: Flights[_Asked, Credential | None] = Flights()
        self._renewals: Flights[str, Installation | None] = Flights()

    async def find(self, team: str, enterprise: str = "", *, is_org: bool = False) -> Credential | None:
        asked = (team, enterprise, is_org)
        kept = self._kept.get(asked)
        if kept is not None:
            until, installation, credential = kept
            if self._clock.monotonic() < until and not self._ended(installation):
                return credential
        return await self._flights.share(asked, lambda: self._load(asked))

    async def remember(self, team: str, credential: Credential) -> None:
        tenant = credential.tenant
        if not team or team == tenant or self._owners.get(team) == tenant:
            return
        await self._store.write(lambda tx: tx.installations.save_owner(PLATFORM, team, tenant))
        self._owners.keep(team, tenant)

    def drop(self, *tenants: str) -> None:
        """Forget the tokens of those whose installation changed or ended."""
        gone = set(tenants)
        self._kept.drop_where(lambda asked, kept: bool(gone & {asked[0], asked[1], kept[2].tenant}))
        self._owners.drop_where(lambda team, tenant: bool(gone & {team, tenant}))

    async def aclose(self) -> None:
        """Finish the renewals that are under way: what Slack gave must be stored."""
        await self._flights.aclose()
        await self._renewals.aclose()

    async def _load(self, asked: _Asked) -> Credential | None:
        team, enterprise, is_org = asked

        def work(tx: Transaction) -> Installation | None:
            found = (tx.installations.find(PLATFORM, one) for one in candidates(tx, enterprise, team, is_org=is_org))
            return next((one for one in found if one is not None), None)

        installation = await self._store.read(work)
        if installation is None:
            return None
        try:
            installation = await self._fresh(installation)
            if installation is None:
                return None
            token = unseal(installation, self._cipher).access
        except SecretUnreadable as error:
            _log.error("slack_token_unreadable", tenant=asked[0] or asked[1], hint="is a key missing in SECRET_KEYS?")
            raise TransientError("a stored token cannot be read") from error
        credential = credential_of(installation, token)
        self._kept.keep(asked, (self._clock.monotonic() + _SECONDS, installation, credential))
        return credential

    async def _fresh(self, installation: Installation) -> Installation | None:
        """Return the installation with a token that lives; while it does, nobody waits for its renewal."""
        if not self._renewal.is_due(installation):
            return installation
        renewing = self._renewals.begin(installation.tenant, lambda: self._renew(installation))
        return await asyncio.shield(renewing) if self._ended(installation) else installation

    async def _renew(self, installation: Installation) -> Installation | None:
        renewed = await self._renewal.renew(installation)
        if renewed is None or renewed.sealed != installation.sealed:
            self.drop(installation.tenant)
        return renewed

    def _ended(self, installation: Installation) -> bool:
        ends = installation.expires_at
        return ends is not None and ends <= self._clock.now()


def credential_of(installation: Installation, token: Secret) -> Credential:
    """Return the credential that an installation gives."""
    facts = installation.facts
    return Credential(
        tenant=installation.tenant,
        workspace_id=installation.workspace_id,
        token=token,
        enterprise_id=facts.get("enterprise_id", ""),
        team_id=facts.get("team_id", ""),
        bot_id=facts.get("bot_id", ""),
        bot_user_id=facts.get("bot_user_id", ""),
        scopes=installation.scopes,
        expires_at=installation.expires_at,
        installed_at=installation.installed_at,
    )
