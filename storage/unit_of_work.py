"""One transaction, as the core sees it: its repositories on one connection."""

from functools import cached_property

import sqlalchemy as sa

from storage.repositories.audit import SqlAuditRepository
from storage.repositories.billing import SqlBillingRepository
from storage.repositories.credits import SqlCreditRepository
from storage.repositories.inbound import SqlInboundRepository
from storage.repositories.inbox import SqlInboxRepository
from storage.repositories.installations import SqlInstallationRepository
from storage.repositories.outbox import SqlOutboxRepository
from storage.repositories.rations import SqlRationRepository
from storage.repositories.retention import SqlRetentionRepository
from storage.repositories.sessions import SqlSessionRepository
from storage.repositories.templates import SqlTemplateRepository
from storage.repositories.workspaces import SqlWorkspaceRepository


class UnitOfWork:
    """See `core.sessions.ports.Transaction` and `core.billing.ports.BillingTransaction`.

    Beginning and committing is the business of `storage.database`.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection

    @cached_property
    def workspaces(self) -> SqlWorkspaceRepository:
        return SqlWorkspaceRepository(self.connection)

    @cached_property
    def sessions(self) -> SqlSessionRepository:
        return SqlSessionRepository(self.connection)

    @cached_property
    def credits(self) -> SqlCreditRepository:
        return SqlCreditRepository(self.connection)

    @cached_property
    def billing(self) -> SqlBillingRepository:
        return SqlBillingRepository(self.connection)

    @cached_property
    def templates(self) -> SqlTemplateRepository:
        return SqlTemplateRepository(self.connection)

    @cached_property
    def outbox(self) -> SqlOutboxRepository:
        return SqlOutboxRepository(self.connection)

    @cached_property
    def inbound(self) -> SqlInboundRepository:
        return SqlInboundRepository(self.connection)

    @cached_property
    def inbox(self) -> SqlInboxRepository:
        return SqlInboxRepository(self.connection)

    @cached_property
    def audit(self) -> SqlAuditRepository:
        return SqlAuditRepository(self.connection)

    @cached_property
    def installations(self) -> SqlInstallationRepository:
        return SqlInstallationRepository(self.connection)

    @cached_property
    def rations(self) -> SqlRationRepository:
        return SqlRationRepository(self.connection)

    @cached_property
    def retention(self) -> SqlRetentionRepository:
        return SqlRetentionRepository(self.connection)
