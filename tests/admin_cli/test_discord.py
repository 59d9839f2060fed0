"""`atelier discord`: what an operator does with the app at Discord."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.admin_cli.conftest import Run
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.permissions import Permission

pytestmark = pytest.mark.loopback
SYNC = "PUT /applications/{application_id}/commands"


@contextmanager
def local_discord() -> Iterator[LocalDiscord]:
    """Run a local Discord in a thread of its own: commands run a loop of theirs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    place = asyncio.run_coroutine_threadsafe(_made(), loop).result(10)
    try:
        with place.pointed():
            yield place
    finally:
        asyncio.run_coroutine_threadsafe(place.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _made() -> LocalDiscord:
    place = LocalDiscord()
    await place.start()
    return place


@pytest.fixture
def place(home: Path) -> Iterator[LocalDiscord]:
    with local_discord() as place:
        (home / ".env").write_text(f"DISCORD_TOKEN={place.token}\nDISCORD_API_URL={place.api_url}")
        yield place


def test_commands_are_synced_when_they_differ(run: Run, place: LocalDiscord) -> None:
    """Everywhere, or in one server."""
    assert "Synced" in run("discord", "sync").out
    assert "Nothing to sync" in run("discord", "sync").out
    assert place.api.count(SYNC) == 1
    assert "Synced" in run("discord", "sync", "--guild", place.north.id).out
    assert [one["name"] for one in place.commands(place.north)] == ["atelier", "Edit with Atelier"]
    assert "no id" in run("discord", "sync", "--guild", "north", code=2).err
    assert "Discord refused it: unknown_guild" in run("discord", "sync", "--guild", "12345678901234567", code=1).err


def test_the_invitation_is_a_link(run: Run, place: LocalDiscord) -> None:
    """Printed alone."""
    link = run("discord", "invite").out.strip()
    assert link.startswith(f"https://discord.com/oauth2/authorize?client_id={place.world.app_id}&scope=bot+app")


def test_a_check_says_what_is_missing(run: Run, place: LocalDiscord, home: Path) -> None:
    """Token, intents, commands, and the permissions in a channel."""
    found = run("discord", "check", "--channel", place.general.id).out
    assert "warning  discord commands: differ" in found
    assert f"ok       discord channel {place.general.id}: sessions work" in found
    run("discord", "sync")
    place.deny(place.general, place.world.bot, Permission.CREATE_PUBLIC_THREADS)
    lacking = run("discord", "check", "--channel", place.general.id, code=1).out
    assert "ok       discord commands: current" in lacking
    assert "the app lacks Create Public Threads" in lacking
    place.world.message_content = False
    (home / ".env").write_text((home / ".env").read_text() + "\nDISCORD_MESSAGE_CONTENT=true")
    assert "message content intent is off" in run("discord", "check", code=1).out
    (home / ".env").write_text(f"DISCORD_TOKEN=MTIz.x.y\nDISCORD_API_URL={place.api_url}")
    assert "DISCORD_TOKEN" in run("discord", "check", code=1).out


def test_without_a_token_there_is_no_app(run: Run) -> None:
    """One sentence, exit 2."""
    assert "DISCORD_TOKEN is not set" in run("discord", "invite", code=2).err
