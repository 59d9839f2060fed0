"""Renewing tokens before they end: each refresh token is good for once, so one process does it and nobody twice.

Who renews has a claim in the installation's row; the others go on with the old token, which lives for another two
hours. A claim that nobody ends runs out, so a process that dies holds nobody up.
"""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta

import aiohttp
import structlog
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bots.slack.api import as_our_error
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from core.sessions.ports import Store
from core.workspaces.installations import Cipher, Installation, Secret, Tokens, seal, unseal

_log = structlog.get_logger(__name__)
MARGIN = timedelta(minutes=120)
"""How long before its end a token is renewed (sdk: its own default); Slack's live for twelve hours (docs)."""
_CLAIM = timedelta(seconds=60)  # longer than a request may take
_AFTER_REFUSAL = timedelta(minutes=15)
_WAIT_SECONDS = 0.1
_WAITS = 20
_TRIES_TO_STORE = 8


class Renewal:
    """Renews the app's tokens.

    Args:
        store: Where installations are.
        cipher: Seals their tokens.
        clock: The time.
        client: Calls Slack; it needs no token.
        client_id: Which app this is.
        client_secret: What proves it.
    """

    def __init__(
        self,
        store: Store,
        cipher: Cipher,
        clock: Clock,
        client: AsyncWebClient,
        *,
        client_id: str,
        client_secret: Secret,
    ) -> None:
        self._store = store
        self._cipher = cipher
        self._clock = clock
        self._client = client
        self._client_id = client_id
        self._client_secret = client_secret

    def is_due(self, installation: Installation) -> bool:
        """Return whether the token ends soon."""
        ends = installation.expires_at
        return ends is not None and ends - self._clock.now() <= MARGIN

    async def renew(self, installation: Installation) -> Installation | None:
        """Return the installation with a token that lives: renewed by us, by somebody else, or not yet ended.

        Returns:
            None if there is none any more: Slack refused, and the old token ended.

        Raises:
            TransientError: If the old token ended and there is no new one yet.
            SecretUnreadable: If no key opens the refresh token.
        """
        refresh = unseal(installation, self._cipher).refresh
        if refresh is None:
            return self._if_living(installation)
        by = secrets.token_hex(8)
        if await self._claim(installation, by):
            try:
                renewed = await self._ask(installation, refresh)
            except PostRefused as refusal:
                _log.error("slack_renewal_refused", tenant=installation.tenant, reason=refusal.reason)
                until = self._clock.now() + _AFTER_REFUSAL
                await self._store.write(lambda tx: tx.installations.postpone(installation, by=by, until=until))
                return self._if_living(installation)
            except TransientError as error:
                # the claim stays: who tries again at once could spend the token that Slack is just about to renew
                _log.warning("slack_renewal_failed", tenant=installation.tenant, error=str(error))
                if self._if_living(installation):
                    return installation
                raise
            if await self._keep(renewed, by):
                _log.info("slack_token_renewed", tenant=installation.tenant)
                return renewed
        return await self._from_others(installation)

    async def _claim(self, installation: Installation, by: str) -> bool:
        now = self._clock.now()
        return await self._store.write(
            lambda tx: tx.installations.claim(installation, by=by, now=now, until=now + _CLAIM)
        )

    async def _ask(self, installation: Installation, refresh: Secret) -> Installation:
        asked_at = self._clock.now()
        try:
            answer = await self._client.oauth_v2_access(
                client_id=self._client_id,
                client_secret=self._client_secret.reveal(),
                grant_type="refresh_token",
                refresh_token=refresh.reveal(),
            )
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise as_our_error(error, posts=False) from None  # its message may hold what was sent
        access = answer.get("access_token")
        if not access:
            raise PostRefused("no_token")
        tokens = Tokens(Secret(access), Secret(answer.get("refresh_token") or refresh.reveal()))
        lives = answer.get("expires_in")
        ends = asked_at + timedelta(seconds=int(lives)) if lives else None
        renewed = replace(installation, expires_at=ends, claim="", claimed_until=None)
        return seal(renewed, tokens, self._cipher)

    async def _keep(self, renewed: Installation, by: str) -> bool:
        """Store what Slack gave, however long it takes: the old refresh token is spent, and this is the only new one."""
        for attempt in range(1, _TRIES_TO_STORE + 1):
            try:
                return await self._store.write(lambda tx: tx.installations.renew(renewed, by=by))
            except TransientError:
                if attempt == _TRIES_TO_STORE:
                    _log.error("slack_renewal_lost", tenant=renewed.tenant, hint="the app must be installed again")
                    raise
                await self._clock.sleep(_WAIT_SECONDS * 2**attempt)
        raise AssertionError("unreachable: the last try raises")

    async def _from_others(self, installation: Installation) -> Installation | None:
        """Return what somebody else's renewal or a new installation made of it."""
        for attempt in range(_WAITS):
            found = await self._store.read(lambda tx: tx.installations.find(PLATFORM, installation.tenant))
            if found is None:
                return None
            if self._if_living(found):
                return found
            if not _is_claimed(found, self._clock.now()):
                return None  # it was refused, or given up
            if attempt + 1 < _WAITS:
                await self._clock.sleep(_WAIT_SECONDS)
        raise TransientError("somebody else is renewing the token", retry_after_seconds=_CLAIM.total_seconds())

    def _if_living(self, installation: Installation) -> Installation | None:
        ends = installation.expires_at
        return installation if ends is None or ends > self._clock.now() else None


def _is_claimed(installation: Installation, now: datetime) -> bool:
    return bool(installation.claim) and installation.claimed_until is not None and installation.claimed_until > now
