"""Installations on both databases: who claims first renews alone, a state is good for once, tokens are never in the clear."""

import asyncio
import pickle
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog
from hypothesis import given
from hypothesis import strategies as st

from core.sessions.ports import Transaction
from core.workspaces.errors import SecretUnreadable
from core.workspaces.installations import (
    Installation,
    PendingState,
    Resealed,
    Secret,
    Tokens,
    reseal_some,
    seal,
    unseal,
)
from storage.database import Database, connection_of
from storage.secrets import SecretBox, generate_key
from tests.fakes.clock import FakeClock

OLD, NEW = generate_key(), generate_key()
BOX = SecretBox([OLD])
NOW = FakeClock().now()
LATER = NOW + timedelta(minutes=1)
CLEAR = Tokens(Secret("xoxb-clear-access"), Secret("xoxe-clear-refresh"))


def _installation(tenant: str = "T1", person: str = "", *, tokens: Tokens = CLEAR) -> Installation:
    bare = Installation(
        platform="slack",
        tenant=tenant,
        person=person,
        workspace_id=f"slack:{tenant}",
        name="North",
        installed_by="U1",
        installed_at=NOW,
        scopes=("chat:write", "commands"),
        facts={"bot_id": "B1"},
        sealed="",
        expires_at=LATER,
    )
    return seal(bare, tokens, BOX)


def _save(tx: Transaction, row: Installation) -> None:
    tx.installations.save(row)


def _reseal(tx: Transaction, cipher: SecretBox, after: tuple[str, str, str]) -> Resealed:
    return reseal_some(tx.installations, cipher, after=after, limit=2)


async def test_what_is_saved_is_found(store: Database) -> None:
    """An installation comes back as it was, for its key alone; a second save replaces it."""
    bot, person = _installation(), _installation(person="U1")
    await store.write(lambda tx: tx.installations.save(bot))
    await store.write(lambda tx: tx.installations.save(person))
    assert await store.read(lambda tx: tx.installations.find("slack", "T1")) == bot
    assert await store.read(lambda tx: tx.installations.list_people("slack", "T1")) == [person]
    assert await store.read(lambda tx: tx.installations.find("slack", "T2")) is None
    assert await store.read(lambda tx: tx.installations.find("discord", "T1")) is None
    again = replace(_installation(), name="Renamed", expires_at=None)
    await store.write(lambda tx: tx.installations.save(again))
    assert await store.read(lambda tx: tx.installations.find("slack", "T1")) == again


async def test_of_eight_who_claim_one_renews(store: Database) -> None:
    """A claim is won once; the loser's result is never stored, and a claim that nobody ended runs out."""
    found = _installation()
    await store.write(lambda tx: tx.installations.save(found))

    async def claim(by: str, after: timedelta = timedelta()) -> bool:
        now = NOW + after
        until = now + timedelta(seconds=60)
        return await store.write(lambda tx: tx.installations.claim(found, by=by, now=now, until=until))

    won = await asyncio.gather(*(claim(str(number)) for number in range(8)))
    assert won.count(True) == 1
    winner = str(won.index(True))
    assert not await claim("late", timedelta(seconds=59))
    renewed = seal(replace(found, expires_at=LATER + timedelta(hours=12)), Tokens(Secret("new")), BOX)
    assert not await store.write(lambda tx: tx.installations.renew(renewed, by="late"))
    assert await store.write(lambda tx: tx.installations.renew(renewed, by=winner))
    assert not await claim("stale", timedelta(hours=1)), "what was read before the renewal is no ground for another"
    assert await store.read(lambda tx: tx.installations.find("slack", "T1")) == renewed


async def test_a_claim_ends_by_itself_or_is_put_off(store: Database) -> None:
    """Whoever dies with a claim holds nobody up for long; who was refused lets nobody try for a while."""
    found = _installation()

    async def claim(by: str, seconds: int) -> bool:
        now = NOW + timedelta(seconds=seconds)
        until = now + timedelta(seconds=60)
        return await store.write(lambda tx: tx.installations.claim(found, by=by, now=now, until=until))

    await store.write(lambda tx: tx.installations.save(found))
    assert await claim("dead", 0)
    assert await claim("heir", 60)
    until = NOW + timedelta(seconds=900)
    assert not await store.write(lambda tx: tx.installations.postpone(found, by="dead", until=until))
    assert await store.write(lambda tx: tx.installations.postpone(found, by="heir", until=until))
    assert not await claim("next", 899)
    assert await claim("next", 900)


async def test_a_new_installation_beats_a_renewal(store: Database) -> None:
    """Who installs while a renewal is under way keeps the new tokens."""
    found = _installation()
    await store.write(lambda tx: tx.installations.save(found))
    await store.write(lambda tx: tx.installations.claim(found, by="slow", now=NOW, until=LATER))
    again = _installation()
    await store.write(lambda tx: tx.installations.save(again))
    assert not await store.write(lambda tx: tx.installations.renew(found, by="slow"))
    assert await store.read(lambda tx: tx.installations.find("slack", "T1")) == again


async def test_of_eight_who_consume_one_state_one_has_it(store: Database) -> None:
    """A state is good for one of eight, for its platform, until it ends; old ones are swept out."""
    state = PendingState("digest", "slack", LATER)
    await store.write(lambda tx: tx.installations.add_state(state))

    async def take(key: str = "digest", platform: str = "slack") -> bool:
        return await store.write(lambda tx: tx.installations.take_state(platform, key, NOW))

    assert not await take(platform="discord")
    assert (await asyncio.gather(*(take() for _ in range(8)))).count(True) == 1
    await store.write(lambda tx: tx.installations.add_state(PendingState("old", "slack", NOW)))
    assert not await take("old")
    await store.write(lambda tx: tx.installations.add_state(PendingState("old", "slack", NOW)))
    assert await store.write(lambda tx: tx.installations.delete_states_before(LATER)) == 1


async def test_owners_are_remembered_until_the_tenant_goes(store: Database) -> None:
    """A team's organisation is found again; deleting the organisation's installations deletes that too."""
    await store.write(lambda tx: tx.installations.save(_installation("E1")))
    await store.write(lambda tx: tx.installations.save(_installation("E1", "U1")))
    await store.write(lambda tx: tx.installations.save_owner("slack", "T1", "E1"))
    await store.write(lambda tx: tx.installations.save_owner("slack", "T2", "E1"))
    await store.write(lambda tx: tx.installations.delete_owner("slack", "T2"))
    assert await store.read(lambda tx: tx.installations.find_owner("slack", "T2")) is None
    assert await store.read(lambda tx: tx.installations.find_owner("slack", "T1")) == "E1"
    assert await store.write(lambda tx: tx.installations.delete("slack", "E1", "U1")) == 1
    assert await store.write(lambda tx: tx.installations.delete_all("slack", "E1")) == 1
    assert await store.read(lambda tx: tx.installations.find_owner("slack", "T1")) is None


async def test_a_key_is_changed_without_a_gap(store: Database) -> None:
    """Every readable row is sealed anew, page by page; what no key opens is counted and left alone."""
    rows = [_installation(f"T{number}") for number in range(5)]
    lost = seal(_installation("T9"), CLEAR, SecretBox([generate_key()]))
    for row in (*rows, lost):
        await store.write(partial(_save, row=row))
    both, after, done, unreadable = SecretBox([NEW, OLD]), ("", "", ""), 0, 0
    while True:
        step = await store.write(partial(_reseal, cipher=both, after=after))
        done, unreadable = done + step.done, unreadable + step.unreadable
        if step.after is None:
            break
        after = step.after
    assert (done, unreadable) == (5, 1)
    found = await store.read(lambda tx: tx.installations.list_all(limit=10))
    assert [one.tenant for one in found] == ["T0", "T1", "T2", "T3", "T4", "T9"]
    assert all(unseal(one, SecretBox([NEW])) == CLEAR for one in found[:5])
    assert found[5].sealed == lost.sealed


async def test_no_file_holds_a_token(sqlite_url: str) -> None:
    """What lies on the disk, the journal included, has no token in it."""
    async with aclosing(Database.from_url(sqlite_url)) as database:
        await database.write(lambda tx: tx.installations.save(_installation()))
        path = Path(sqlite_url.partition(":///")[2])
        written = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert b"North" in written
    assert b"clear" not in written


@pytest.mark.loopback
async def test_no_dump_holds_a_token(postgres_store: Database) -> None:
    """What a dump of PostgreSQL would write has no token in it."""
    await postgres_store.write(lambda tx: tx.installations.save(_installation()))
    rows = sa.text("SELECT installations::text FROM installations")
    written = str(await postgres_store.read(lambda tx: connection_of(tx).execute(rows).all()))
    assert "North" in written
    assert "clear" not in written


def test_tokens_open_in_their_own_row_only() -> None:
    """Who can write into the database cannot give one workspace another's token."""
    mine, theirs = _installation("T1"), _installation("T2")
    with pytest.raises(SecretUnreadable):
        unseal(replace(theirs, sealed=mine.sealed), BOX)
    with pytest.raises(SecretUnreadable):
        unseal(replace(mine, person="U1"), BOX)


@given(st.text(), st.none() | st.text(min_size=1))
def test_what_is_sealed_is_unsealed(access: str, refresh: str | None) -> None:
    """Any text survives."""
    tokens = Tokens(Secret(access), Secret(refresh) if refresh else None)
    assert unseal(_installation(tokens=tokens), BOX) == tokens


def test_a_secret_does_not_show() -> None:
    """Neither messages nor logs nor pickles hold it; it is equal to itself alone."""
    secret, installation = Secret("xoxb-clear"), _installation()
    shown = f"{secret} {secret!r} {CLEAR} {[secret]} {installation}"
    with structlog.testing.capture_logs() as logs:
        structlog.get_logger().info("event", tokens=CLEAR, installation=installation)
    assert "clear" not in shown + str(logs)
    assert installation.sealed not in shown + str(logs)
    assert (secret, hash(secret)) == (Secret("xoxb-clear"), hash(Secret("xoxb-clear")))
    assert secret != Secret("xoxb-other")
    assert secret != "xoxb-clear"
    with pytest.raises(TypeError):
        pickle.dumps(secret)
