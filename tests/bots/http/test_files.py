"""Links to files, over a real socket."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from bots.http.app import HttpServer
from bots.http.files import FileLinks
from core.sessions.model import SessionFile
from storage.database import Database
from storage.files.objects import file_store
from storage.secrets import SecretBox, generate_key
from storage.unit_of_work import UnitOfWork
from tests.fakes.clock import FakeClock
from tests.storage import samples

pytestmark = pytest.mark.loopback
WEEK = 7 * 24 * 3_600


@dataclass
class Place:
    links: FileLinks
    store: Database
    clock: FakeClock
    file: SessionFile
    base: str

    async def get(self, url: str) -> tuple[int, bytes, dict[str, str]]:
        path = urlsplit(url).path
        async with aiohttp.ClientSession() as client, client.get(f"{self.base}{path}") as answer:
            return answer.status, await answer.read(), dict(answer.headers)


@pytest.fixture
async def place(memory_store: Database) -> AsyncIterator[Place]:
    clock = FakeClock()
    files = file_store("memory:///")
    file = samples.session_file(name='Läuft "so".docx', kind="result", media_type="application/x")
    links = FileLinks(
        sealer=SecretBox([generate_key()]), public_url="https://a.example", store=memory_store, files=files, clock=clock
    )
    await files.put(file.storage_key, b"bytes")

    def keep(tx: UnitOfWork) -> None:
        tx.workspaces.save(samples.WORKSPACE)
        tx.workspaces.save_project(samples.PROJECT)
        tx.sessions.add(samples.session())
        tx.sessions.add_file(file)

    await memory_store.write(keep)
    app = web.Application()
    app.router.add_routes(links.routes())
    server = HttpServer(app, host="127.0.0.1", port=0)
    base = f"http://127.0.0.1:{await server.start()}"
    yield Place(links, memory_store, clock, file, base)
    await server.aclose()


async def test_a_link_gives_the_file_as_a_download(place: Place) -> None:
    """The bytes, under their name, and never as a page of ours."""
    url = place.links.url(place.file.id)
    assert url.startswith("https://a.example/files/")
    status, body, headers = await place.get(url)
    assert (status, body) == (200, b"bytes")
    assert headers["Content-Disposition"] == "attachment; filename*=UTF-8''L%C3%A4uft%20%22so%22.docx"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_link_ends_after_a_week(place: Place) -> None:
    """A message that is found years later opens nothing."""
    url = place.links.url(place.file.id)
    place.clock.move(WEEK)
    assert (await place.get(url))[0] == 200
    place.clock.move(1)
    assert (await place.get(url))[0] == 404


async def test_a_link_ends_with_its_session(place: Place) -> None:
    """What was deleted is gone, whoever still has its address."""
    url = place.links.url(place.file.id)
    await place.store.write(lambda tx: tx.sessions.delete(place.file.session_id))
    assert (await place.get(url))[0] == 404


@pytest.mark.parametrize("change", [lambda url: url[:-2], lambda url: f"{url[:-9]}AAAAAAAAA", lambda _: "/files/x"])
async def test_an_address_that_was_not_made_here_opens_nothing(place: Place, change: Callable[[str], str]) -> None:
    """Guessing and changing lead to the same answer as a link that has ended."""
    assert (await place.get(change(place.links.url(place.file.id))))[0] == 404
