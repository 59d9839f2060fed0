"""Fetching from hosts that others name: where an address leads, and no more bytes than somebody is ready to hold."""

from urllib.parse import urlsplit

import aiohttp

_CHUNK = 64 * 1024


def origin_of(url: str) -> str:
    """Return scheme and host of an address, with its port if it names one: ``https://files.slack.com``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


async def read_at_most(response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
    """Return the body, None for one that is longer than *max_bytes*, of which no more is read than shows it."""
    if (response.content_length or 0) > max_bytes:
        return None
    data = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        data += chunk
        if len(data) > max_bytes:
            return None
    return bytes(data)
