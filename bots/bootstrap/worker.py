"""What runs sessions: a slot, a heartbeat, the durable engine, and the jobs of the scheduler's ticks."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from bots.bootstrap.composition import program_version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AsyncExitStack

    from bots.bootstrap.composition import Choices, Parts

_DRAIN_SECONDS = 25
_SLOT_LOST = 70
_REASONS = {
    "heartbeat_missed": "this process stood still, or could not write to its database, for so long that another may take over",
    "declared_dead": "another process has taken this one's sessions over",
    "slot_lost": "the connection that held this process's place is gone, so another may take over",
}


async def start_worker(parts: Parts, choices: Choices, stack: AsyncExitStack) -> None:
    """Take a slot, recover what it left behind and run sessions from now on."""
    from bots.errors import BadSettings
    from bots.jobs import make_jobs
    from core.billing.retention import Retention
    from core.documents.exporting import ExporterPool, ThreadExporter
    from core.orchestration import runtime
    from core.orchestration.acting import Acting
    from core.orchestration.engine import DbosEngine, EngineConfig
    from core.orchestration.errors import EngineOutdated
    from core.orchestration.finish import Finisher
    from core.orchestration.segment import SegmentRunner
    from core.orchestration.turns import TurnRunner
    from core.sessions.casting import Casting
    from storage.durable import executor_slots, sqlite_engine
    from storage.heartbeat import DatabaseHeartbeat

    database, ledger, clock = parts.database, parts.ledger, parts.clock
    turns = TurnRunner(
        store=database, ledger=ledger, tariff=parts.tariff, clock=clock, price_version=parts.prices.version
    )
    exporter = ExporterPool() if choices.exports_apart else ThreadExporter()
    stack.push_async_callback(exporter.aclose)
    finisher = Finisher(
        store=database,
        files=parts.files,
        exporter=exporter,
        ledger=ledger,
        clock=clock,
        version=program_version(),
    )
    runtime.set_runner(
        SegmentRunner(
            store=database,
            casting=Casting(registry=parts.registry, prices=parts.prices),
            turns=turns,
            acting=Acting(),
            finisher=finisher,
            poster=parts.poster,
            clock=clock,
        )
    )
    stack.callback(runtime.set_runner, None)
    url = parts.settings.engine_url
    sqlite = parts.settings.is_sqlite  # a server's schema is changed by `atelier db upgrade` only
    slot = await executor_slots(url).take(_end_at_once)
    stack.push_async_callback(slot.release)
    heartbeat = DatabaseHeartbeat(database, slot.id)  # beats are compared by the database's clock: no other time counts
    stack.push_async_callback(heartbeat.resign)
    await heartbeat.start(_end_at_once)
    engine = DbosEngine(EngineConfig(url=url, executor_id=slot.id, sqlite_engine=sqlite_engine(url), migrates=sqlite))
    runtime.set_jobs(
        _shop_jobs(parts)
        | make_jobs(
            store=database,
            sessions=parts.sessions,
            ledger=ledger,
            poster=parts.poster,
            engine=engine,
            clock=clock,
            retention=Retention(
                store=database,
                files=parts.files,
                prices=parts.prices,
                clock=clock,
                own_days=parts.settings.retention_days,
                tells=parts.shop is not None,
            ),
            inbox=parts.platforms.desk.inbox if parts.platforms.desk is not None else None,
        )
    )
    stack.push_async_callback(engine.aclose, finish_seconds=_DRAIN_SECONDS)
    try:
        await engine.start()
    except EngineOutdated as error:
        raise BadSettings(("The durable engine's tables are not at this version: run atelier db upgrade.",)) from error
    parts.engine.worker = engine
    watching = asyncio.create_task(heartbeat.watch(engine.recover, engine.list_executors))
    stack.push_async_callback(_cancel, watching)


def _shop_jobs(parts: Parts) -> dict[str, Callable[[], Awaitable[None]]]:
    """Return what the shop does by the clock, nothing where there is none; it tells people where we reach them."""
    from bots.desk.notices import DeskNotices
    from bots.scheduler import logged

    if parts.shop is None:
        return {}
    doors = parts.platforms.doors
    teller = DeskNotices(store=parts.database, doors=doors, prices=parts.prices, clock=parts.clock)
    return logged(parts.shop.jobs(dict.fromkeys(doors, teller)))


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _end_at_once(reason: str) -> None:
    """End the process: another one may be running its sessions already, and two must never run the same."""
    why = _REASONS.get(reason, reason)
    os.write(2, f"atelier: {why} ({reason}). It ends; its sessions go on as soon as it is started again.\n".encode())
    os._exit(_SLOT_LOST)
