"""A vendor's request, sent again with other bodies.

An SDK takes a millisecond and more to put a request together, and from one call to the next nothing in it differs but the
body. So the SDK makes the first one, with its address, key, headers and version, and the following are copies of that.
"""

from collections.abc import Mapping
from typing import Any

import httpx2
import orjson

_OF_THE_BODY = {b"content-length", b"transfer-encoding"}


class Repeat:
    """Sends bodies the way an SDK sent its first one.

    Args:
        transport: The SDK's own connections.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport) -> None:
        self._transport = transport
        self._first: httpx2.Request | None = None
        self._headers: list[tuple[bytes, bytes]] = []

    def learn(self, response: httpx2.Response) -> None:
        """Take the request that *response* answered as the pattern, unless it was sent on from another address."""
        if not response.history:
            self._first = response.request
            raw = response.request.headers.raw
            self._headers = [(name, value) for name, value in raw if name.lower() not in _OF_THE_BODY]

    async def send(self, body: Mapping[str, Any]) -> httpx2.Response | None:
        """Return the answer to *body*, unread if it is a success and read otherwise.

        None where the SDK must ask: before there is a pattern, and when the address sends us on to another one.
        """
        if self._first is None:
            return None
        content = orjson.dumps(body)
        request = httpx2.Request(
            self._first.method,
            self._first.url,
            headers=[*self._headers, (b"content-length", b"%d" % len(content))],
            stream=httpx2.ByteStream(content),
            extensions=self._first.extensions,
        )
        response = await self._transport.handle_async_request(request)
        request.stream = httpx2.ByteStream(b"")  # hundreds stream at once, and nobody asks again what was sent
        response.request = request
        if response.is_success:
            return response
        try:
            await response.aread()
        finally:
            await response.aclose()
        if response.has_redirect_location:
            self._first = None
            return None
        return response


def error_body(response: httpx2.Response) -> Any:
    """Return the JSON of a refusal, or its text if it is something else."""
    try:
        return orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return response.text
