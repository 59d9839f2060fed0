"""DBOS, set up so that sessions survive whatever dies; the only file besides the workflow that knows it."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions, SetWorkflowID
from dbos import error as dbos_errors
from typing_extensions import override

from core.orchestration import workflow
from core.orchestration.errors import EngineOutdated

_log = structlog.get_logger(__name__)
APPLICATION = "atelier"
# Raised by hand when the shape of a workflow changes; the default, a hash of the source, would strand every session
# in flight at each deploy.
APPLICATION_VERSION = "sessions-1"
SESSIONS_QUEUE = "sessions"
JOBS_QUEUE = "jobs"
_SESSIONS_A_WORKER = 500
_JOBS_A_WORKER = 4
_JOBS_POLLING_SECONDS = 2.0  # each look costs milliseconds of CPU, and no job is in a hurry
_MAX_THREADS = 16
_POOL_SIZE = 10
_OUTDATED = "the engine's tables are not what this version needs"
_DELETE_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """How the engine reaches its database.

    Attributes:
        url: Synchronous SQLAlchemy URL.
        sqlite_engine: Our own engine for SQLite (an ``sqlalchemy.Engine``; typed loosely because the core knows no
            SQL); None on PostgreSQL.
        executor_id: The slot that this process holds; see `core.orchestration.slots`.
        polling_seconds: How often queues and notifications are looked at.
        migrates: Whether a start makes and alters the engine's tables; False where `migrate_engine` did it and the
            database's role may not.
    """

    url: str
    executor_id: str
    sqlite_engine: Any = None
    polling_seconds: float = 0.25
    migrates: bool = True


class DbosEngine:
    """Runs sessions in this process. At most one is started at a time: DBOS is a singleton."""

    def __init__(self, config: EngineConfig) -> None:
        self._config = config
        self._started = False

    async def start(self) -> None:
        """Recover what this slot was running, then take new work. Call it on the loop that sessions run on.

        Raises:
            EngineOutdated: If its tables are not what this version needs, and it may not make them so.
        """
        quiet_engine_logs()
        config = DBOSConfig(
            name=APPLICATION,
            system_database_url=self._config.url,
            executor_id=self._config.executor_id,
            application_version=APPLICATION_VERSION,
            serializer=DBOSPortableJSONSerializer(),
            max_executor_threads=_MAX_THREADS,
            sys_db_pool_size=_POOL_SIZE,
            notification_listener_polling_interval_sec=self._config.polling_seconds,
            log_level="WARNING",
            run_migrations=self._config.migrates,
        )
        if self._config.sqlite_engine is not None:
            config["system_database_engine"] = self._config.sqlite_engine
        DBOS(config=config)
        try:
            DBOS.launch()
        except dbos_errors.DBOSInitializationError as error:
            DBOS.destroy()
            raise EngineOutdated(_OUTDATED) from error
        self._started = True
        polling = self._config.polling_seconds
        await DBOS.register_queue_async(
            SESSIONS_QUEUE, worker_concurrency=_SESSIONS_A_WORKER, polling_interval_sec=polling
        )
        await DBOS.register_queue_async(
            JOBS_QUEUE, worker_concurrency=_JOBS_A_WORKER, polling_interval_sec=max(polling, _JOBS_POLLING_SECONDS)
        )

    async def aclose(self, *, finish_seconds: int = 0) -> None:
        """Stop taking work, give running steps *finish_seconds* to end, and let go of the database."""
        if self._started:
            self._started = False
            # On the loop this call would block the very steps that it waits for.
            await asyncio.to_thread(DBOS.destroy, workflow_completion_timeout_sec=finish_seconds)
            # DBOS made its own executor the loop's and has just shut it down: whoever closes after us needs one.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_MAX_THREADS, "atelier"))

    async def recover(self, executor_ids: list[str]) -> int:
        """Take over what dead executors were running; return how many sessions.

        The call is private in DBOS 3.4 (pinned) and guarded by owner, so a repeat is harmless.
        """
        handles = await asyncio.to_thread(DBOS._recover_pending_workflows, executor_ids)  # noqa: SLF001 - see above
        return len(handles)

    async def list_executors(self) -> frozenset[str]:
        """Return the ids of executors that have unfinished work taken up."""
        pending = await DBOS.list_workflows_async(status="PENDING", load_input=False, load_output=False)
        return frozenset(item.executor_id for item in pending if item.executor_id)

    async def enqueue(self, session_id: str, segment: int) -> None:
        with SetWorkflowID(segment_id(session_id, segment)):
            await DBOS.enqueue_workflow_async(SESSIONS_QUEUE, workflow.session_workflow, session_id, segment)

    async def cancel(self, session_id: str, segment: int) -> None:
        await DBOS.cancel_workflow_async(segment_id(session_id, segment), cancel_children=True)

    async def enqueue_job(self, name: str, tick: str) -> None:
        """Run job *name* once for *tick*, whatever number of processes asks."""
        with SetWorkflowID(f"job-{name}-{tick}"):
            await DBOS.enqueue_workflow_async(JOBS_QUEUE, workflow.job_workflow, name)

    async def ping(self) -> None:
        """Return when the engine's database answered.

        Raises:
            RuntimeError: If the engine was not started.
        """
        if not self._started:
            raise RuntimeError("the engine has not been started")
        await DBOS.list_workflows_async(limit=1)

    async def delete_finished(self, before: datetime) -> int:
        """Delete what the engine remembers of workflows that ended before a moment; return how many."""
        ended = await DBOS.list_workflows_async(
            completed_before=before.isoformat(),
            status=["SUCCESS", "ERROR", "CANCELLED"],
            limit=_DELETE_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if ended:
            await DBOS.delete_workflows_async([status.workflow_id for status in ended])
        return len(ended)


class EngineClient:
    """Asks a running engine from a process that runs no sessions: web servers, the command line."""

    def __init__(self, config: EngineConfig) -> None:
        quiet_engine_logs()
        self._client = DBOSClient(
            system_database_url=config.url,
            system_database_engine=config.sqlite_engine,
            serializer=DBOSPortableJSONSerializer(),
            application_name=APPLICATION,
            lazy=True,
        )

    async def enqueue(self, session_id: str, segment: int) -> None:
        options = EnqueueOptions(
            workflow_name=workflow.SESSION_WORKFLOW,
            queue_name=SESSIONS_QUEUE,
            workflow_id=segment_id(session_id, segment),
            app_version=APPLICATION_VERSION,
        )
        await self._client.enqueue_async(options, session_id, segment)

    async def cancel(self, session_id: str, segment: int) -> None:
        await self._client.cancel_workflow_async(segment_id(session_id, segment))

    async def enqueue_job(self, name: str, tick: str) -> None:
        """See `DbosEngine.enqueue_job`."""
        options = EnqueueOptions(
            workflow_name=workflow.JOB_WORKFLOW,
            queue_name=JOBS_QUEUE,
            workflow_id=f"job-{name}-{tick}",
            app_version=APPLICATION_VERSION,
        )
        await self._client.enqueue_async(options, name)

    async def ping(self) -> None:
        """Return when the engine's database answered; what its driver raises tells why not."""
        await self._client.check_connection_async()

    async def verify(self) -> None:
        """Return when the engine's tables are what this version needs; changes nothing.

        The look is private in DBOS 3.4 (pinned); its own start takes it too.

        Raises:
            EngineOutdated: If they are missing or older.
        """
        try:
            await asyncio.to_thread(self._client._sys_db.verify_migrations)  # noqa: SLF001 - see above
        except dbos_errors.DBOSInitializationError as error:
            raise EngineOutdated(_OUTDATED) from error

    async def aclose(self) -> None:
        """Let go of the database."""
        await asyncio.to_thread(self._client.destroy)


def migrate_engine(url: str, *, serving_role: str = "") -> None:
    """Make the engine's tables on PostgreSQL, or bring them to this version, so that a start has nothing to alter.

    Args:
        url: As in `EngineConfig`.
        serving_role: A role that may use them from now on.
    """
    quiet_engine_logs()
    DBOS.migrate(url, application_role=serving_role or None)


def segment_id(session_id: str, segment: int) -> str:
    """Return the workflow id of a segment: the same segment twice is one run."""
    return f"{session_id}.{segment}"


class _NoCancelTracebacks(logging.Filter):
    """Drops the traceback that DBOS logs for every cancelled workflow: people pressing Stop is no fault."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        kind = record.exc_info[0] if record.exc_info else None  # what happened stands there, not in the message
        return "cancelled" not in f"{record.getMessage()} {kind.__name__ if kind else ''}".lower()


def quiet_engine_logs() -> None:
    """Send the engine's warnings to our handlers and drop what is no news."""
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.WARNING)
    if not any(isinstance(item, _NoCancelTracebacks) for item in logger.filters):
        logger.addFilter(_NoCancelTracebacks())
