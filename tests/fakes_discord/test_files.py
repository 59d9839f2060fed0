"""The local Discord's laws of files."""

import aiohttp
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.local import LocalDiscord

pytestmark = pytest.mark.loopback


async def fetch(url: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, await answer.read()


async def test_a_link_lives_a_day_and_is_signed_anew(place: LocalDiscord, clock: FakeClock) -> None:
    """An old one, or one that somebody made up, is 404."""
    file = place.say(place.ann, place.general, "x", [("ü draft.md", b"text")]).attachments[0]
    old = place.world.link(file)
    assert await fetch(old) == (200, b"text")
    assert (await fetch(old.replace("hm=", "hm=0")))[0] == 404
    assert (await fetch(old.partition("?")[0]))[0] == 404
    clock.move(86_401)
    assert (await fetch(old))[0] == 404
    assert (await fetch(place.world.link(file)))[0] == 200
    assert [status for _, status in place.cdn.downloads] == [200, 404, 404, 404, 200]


async def test_files_go_with_their_message(place: LocalDiscord) -> None:
    """And may be gone before."""
    message = place.say(place.ann, place.general, "x", [("a.md", b"a"), ("b.md", b"b")])
    first, second = message.attachments
    place.lose(first)
    assert ((await fetch(place.world.link(first)))[0], (await fetch(place.world.link(second)))[0]) == (404, 200)
    place.delete(message)
    assert (await fetch(place.world.link(second)))[0] == 404


async def test_a_download_may_end_in_the_middle(place: LocalDiscord) -> None:
    """Or fail otherwise."""
    url = place.world.link(place.say(place.ann, place.general, "x", [("a.md", b"12345678")]).attachments[0])
    place.faults.add(Trouble.TRUNCATED, "GET cdn")
    with pytest.raises(aiohttp.ClientPayloadError):
        await fetch(url)
    place.faults.add(Trouble.SERVER_ERROR, "GET cdn", status=503)
    assert (await fetch(url))[0] == 503
    place.faults.add(Trouble.LOST_REQUEST, "GET cdn", times=-1)  # aiohttp asks once more by itself
    with pytest.raises(aiohttp.ClientError):
        await fetch(url)
