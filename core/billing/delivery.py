"""Brings notices to people, at least once, through whichever platform the workspace is of."""

from collections.abc import Mapping

import structlog

from core.billing.model import Audience, Notice
from core.billing.notices import BillingNotices
from core.billing.ports import BillingStore
from core.clock import Clock
from core.errors import AtelierError

_log = structlog.get_logger(__name__)
_GIVE_UP_AFTER = 200  # a try a minute, for some hours: longer than most outages, and old news after
_BATCH = 500  # more than one platform can leave behind, so that none stands in the way of another
_SLACK = "slack"


class NoticeDelivery:
    """Delivers what is open."""

    def __init__(self, *, store: BillingStore, clock: Clock, adapters: Mapping[str, BillingNotices]) -> None:
        """Make a delivery.

        Args:
            store: The database.
            clock: The time.
            adapters: By platform, ``slack`` and ``discord``; what has none here is left to a process that has one.
        """
        self._store = store
        self._clock = clock
        self._adapters = dict(adapters)

    async def deliver_open(self) -> int:
        """Deliver what nobody has told yet, oldest first; return how many were told."""
        told = 0
        for notice in await self._store.read(lambda tx: tx.billing.list_open_notices(limit=_BATCH)):
            told += await self._deliver(notice)
        return told

    async def _deliver(self, notice: Notice) -> bool:
        key = notice.key
        if notice.audience is Audience.OPERATOR:
            _log.warning("billing_notice", kind=notice.kind.value, workspace=notice.workspace_id, facts=notice.facts)
        else:
            adapter = self._adapters.get(platform_of(notice.workspace_id))
            if adapter is None:
                return False
            try:
                delivered = await adapter.deliver(notice)
            except AtelierError as error:
                _log.warning("billing_notice_failed", kind=notice.kind.value, error=type(error).__name__)
                delivered = False
            if not delivered:
                await self._store.write(lambda tx: tx.billing.count_attempt(key, give_up_after=_GIVE_UP_AFTER))
                return False
        now = self._clock.now()
        return await self._store.write(lambda tx: tx.billing.mark_sent(key, now))


def platform_of(workspace_id: str) -> str:
    """Return the platform of a workspace: ``slack`` for ``slack:T1`` and for ``slack-ent:E1``."""
    kind = workspace_id.partition(":")[0]
    return _SLACK if kind.startswith(_SLACK) else kind
