"""The durable workflows. Nothing here decides: a step reads what was recorded and does what is missing.

One step is one round: its turns are the inner checkpoints, so a step that runs again after a crash calls no model
whose turn was committed. Bodies use no clock, no randomness and no database, as replay demands.
"""

from typing import Any

from dbos import DBOS

from core.orchestration.runtime import get_job, get_runner

SESSION_WORKFLOW = "session"
JOB_WORKFLOW = "job"


@DBOS.step(name="round", preemptible=True)
async def round_step(session_id: str, segment: int) -> dict[str, Any]:
    """Run one round, or the end, of a session."""
    return dict(await get_runner().step(session_id, segment))


@DBOS.workflow(name=SESSION_WORKFLOW)
async def session_workflow(session_id: str, segment: int) -> dict[str, Any]:
    """Run a segment of a session until it ends or parks."""
    while True:
        outcome = await round_step(session_id, segment)
        if outcome["next"] != "continue":
            return outcome


@DBOS.step(name="job")
async def job_step(name: str) -> None:
    """Run one scheduled job."""
    await get_job(name)()


@DBOS.workflow(name=JOB_WORKFLOW)
async def job_workflow(name: str) -> None:
    """Run one tick of a scheduled job, once whatever number of schedulers enqueued it."""
    await job_step(name)
