"""The guards of `conftest` hold."""

import asyncio
import os
import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "example.org", "2001:db8::1"])
async def test_nothing_leaves_this_machine(host: str) -> None:
    """A connection to another machine is refused before the first packet, a look-up of its name too."""
    with pytest.raises(RuntimeError, match="stay on this machine"):
        await asyncio.open_connection(host, 443)


@pytest.mark.parametrize("host", ["0.0.0.0", ""])  # noqa: S104 - what must be refused
def test_nothing_is_served_to_other_machines(host: str) -> None:
    """A server for every interface is refused."""
    with socket.socket() as server, pytest.raises(RuntimeError, match="stay on this machine"):
        server.bind((host, 0))


@pytest.mark.loopback
async def test_loopback_is_open(free_port: int) -> None:
    """A server and a client of this machine meet."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", free_port)
    reader, writer = await asyncio.open_connection("127.0.0.1", free_port)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


def test_no_key_is_seen() -> None:
    """A developer's own keys are hidden, so that nothing a test does can cost money."""
    assert not any(name.endswith("_API_KEY") for name in os.environ)  # noqa: TID251 - the very question
