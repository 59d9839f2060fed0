import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from core.documents.errors import UnreadableFile
from core.documents.model import Document
from core.documents.sandbox import Limits, Sandbox
from tests.core.documents.docx_builder import docx, paragraph

# Enough Markdown to keep a parser busy for longer than a test takes.
_ENDLESS = b"- a *b* **c** `d` [e](f)\n\n> g\n\n" * 60_000


def children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until *condition* holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - another process has no event to wait for
            await asyncio.sleep(0)


async def refused(sandbox: Sandbox, data: bytes, **options: object) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as refusal:
        await sandbox.read(data, name="upload", **options)  # type: ignore[arg-type]
    return refusal.value


@pytest.mark.parametrize(
    ("data", "first"),
    [(b"# Head\n\nText", "# Head"), (b"Only text", "Only text"), (docx(paragraph("In Word")), "In Word")],
)
async def test_a_document_comes_back_from_the_child_as_it_is(
    data: bytes, first: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever the working directory; and nothing of the child is left."""
    monkeypatch.chdir(tmp_path)
    document = await Sandbox().read(data, name="notes\0ü.txt")
    assert isinstance(document, Document)
    assert document.blocks[0].markdown == first
    assert children() == []


async def test_a_refusal_of_the_reader_comes_back_as_it_is() -> None:
    """Code and sentence cross the border."""
    refusal = await refused(Sandbox(), b"\x89PNG\r\n\x1a\n")
    assert refusal.code == "file_unsupported"
    assert refusal.reason.startswith("This is a PNG image")


async def test_text_under_the_name_of_another_format_is_refused() -> None:
    """A failed download is no document; a Word file under any name is one."""
    with pytest.raises(UnreadableFile, match="name of a PDF") as refusal:
        await Sandbox().read(b"Not found", name="report.pdf")
    assert refusal.value.code == "file_corrupt"
    assert (await Sandbox().read(docx(paragraph("In Word")), name="report.pdf")).blocks


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "The file has 2.0 MB; the limit is 1 MB."),
        ({"max_bytes": 512 * 1024, "platform": "Discord"}, "The file has 2.0 MB; Discord's limit is 0.5 MB."),
        ({"max_bytes": 8 * 1024 * 1024, "platform": "Discord"}, "The file has 2.0 MB; the limit is 1 MB."),
    ],
)
async def test_the_lower_limit_is_named_with_whose_it_is(options: dict[str, object], sentence: str) -> None:
    """A platform is named only if its limit is the one that counts; no process is started."""
    sandbox = Sandbox(Limits(upload_bytes=1024 * 1024))
    refusal = await refused(sandbox, bytes(2 * 1024 * 1024), **options)
    assert (refusal.code, refusal.reason) == ("file_too_large", sentence)


@pytest.mark.parametrize(
    ("limits", "data", "code"),
    [
        (Limits(wall_seconds=0.02), b"text", "file_timeout"),
        (Limits(cpu_seconds=1), _ENDLESS, "file_timeout"),
        (Limits(memory_bytes=96 * 1024 * 1024), _ENDLESS, "file_hostile"),
        (Limits(memory_bytes=1024 * 1024), b"text", "file_hostile"),
        (Limits(output_bytes=1000), b"word " * 2000, "file_too_large"),
    ],
)
@pytest.mark.slow
async def test_a_file_that_takes_too_much_costs_one_clear_error(limits: Limits, data: bytes, code: str) -> None:
    """Time, processor, memory and output each have their end, and no process is left."""
    refusal = await refused(Sandbox(limits), data)
    assert refusal.code == code
    assert refusal.reason.endswith(".")
    assert children() == []


async def test_the_child_sees_nothing_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """No environment, no descriptors but its pipes, a process group of its own; cancelling kills and reaps it."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    reading = asyncio.create_task(Sandbox().read(_ENDLESS, name="x"))
    await until(lambda: any(child.cmdline()[1:2] == ["-I"] for child in children()))
    child = next(child for child in children() if child.cmdline()[1:2] == ["-I"])
    assert child.environ() == {}
    assert os.getpgid(child.pid) == child.pid
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert children() == []


async def test_only_so_many_are_read_at_once() -> None:
    """Further files wait for a place; one that is cancelled gives it back."""
    sandbox = Sandbox(concurrency=1)
    first = asyncio.create_task(sandbox.read(_ENDLESS, name="x"))
    second = asyncio.create_task(sandbox.read(b"text", name="y"))
    await until(lambda: len(children()) == 1)
    assert not second.done()
    first.cancel()
    assert (await second).blocks[0].markdown == "text"
    assert children() == []


async def test_no_thread_is_left() -> None:
    """Whatever waits for a child ends with it."""
    before = threading.active_count()
    await Sandbox().read(b"text", name="x")
    await until(lambda: threading.active_count() <= before)
