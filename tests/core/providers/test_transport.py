"""aiohttp under the SDKs: bytes, faults, proxies, and connections that are used again."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import httpx2
import pytest
from aiohttp import web
from typing_extensions import override

from core.providers import transport
from core.providers.transport import StreamEnd, http_client, stream_end

pytestmark = pytest.mark.loopback


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """Says which connection a request came over, or drops it."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        assert request.transport is not None
        await response.write(str(request.transport.get_extra_info("peername")[1]).encode())
        if request.path == "/drop":
            request.transport.close()
        return response

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read(), headers={"x-agent": request.headers.get("user-agent", "")})

    app = web.Application()
    app.router.add_post("/echo", echo)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_body_read_to_its_end_frees_the_connection(server: str) -> None:
    """The next request goes over the same connection: no new handshake for every turn."""
    async with http_client() as client:
        ports = {(await client.get(server)).text for _ in range(5)}
    assert len(ports) == 1


async def test_a_body_left_unread_closes_it(server: str) -> None:
    """A stream that was given up does not hand its rest to the next request."""
    async with http_client() as client:
        ports = set()
        for _ in range(2):
            async with client.stream("GET", f"{server}/drop") as response:
                ports.add(response.status_code)
            ports.add(int((await client.get(server)).text))
    assert len(ports) >= 2


async def test_requests_go_out_as_they_are(server: str) -> None:
    """The SDK's headers and body arrive unchanged; aiohttp adds none of its own."""
    async with http_client() as client:
        response = await client.post(f"{server}/echo", content=b"\x00body", headers={"user-agent": "sdk/1"})
    assert (response.content, response.headers["x-agent"]) == (b"\x00body", "sdk/1")


async def test_faults_are_httpx2s(server: str, free_port: int) -> None:
    """What aiohttp raises comes out as what the SDKs know how to map."""
    async with http_client() as client:
        with pytest.raises(httpx2.ConnectError):
            await client.get(f"http://127.0.0.1:{free_port}")
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(f"{server}/drop")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (aiohttp.ConnectionTimeoutError(), httpx2.ConnectTimeout),
        (aiohttp.SocketTimeoutError(), httpx2.ReadTimeout),
        (aiohttp.ServerDisconnectedError(), httpx2.RemoteProtocolError),
        (aiohttp.ClientPayloadError(), httpx2.RemoteProtocolError),
        (aiohttp.InvalidURL("x"), httpx2.UnsupportedProtocol),
        (aiohttp.ClientOSError(), httpx2.NetworkError),
    ],
)
def test_every_fault_has_its_name(raised: Exception, expected: type[Exception]) -> None:
    """Each family of aiohttp's exceptions is one of httpx2's, its cause kept."""
    request = httpx2.Request("GET", "http://127.0.0.1")
    with pytest.raises(expected) as found, transport._faults(request):
        raise raised
    assert found.value.__cause__ is raised


async def test_resting_ends_with_the_body() -> None:
    """Who rests between reads is woken at once when the last byte has come."""
    end = StreamEnd()
    began = time.monotonic()
    asyncio.get_running_loop().call_soon(end.reached)
    await end.rest(30)
    await end.rest(30)
    assert time.monotonic() - began < 10


async def test_a_foreign_answer_never_ends_early() -> None:
    """For an answer of another transport a rest is just a rest."""
    end = stream_end(httpx2.Response(200))
    await end.rest(0.001)
    assert not end._ended


def test_the_machines_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the machine prescribes is used, except for the hosts that it exempts."""
    transport._proxy.cache_clear()
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "localhost,127.0.0.1")
    assert transport._proxy("https", "api.example.com") == "http://proxy.example:3128"
    assert transport._proxy("http", "127.0.0.1") is None
    transport._proxy.cache_clear()


class _Line(asyncio.Transport):
    """A connection that only remembers whether it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reading: list[bool] = []
        self.closing = False

    @override
    def pause_reading(self) -> None:
        self.reading.append(False)

    @override
    def resume_reading(self) -> None:
        self.reading.append(True)

    @override
    def is_closing(self) -> bool:
        return self.closing


async def test_a_connection_that_is_held_is_read_again_after_the_rest() -> None:
    """While a reader rests, its connection may be left alone; afterwards it is read again, unless it closed meanwhile."""
    line = _Line()
    end = StreamEnd(lambda: line)
    await end.rest(0.001)
    assert line.reading == [False, True]
    resting = asyncio.create_task(end.rest(60))
    await asyncio.sleep(0)
    resting.cancel()
    await asyncio.wait([resting])
    assert line.reading == [False, True, False, True]
    resting = asyncio.create_task(end.rest(60))
    await asyncio.sleep(0)
    line.closing = True
    end.reached()
    await resting
    assert line.reading == [False, True, False, True, False]
