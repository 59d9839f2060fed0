"""The local Discord's laws of rate limits, failing requests and bans, with the unmodified discord.py."""

import time

import aiohttp
import discord
import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.rates import Rates
from tests.fakes_discord.refusals import refused

pytestmark = pytest.mark.loopback

SEND = "POST /channels/{channel_id}/messages"


async def test_a_bucket_is_known_by_its_headers(clock: FakeClock) -> None:
    """discord.py waits before it is told to: no 429 comes; another channel has a bucket of its own."""
    async with LocalDiscord(clock, rates=Rates.like_discord(per_channel=(3, 0.2))) as place:
        with place.pointed():
            async with discord.Client(intents=discord.Intents.none()) as rest:
                await rest.login(place.token)
                began = time.monotonic()
                for number in range(7):
                    await rest.get_partial_messageable(int(place.general.id)).send(str(number))
                assert time.monotonic() - began > 0.35
                await rest.get_partial_messageable(int(place.southern.id)).send("x")
    assert len(place.messages(place.general)) == 7
    assert place.rates.refused == {}


async def test_who_does_not_wait_is_refused(clock: FakeClock) -> None:
    """With what discord.py needs to know."""
    async with LocalDiscord(clock, rates=Rates.like_discord(per_channel=(1, 30.0))) as place:
        url = f"{place.api_url}/channels/{place.general.id}/messages"
        headers = {"Authorization": f"Bot {place.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.post(url, json={"content": "x"}) as answer:
                assert (answer.status, answer.headers["X-RateLimit-Remaining"]) == (200, "0")
            async with session.post(url, json={"content": "x"}) as answer:
                assert (answer.status, answer.headers["Content-Type"]) == (429, "application/json")
                assert answer.headers["Via"]
                assert 29 < (await answer.json())["retry_after"] <= 30
    assert (len(place.rates.invalid), place.rates.refused) == (1, {SEND: 1})


async def test_fifty_a_second_go_through(clock: FakeClock) -> None:
    """Over all routes; what belongs to interactions is not counted."""
    rates = Rates(global_limit=5)
    async with LocalDiscord(clock, rates=rates) as place, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bot {place.token}"}
        answers, last = [], {}
        for _ in range(6):
            async with session.get(f"{place.api_url}/users/@me", headers=headers) as answer:
                answers.append(answer.status)
                last = await answer.json()
        async with session.post(f"{place.api_url}/interactions/1/x/callback", json={"type": 5}) as answer:
            assert answer.status == 404
    assert (answers, last["global"]) == ([200] * 5 + [429], True)


@pytest.mark.parametrize(
    ("trouble", "held_against"),
    [(Trouble.RATE_LIMITED, 1), (Trouble.GLOBALLY_LIMITED, 1), (Trouble.SHARED_LIMITED, 0)],
)
async def test_each_kind_of_limit_is_waited_for(
    place: LocalDiscord, rest: discord.Client, trouble: Trouble, held_against: int
) -> None:
    """Those for others' fault do not count as invalid."""
    fault = place.faults.add(trouble, SEND, retry_after=0.01)
    await rest.get_partial_messageable(int(place.general.id)).send("x")
    assert (fault.hits, place.api.count(SEND), len(place.rates.invalid)) == (1, 2, held_against)
    assert len(place.messages(place.general)) == 1


async def test_a_ban_is_none_of_discords_answers(place: LocalDiscord, rest: discord.Client) -> None:
    """No Via, no JSON: discord.py raises at once. So it is after too many invalid requests."""
    place.faults.add(Trouble.BANNED, SEND)
    channel = rest.get_partial_messageable(int(place.general.id))
    with refused(429, 0):
        await channel.send("x")
    place.rates.invalid_limit = 2
    with refused(404, 10003):
        await rest.fetch_channel(5)
    place.faults.add(Trouble.REFUSED, SEND, status=403, code=50013)
    with refused(403, 50013):
        await channel.send("x")
    with refused(429, 0):
        await channel.send("x")


async def test_a_request_may_be_lost_on_either_way(place: LocalDiscord, rest: discord.Client) -> None:
    """After LOST_ANSWER the message is there."""
    channel = rest.get_partial_messageable(int(place.general.id))
    place.faults.add(Trouble.LOST_REQUEST, SEND)
    with pytest.raises(aiohttp.ClientError):
        await channel.send("never")
    place.faults.add(Trouble.LOST_ANSWER, SEND)
    with pytest.raises(aiohttp.ClientError):
        await channel.send("there")
    place.faults.add(Trouble.ERROR_AFTER, SEND, status=503)
    with refused(503, 0):
        await channel.send("there too")
    place.faults.add(Trouble.SERVER_ERROR, SEND, status=503)
    with refused(503, 0):
        await channel.send("never")
    assert [one.text for one in place.messages(place.general)] == ["there", "there too"]


async def test_faults_strike_whom_they_mean(place: LocalDiscord, rest: discord.Client) -> None:
    """By route, after some, by body, at random by a seed."""
    channel = rest.get_partial_messageable(int(place.general.id))
    place.faults.add(Trouble.REFUSED, SEND, status=400, skip=1, when=lambda body: "hit" in body["content"])
    await channel.send("hit 1")
    await channel.send("other")
    with refused(400, 0):
        await channel.send("hit 2")
    place.faults.seed(1, 1.0, [Trouble.SERVER_ERROR])
    place.faults.clear()
    await channel.send("hit 3")
    assert len(place.messages(place.general)) == 3
