"""Visits to a server: the real desk, the real library, a local Discord, real rows and a scripted model."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from bots.desk.desk import Desk
from bots.discord.assembly import DiscordEars, DiscordSide, open_discord
from bots.discord.places import workspace_ref
from bots.settings import Settings
from core.sessions.model import Session, Status
from core.sessions.requests import Upload
from storage.database import Database
from tests.bots.desk.room import desk_over
from tests.core.orchestration.harness import TEXT, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.discord.forms import Option
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Channel, Message, User
from tests.fakes.model import ScriptedModel, helpful
from tests.waiting import until

pytestmark = pytest.mark.loopback
DRAFT = ("note.md", TEXT)


@dataclass
class Visit:
    """A server with the app in it, and all of Atelier behind."""

    discord: LocalDiscord
    harness: Harness
    desk: Desk
    side: DiscordSide
    ears: DiscordEars
    task: "asyncio.Task[None]"

    async def told(self, user: User, words: str) -> Message:
        """Return the private message with *words* as soon as *user* sees it."""

        def find() -> Message | None:
            private = [*self.discord.ephemeral(user), *self.discord.direct_messages(user)]
            return next((one for one in reversed(private) if words in one.text), None)

        await self.desk.inbox.drain()
        try:
            found = await self.discord.until(find)
        except AssertionError as error:
            private = [*self.discord.ephemeral(user), *self.discord.direct_messages(user)]
            raise AssertionError(f"no {words!r}, but {[one.text for one in private]}") from error
        assert found is not None
        return found

    async def sessions(self) -> list[Session]:
        return list(await self.harness.service.list_sessions())

    async def another_than(self, known: Session) -> Session:
        """Return the other session as soon as it runs."""
        async with asyncio.timeout(10):
            while True:
                for one in await self.sessions():
                    if one.id != known.id and one.status is not Status.DRAFT:
                        return one
                await self.discord.api.news.wait()

    async def removed(self, workspace_id: str) -> None:
        """Return as soon as a workspace is marked as left."""
        async with asyncio.timeout(10):
            while True:
                found = await self.harness.store.read(lambda tx: tx.workspaces.find(workspace_id))
                if found is not None and found.removed_at is not None:
                    return
                await asyncio.sleep(0)

    async def set_up(self) -> None:
        """Let Ann, who owns the server, look at the settings."""
        discord = self.discord
        await discord.slash(discord.ann, discord.general, "atelier sessions")
        shown = await self.told(discord.ann, "settings")
        button = next(one for one in shown.controls if one.startswith("atelier:use_settings"))
        await discord.press(discord.ann, shown, button)

        async def is_set_up() -> bool:  # the first answer comes before the row
            workspace = workspace_ref(discord.north.id)
            found = await self.harness.store.read(lambda tx: tx.workspaces.find(workspace))
            return found is not None and found.settings.is_set_up

        await until(is_set_up)
        await self.desk.inbox.drain()

    async def start(self, user: User, channel: Channel, **options: Option) -> Session:
        """Start a session, which is cheap enough to start without a question."""
        await self.discord.slash(user, channel, "atelier new", file=DRAFT, **options)
        await self.told(user, "You are mentioned once")
        return (await self.sessions())[0]


@asynccontextmanager
async def visit(store: Database, *, message_content: bool = False) -> AsyncIterator[Visit]:
    """Invite the app into a server."""
    clock = FakeClock(auto=True)
    async with LocalDiscord(clock) as discord, AsyncExitStack() as stack:
        stack.enter_context(discord.pointed())
        settings = Settings(
            discord_token=SecretStr(discord.token),
            discord_api_url=discord.api_url,
            discord_gateway_url=discord.gateway_url,
            discord_message_content=message_content,
            discord_shard_count=1,
        )
        harness = Harness(store, clock, ScriptedModel(helpful({0: 6.0, 1: 7.0, 2: 8.5})), checks_balance=False)
        side = await open_discord(settings, files=harness.files, clock=clock, stack=stack)
        harness.poster._chats = {"discord": side.chat}
        desk = desk_over(harness, side.door, sample=Upload("proposal.md", TEXT))
        ears = DiscordEars(side, settings, desk, store=store, sessions=harness.service, clock=clock)
        task = await ears.connect(stack)
        await discord.connected()
        await discord.until(lambda: task.done() or discord.commands())
        yield Visit(discord, harness, desk, side, ears, task)
        await desk.inbox.drain()
        assert not task.done()
    assert discord.api.problems == []
    assert discord.without_allowed_mentions() == []


async def test_until_somebody_set_it_up_managers_alone_may_start(memory_store: Database) -> None:
    """A manager's first command shows the set-up, privately; what they asked is kept. Others are told who can."""
    async with visit(memory_store) as on:
        discord = on.discord
        await discord.slash(discord.ben, discord.general, "atelier new", brief="A note")
        await discord.until(lambda: any(not one.is_thinking for one in discord.ephemeral(discord.ben)))
        await on.desk.inbox.drain()
        assert await on.sessions() == []
        await on.set_up()
        await discord.slash(discord.ben, discord.general, "atelier new", brief="A note")
        await on.told(discord.ben, "A note")
        assert discord.said_by_app() == []


async def test_a_session_from_a_command_to_its_result(memory_store: Database) -> None:
    """Price, card, thread, steering by a reply under the card and by a command, result; one person is called, at the end."""
    async with visit(memory_store) as on:
        discord = on.discord
        await on.set_up()
        session = await on.start(discord.ben, discord.general, brief="Tighten it")
        assert session.workspace_id == f"discord:{discord.north.id}"
        await on.harness.runner.step(session.id, session.segment)
        (card,) = discord.said_by_app(discord.general)
        (thread,) = discord.threads(discord.general)
        discord.say(discord.ann, discord.general, "Keep the title", reply_to=card)
        await discord.until(lambda: discord.messages(discord.general)[-1].reactions)
        await discord.slash(discord.ben, thread, "atelier steer", text="Shorter sentences")
        await on.told(discord.ben, "Taken for what comes next")
        await on.harness.run(session.id)
        ended = await on.harness.service.get(session.id)
        assert ended.status is Status.COMPLETED
        guidance = [one.text for one in await memory_store.read(lambda tx: tx.sessions.list_guidance(session.id))]
        assert guidance == ["Keep the title", "Shorter sentences"]
        assert [one.user_id for one in discord.pings()] == [discord.ben.id]
        assert "Note" in shown_text(discord.said_by_app(thread)[-1]) or discord.files(thread)


async def test_only_its_starter_and_managers_stop_a_session(memory_store: Database) -> None:
    """Two people press at once: the row decides, and each hears it."""
    async with visit(memory_store) as on:
        discord = on.discord
        await on.set_up()
        eve = discord.world.add_user("eve")
        discord.world.join(discord.north, eve)
        session = await on.start(discord.ben, discord.general, brief="Tighten it")
        await on.harness.runner.step(session.id, session.segment)
        (card,) = discord.said_by_app(discord.general)
        stop = next(one for one in card.controls if one.startswith("atelier:stop"))
        await discord.press(eve, card, stop)
        await on.desk.inbox.drain()
        assert (await on.harness.service.get(session.id)).status is not Status.STOPPED
        for user in (discord.ben, discord.ann):
            discord.press_soon(user, card, stop)
        await on.told(discord.ben, "note.md: ")
        await on.told(discord.ann, "note.md: ")
        await on.harness.run(session.id)
        assert (await on.harness.service.get(session.id)).status is Status.STOPPED


async def test_another_members_file_needs_their_leave(memory_store: Database) -> None:
    """They alone can give it, by a button that they find in their messages, or in the channel where those are closed."""
    async with visit(memory_store) as on:
        discord = on.discord
        await on.set_up()
        discord.ann.accepts_direct = False
        posted = discord.say(discord.ann, discord.general, "my draft", files=[DRAFT])
        await discord.menu(discord.ben, posted, "Edit with Atelier")
        await on.told(discord.ben, "is asked to allow")
        (question,) = discord.said_by_app(discord.general)
        await discord.press_label(discord.ben, question, "Allow this use")
        await on.desk.inbox.drain()
        assert await on.sessions() == []
        await discord.press_label(discord.ann, question, "Allow this use")
        await on.told(discord.ben, "You are mentioned once")
        assert discord.pings() == []


async def test_a_private_session_lives_in_a_private_thread(memory_store: Database) -> None:
    """Without the permission it says so and offers direct messages, where buttons know whose they are."""
    async with visit(memory_store) as on:
        discord = on.discord
        await on.set_up()
        session = await on.start(discord.ben, discord.general, private=True)
        assert discord.world.channels[session.thread.thread].kind == 12
        discord.deny(discord.general, discord.world.bot, 1 << 36)  # type: ignore[arg-type]  # private threads
        await discord.slash(discord.ben, discord.general, "atelier new", file=DRAFT, private=True)
        shown = await on.told(discord.ben, "Create Private Threads")
        await discord.press_label(discord.ben, shown, "Run it in my DM")
        direct = await on.another_than(session)
        assert direct.thread.thread == discord.direct(discord.ben).id
        await on.harness.runner.step(direct.id, direct.segment)
        card = next(one for one in discord.direct_messages(discord.ben) if one.controls)
        stop = next(one for one in card.controls if one.startswith("atelier:stop"))
        await discord.press(discord.ben, card, stop)
        await on.told(discord.ben, f"{direct.title}: ")
        await on.harness.run(direct.id)
        assert (await on.harness.service.get(direct.id)).status is Status.STOPPED


async def test_a_server_that_goes_stops_its_sessions_and_no_others(memory_store: Database) -> None:
    """Its ledger stays; nothing of it is another's. A channel that is deleted pauses what runs there."""
    async with visit(memory_store) as on:
        discord = on.discord
        await on.set_up()
        session = await on.start(discord.ben, discord.general, brief="Tighten it")
        await on.harness.runner.step(session.id, session.segment)
        (thread,) = discord.threads(discord.general)
        discord.delete_channel(thread)
        await on.told(discord.ben, "is paused")
        assert (await on.harness.service.get(session.id)).status in {Status.PAUSED, Status.PAUSING}
        await discord.slash(discord.sue, discord.southern, "atelier status", session=session.id)
        await on.desk.inbox.drain()
        assert all(session.title not in one.text for one in discord.ephemeral(discord.sue))
        discord.remove_app(discord.north)
        await on.removed(session.workspace_id)
        await on.harness.run(session.id)
        assert (await on.harness.service.get(session.id)).status is Status.STOPPED
