"""aiohttp under the vendors' SDKs: one transport, one set of limits, one mapping of faults.

Over httpx2's own transport every event is one pass of the loop; aiohttp hands over all that has arrived, so a reader that
rests between reads pays for a handful of them. The SDKs bring a vendored copy of such a transport each (google-genai
none), with different fault tables and connection limits; see docs/decisions/0021.
"""

import asyncio
import ssl
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, cast

import aiohttp
import httpx2
from aiohttp.client_proto import ResponseHandler
from typing_extensions import override

MOST_CONNECTIONS = 1_000  # the default of both libraries is 100: fewer than sessions in one worker
_KEEPALIVE_SECONDS = 60.0
_DNS_SECONDS = 300
# From so many streams on, a connection is not read while its reader rests: its tokens wait in the system and come at once,
# instead of waking the loop one by one; the end of a reply is then seen up to a rest later. Below that the loop is idle.
_MANY_STREAMS = 64
TIMEOUT = httpx2.Timeout(None, connect=10.0)
_END = "atelier.end"


class StreamEnd:
    """Lets a reader rest until more text has gathered, and wakes it at once when the body has ended.

    Args:
        holdable: Gives the connection that is not to be read during a rest, None to read on.
    """

    def __init__(self, holdable: Callable[[], asyncio.Transport | None] | None = None) -> None:
        self._ended = False
        self._sleeper: asyncio.Future[None] | None = None
        self._holdable = holdable

    def reached(self) -> None:
        """Note that the last byte has arrived."""
        self._ended = True
        self._wake()

    async def rest(self, seconds: float) -> None:
        """Return after *seconds*, or as soon as the body has ended."""
        if self._ended:
            return
        loop = asyncio.get_running_loop()
        self._sleeper = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        held = self._holdable() if self._holdable is not None else None
        if held is not None:
            held.pause_reading()
        try:
            await self._sleeper
        finally:
            timer.cancel()
            self._sleeper = None
            if held is not None and not held.is_closing():
                held.resume_reading()

    def _wake(self) -> None:
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(None)


def stream_end(response: httpx2.Response) -> StreamEnd:
    """Return what tells the end of *response*'s body; one that never does for a foreign transport."""
    end = response.extensions.get(_END)
    return end if isinstance(end, StreamEnd) else StreamEnd()


class _Protocol(ResponseHandler):
    """Resumes what was paused, and only that.

    aiohttp resumes for every piece of a body that is read, one a token, and goes through its parser for nothing: half of
    what it costs to read a stream.
    """

    @override
    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)


class _Connector(aiohttp.TCPConnector):
    """Makes connections that speak `_Protocol`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("partial[ResponseHandler]", partial(_Protocol, loop=self._loop))


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends httpx2's requests with aiohttp. The session is made at the first request, in the running loop."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._open_streams = 0

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        timeout = request.extensions.get("timeout", {})
        content = cast("httpx2.AsyncByteStream", request.stream)  # an asynchronous client sends no other
        with _faults(request):
            answer = await self._open().request(
                request.method,
                str(request.url),
                headers=[(key.decode("ascii"), value.decode("latin-1")) for key, value in request.headers.raw],
                data=b"".join([part async for part in content]) or None,
                allow_redirects=False,
                proxy=_proxy(request.url.scheme, request.url.host),
                timeout=aiohttp.ClientTimeout(sock_connect=timeout.get("connect"), sock_read=timeout.get("read")),
            )
        end = StreamEnd(partial(self._holdable, answer))
        answer.content.on_eof(end.reached)
        self._open_streams += 1
        return httpx2.Response(
            answer.status,
            headers=answer.raw_headers,
            stream=_Body(answer, request, self._closed),
            request=request,
            extensions={_END: end},
        )

    @override
    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _holdable(self, answer: aiohttp.ClientResponse) -> asyncio.Transport | None:
        """Return the connection of *answer* if it need not be read for a moment."""
        if self._open_streams < _MANY_STREAMS or answer.connection is None:
            return None
        transport = answer.connection.transport
        return None if transport is None or transport.is_closing() else transport

    def _closed(self) -> None:
        self._open_streams -= 1

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(
                    limit=MOST_CONNECTIONS,
                    keepalive_timeout=_KEEPALIVE_SECONDS,
                    ttl_dns_cache=_DNS_SECONDS,
                    ssl=ssl_context(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        return self._session


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: aiohttp.ClientResponse, request: httpx2.Request, on_close: Callable[[], None]) -> None:
        self._answer = answer
        self._request = request
        self._on_close: Callable[[], None] | None = on_close

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _faults(self._request):
            async for chunk in self._answer.content.iter_any():
                yield chunk

    @override
    async def aclose(self) -> None:
        self._answer.release()
        if self._on_close is not None:
            self._on_close()
            self._on_close = None


@cache
def _proxy(scheme: str, host: str) -> str | None:
    """Return the proxy that this machine prescribes for *host*.

    aiohttp can look that up by itself (``trust_env``), but does so in two threads for every request, and takes a password
    from ``.netrc`` along.
    """
    return None if urllib.request.proxy_bypass(host) else urllib.request.getproxies().get(scheme)


@cache
def ssl_context() -> ssl.SSLContext:
    """Return the one context of this process: 0.2 s of CPU to make."""
    return httpx2.create_ssl_context()


def http_client(transport: AiohttpTransport | None = None) -> httpx2.AsyncClient:
    """Return a client for an SDK; whoever asked for it closes it. The adapter's own watchdog limits the reading."""
    return httpx2.AsyncClient(transport=transport or AiohttpTransport(), timeout=TIMEOUT, follow_redirects=True)


@contextmanager
def _faults(request: httpx2.Request) -> Iterator[None]:
    """Raise httpx2's exception for aiohttp's."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error), request=request) from error
    except aiohttp.ServerTimeoutError as error:
        raise httpx2.ReadTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error), request=request) from error
    except (aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError) as error:
        raise httpx2.RemoteProtocolError(str(error), request=request) from error
    except aiohttp.InvalidURL as error:
        raise httpx2.UnsupportedProtocol(str(error), request=request) from error
    except aiohttp.ClientError as error:
        raise httpx2.NetworkError(str(error), request=request) from error
