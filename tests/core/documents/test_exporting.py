import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

import psutil
import pytest

from core.documents.align import document_from_markdown
from core.documents.errors import ExportFailed, UnsupportedCharacters
from core.documents.exporting import Exporter, ExporterPool, ExportOrder, ProcessExporter, ThreadExporter, run_order
from core.documents.model import SourceFormat

_ORDER = ExportOrder(
    document=document_from_markdown("# Report\n\nOne *two* three.\n\n- a\n- b\n"),
    target=SourceFormat.DOCX,
    version="1",
    session_id="s_1",
    models=("m",),
    ai_share=0.5,
    written_at=datetime(2026, 1, 1, tzinfo=UTC),
)
_EXPORTERS = [
    pytest.param(ThreadExporter, id="thread"),
    pytest.param(ProcessExporter, id="process"),
    pytest.param(ExporterPool, id="pool"),
]


def children() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if not is_gone(child) and _exports(child)]


def _exports(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # it may go between two looks
        return any("export_child.py" in word for word in process.cmdline())
    return False


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until *condition* holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0)


@asynccontextmanager
async def closing(exporter: ProcessExporter) -> AsyncIterator[ProcessExporter]:
    """Give an exporter whose process runs; nothing of it is left afterwards."""
    try:
        await exporter.export(_ORDER)
        yield exporter
    finally:
        await exporter.aclose()
        assert children() == []


@pytest.mark.parametrize("make", _EXPORTERS)
@pytest.mark.parametrize("target", [SourceFormat.DOCX, SourceFormat.MARKDOWN, SourceFormat.TEXT])
async def test_a_file_is_the_same_wherever_it_is_written(make: Callable[[], Exporter], target: SourceFormat) -> None:
    """Byte for byte, and again from an exporter that has worked already."""
    order = replace(_ORDER, target=target)
    exporter = make()
    try:
        assert await exporter.export(order) == await exporter.export(order) == run_order(order)
    finally:
        await exporter.aclose()


@pytest.mark.parametrize("make", _EXPORTERS)
async def test_a_refusal_comes_back_as_it_is(make: Callable[[], Exporter]) -> None:
    """What it names crosses the border, and the exporter goes on."""
    exporter = make()
    try:
        with pytest.raises(UnsupportedCharacters) as missing:
            await exporter.export(
                replace(_ORDER, target=SourceFormat.PDF, document=document_from_markdown("A \U00012000 sign"))
            )
        assert missing.value.characters == ("\U00012000",)
        word = replace(_ORDER.document, source_format=SourceFormat.DOCX)
        with pytest.raises(ExportFailed, match=r"^BadZipFile in .*zipfile.py:\d+$"):
            await exporter.export(replace(_ORDER, original=b"no package", base=word))
        assert await exporter.export(_ORDER)
    finally:
        await exporter.aclose()


async def test_one_process_writes_all_files() -> None:
    """Orders that come at once wait for each other; each gets its own file."""
    orders = [replace(_ORDER, session_id=f"s_{number}", target=SourceFormat.MARKDOWN) for number in range(5)]
    async with closing(ProcessExporter()) as exporter:
        before = children()
        files = await asyncio.gather(*(exporter.export(order) for order in orders))
        assert children() == before
    assert [f"s_{number}".encode() in file for number, file in enumerate(files)] == [True] * 5


async def test_a_file_that_takes_long_holds_up_nobody() -> None:
    """The next order starts a second process; while the first is free again, no second is used."""
    pool = ExporterPool()
    try:
        await pool.export(_ORDER)
        (first,) = children()
        first.send_signal(signal.SIGSTOP)
        slow = asyncio.create_task(pool.export(_ORDER))
        await until(lambda: pool._exporters[0].queued == 1)
        assert await pool.export(_ORDER) == run_order(_ORDER)
        assert len(children()) == 2
        first.send_signal(signal.SIGCONT)
        assert await slow == run_order(_ORDER)
        (second,) = [child for child in children() if child != first]
        second.kill()
        assert await pool.export(_ORDER) == run_order(_ORDER)
        assert children() == [first]
    finally:
        await pool.aclose()
    assert children() == []


async def test_a_process_that_dies_costs_nothing() -> None:
    """Between two orders or during one: another process writes the file."""
    async with closing(ProcessExporter()) as exporter:
        (child,) = children()
        child.send_signal(signal.SIGSTOP)
        task = asyncio.create_task(exporter.export(_ORDER))
        await _has_work(exporter)
        child.kill()
        assert await task == run_order(_ORDER)
        (child,) = children()
        child.kill()
        assert await exporter.export(_ORDER) == run_order(_ORDER)


async def test_a_file_that_takes_too_long_is_given_up() -> None:
    """The process that hangs is gone, the next order has one of its own."""
    async with closing(ProcessExporter(wall_seconds=20)) as exporter:
        (child,) = children()
        child.send_signal(signal.SIGSTOP)
        exporter._wall_seconds = 0.05
        with pytest.raises(ExportFailed, match=r"0\.05 seconds"):
            await exporter.export(_ORDER)
        assert not child.is_running()
        exporter._wall_seconds = 20
        assert await exporter.export(_ORDER)


async def test_an_order_that_is_cancelled_leaves_no_half_answer() -> None:
    """The next one would read what was meant for it."""
    async with closing(ProcessExporter()) as exporter:
        (child,) = children()
        child.send_signal(signal.SIGSTOP)
        task = asyncio.create_task(exporter.export(replace(_ORDER, target=SourceFormat.MARKDOWN)))
        await _has_work(exporter)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not child.is_running()
        assert await exporter.export(_ORDER) == run_order(_ORDER)


@pytest.mark.parametrize("passes", range(1, 5))
async def test_an_order_that_is_cancelled_before_it_is_sent_leaves_no_process_for_good(passes: int) -> None:
    """Its process goes on waiting for the next order, and ends when none comes."""
    async with closing(ProcessExporter()) as exporter:
        task = asyncio.create_task(exporter.export(_ORDER))
        for _ in range(passes):
            await asyncio.sleep(0)
        exporter._idle_seconds = 0
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not children())


async def test_a_process_without_work_ends() -> None:
    """And the next order starts another."""
    async with closing(ProcessExporter(idle_seconds=0)) as exporter:
        await until(lambda: not children())
        assert await exporter.export(_ORDER)


async def test_a_file_that_kills_its_process_is_given_up() -> None:
    """The limit holds in the child alone; it is tried with a fresh one, and no third."""
    exporter = ProcessExporter(memory_bytes=400 * 1024 * 1024)
    try:
        assert await exporter.export(_ORDER)
        with pytest.raises(ExportFailed, match="died"):
            await exporter.export(replace(_ORDER, original=bytes(300 * 1024 * 1024)))
        assert await exporter.export(_ORDER)
    finally:
        await exporter.aclose()


async def test_a_process_that_cannot_be_started_is_a_file_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A system without memory for one more process fails the file, as one that dies does; the next order tries again."""
    exporter = ProcessExporter()
    try:
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", "/nowhere/python")
            with pytest.raises(ExportFailed, match="no process could be started: FileNotFoundError"):
                await exporter.export(_ORDER)
        assert await exporter.export(_ORDER)
    finally:
        await exporter.aclose()


_PARENT = """
import asyncio, sys
sys.path[:0] = sys.argv[1:]
import psutil
from core.documents.exporting import ProcessExporter
from tests.core.documents.test_exporting import _ORDER
async def main():
    await ProcessExporter().export(_ORDER)
    print(psutil.Process().children()[0].pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_a_process_does_not_outlive_its_parent() -> None:
    """Not even one that was killed."""
    with subprocess.Popen([sys.executable, "-c", _PARENT, *sys.path], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
        psutil.wait_procs([child], timeout=20)
        assert is_gone(child)


async def _has_work(exporter: ProcessExporter) -> None:
    """Return once the order was written to the process."""
    await until(exporter._turn.locked)
    for _ in range(5):  # it has nothing else to wait for before the answer
        await asyncio.sleep(0)
