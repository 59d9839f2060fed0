"""An SDK's request, repeated with other bodies."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from aiohttp import test_utils, web

from core.providers.base import StopReason
from core.providers.catalogue import Catalogue
from core.providers.repeat import Repeat
from core.providers.transport import AiohttpTransport
from tests.core.providers.conftest import MODELS, PATIENT, adapter_for, ask
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.loopback
REPLY = {
    "choices": [{"index": 0, "message": {"content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1},
}


class MovingServer:
    """An OpenAI-compatible server that moves when it is told to."""

    def __init__(self) -> None:
        self.moved = False
        self.paths: list[str] = []
        self.bodies: list[bytes] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.path)
        self.bodies.append(await request.read())
        if self.moved and not request.path.startswith("/new"):
            raise web.HTTPPermanentRedirect(f"/new{request.path}")
        return web.json_response(REPLY)


@pytest.fixture
async def moving() -> AsyncIterator[tuple[MovingServer, str]]:
    server = MovingServer()
    app = web.Application()
    app.router.add_post("/{path:.*}", server.answer)
    async with test_utils.TestServer(app) as running:
        yield server, str(running.make_url("/"))


async def test_a_server_that_moves_is_followed(catalogue: Catalogue, moving: tuple[MovingServer, str]) -> None:
    """A redirection is the SDK's business, whether it comes first or after a hundred answers."""
    server, url = moving
    model = adapter_for("openai", url, catalogue=catalogue, clock=FakeClock(), limits=PATIENT)
    replies = []
    for moved in (False, False, True, True):
        server.moved = moved
        replies.append(await model.complete(ask(MODELS["openai"], stream=False)))
    await model.aclose()
    assert [(reply.text, reply.stop) for reply in replies] == [("Yes.", StopReason.COMPLETE)] * 4
    old, new = "/chat/completions", "/new/chat/completions"
    assert server.paths == [old, old, old, old, new, old, new]


async def test_what_was_sent_is_let_go_while_the_answer_is_read(moving: tuple[MovingServer, str]) -> None:
    """A prompt is the longest text of a turn; an answer that streams for a minute keeps none of it."""
    server, url = moving
    transport = AiohttpTransport()
    repeat = Repeat(transport)
    async with httpx2.AsyncClient(transport=transport) as client:
        repeat.learn(await client.post(f"{url}chat/completions", json={"n": 0}))
        response = await repeat.send({"n": 1, "text": "\N{EURO SIGN}" * 1_000})
        assert response is not None
        stream = response.request.stream
        assert isinstance(stream, httpx2.AsyncByteStream)
        assert b"".join([part async for part in stream]) == b""
        assert await response.aread() == httpx2.Response(200, json=REPLY).content.replace(b":", b": ").replace(
            b",", b", "
        )
    assert server.bodies == [b'{"n":0}', b'{"n":1,"text":"' + "\N{EURO SIGN}".encode() * 1_000 + b'"}']
