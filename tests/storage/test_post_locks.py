"""Who may post for a session: one process, until it lets go or ends."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from storage import urls
from storage.errors import DatabaseUnavailable
from storage.post_locks import AdvisoryPostLocks, ClosablePostLocks, post_locks
from tests.waiting import until

pytestmark = pytest.mark.loopback


@pytest.fixture
async def rivals(database_url: str) -> AsyncIterator[tuple[ClosablePostLocks, ClosablePostLocks]]:
    """What two processes would have."""
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            locks = post_locks(database_url)
            assert locks is not None
            stack.push_async_callback(locks.aclose)
            made.append(locks)
        yield made[0], made[1]


async def test_one_at_a_time(rivals: tuple[ClosablePostLocks, ClosablePostLocks]) -> None:
    """What one holds no other gets, until it is given back; other sessions are not in the way for their holder."""
    one, other = rivals
    assert await one.take("s_1")
    assert await one.take("s_2")
    assert not await other.take("s_1")
    await one.give("s_2")
    assert not await other.take("s_1")
    await one.give("s_1")
    assert await other.take("s_1")


async def test_closing_gives_everything_back(rivals: tuple[ClosablePostLocks, ClosablePostLocks]) -> None:
    """A process that ends in order holds nothing."""
    one, other = rivals
    assert await one.take("s_1")
    await one.aclose()
    await until(lambda: other.take("s_1"))


async def test_a_killed_process_holds_nothing(
    database_url: str, rivals: tuple[ClosablePostLocks, ClosablePostLocks]
) -> None:
    """After kill -9 the next one may post at once: nobody waits for a lease to end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.post_lock_child", database_url, "s_1", stdout=PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"taken\n"
    assert not await rivals[0].take("s_1")
    process.kill()
    await process.wait()
    await until(lambda: rivals[0].take("s_1"))


async def test_who_is_cancelled_while_it_asks_holds_nothing(
    rivals: tuple[ClosablePostLocks, ClosablePostLocks],
) -> None:
    """A stop in the middle of the question leaves no lock behind that nobody would give back."""
    one, other = rivals
    for passes in range(12):
        asking = asyncio.create_task(one.take("s_1"))
        for _ in range(passes):
            await asyncio.sleep(0)
        asking.cancel()
        try:
            taken = await asking
        except asyncio.CancelledError:
            taken = False
        if taken:
            await one.give("s_1")
        assert await other.take("s_1")
        await other.give("s_1")


async def test_a_lost_connection_gives_the_locks_to_others_and_is_made_anew(postgres_url: str) -> None:
    """PostgreSQL frees what a lost connection held; its owner lets go without a word and can take again."""
    one, other = (AdvisoryPostLocks(urls.parse(postgres_url)) for _ in range(2))
    assert await one.take("s_1")
    with psycopg.connect(
        urls.synchronous(postgres_url).set(drivername="postgresql").render_as_string(), autocommit=True
    ) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'atelier-posting'"
        )
    await one.give("s_1")
    assert await other.take("s_1")
    assert not await one.take("s_1")
    await other.give("s_1")
    await until(lambda: one.take("s_1"))
    await one.aclose()
    await other.aclose()


async def test_a_database_that_is_away_is_an_error_that_may_pass() -> None:
    """Who cannot ask does not post: it is told to try again."""
    locks = AdvisoryPostLocks(urls.parse("postgresql://nobody@127.0.0.1:1/none"))
    with pytest.raises(DatabaseUnavailable):
        await locks.take("s_1")
    await locks.aclose()


def test_memory_has_no_other_process() -> None:
    """A database in memory is one process's own: there is nothing to lock."""
    assert post_locks("sqlite://") is None
