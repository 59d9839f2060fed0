"""The door's laws: people, rights, private places, files, and questions to authors."""

from dataclasses import replace
from typing import Any

import pytest

from bots.commands import Place
from bots.desk.door import CannotPost, FileUnavailable
from bots.desk.requests import Actor, Attachment, Request, RequestKind, Spot
from bots.discord.places import place_of
from bots.views.ask import consent_view, said
from bots.views.elements import Text, View
from core.errors import TransientError
from core.ids import new_id
from core.sessions.model import SessionFile, ThreadRef
from tests.bots.discord.entrance import Entrance, entrance
from tests.fakes.clock import FakeClock
from tests.fakes.discord.faults import Trouble
from tests.fakes.discord.model import Channel, Kind, User
from tests.fakes.discord.permissions import Permission

pytestmark = pytest.mark.loopback


def actor(on: Entrance, user: User) -> Actor:
    return Actor(f"discord:{on.discord.north.id}", user.id, user.name)


def mentioned(on: Entrance, user: User, channel: Channel | None = None, **changes: Any) -> Request:
    """Return what a mention in a channel or thread asks; it has no token."""
    channel = channel or on.discord.general
    parent = channel.parent_id or channel.id
    thread = channel.id if channel.parent_id else ""
    spot = Spot(
        ThreadRef("discord", f"{on.discord.north.id}/{parent}", thread),
        changes.pop("place", None) or (Place.THREAD if thread else Place.CHANNEL),
        message_id=changes.pop("message_id", ""),
    )
    return replace(Request(new_id("q"), RequestKind.MENTION, actor(on, user), spot), **changes)


async def test_who_somebody_is_comes_from_discord() -> None:
    """Managers are admins; roles are told; who is not in the server is an outsider; remembered for a while."""
    async with entrance(starts=False) as on:
        discord = on.discord
        role = discord.grant(discord.north, discord.ben, Permission.MANAGE_GUILD)
        plain = discord.world.add_user("eve")
        discord.world.join(discord.north, plain)
        ann, ben, sue, eve, app = [
            await on.door.standing(actor(on, one))
            for one in (discord.ann, discord.ben, discord.sue, plain, discord.world.bot)
        ]
        assert (ann.is_admin, ann.is_outsider, ann.name) == (True, False, "Ann")
        assert (ben.is_admin, ben.roles) == (True, (role.id,))
        assert (sue.is_admin, sue.is_outsider) == (False, True)
        assert (eve.is_admin, eve.is_outsider, eve.is_bot) == (False, False, False)
        assert app.is_bot
        calls = len(discord.api.calls)
        await on.door.standing(actor(on, discord.ann))
        assert len(discord.api.calls) == calls
        on.clock.move(600)
        await on.door.standing(actor(on, discord.ann))
        assert len(discord.api.calls) > calls


async def test_an_interaction_says_who_asks() -> None:
    """So nobody is looked up, and what changed a moment ago is known."""
    async with entrance() as on:
        discord = on.discord
        role = discord.grant(discord.north, discord.ben, Permission.MANAGE_GUILD)
        await discord.slash(discord.ben, discord.general, "atelier status")
        request = await on.one()
        standing = await on.door.standing(request.actor)
        assert (standing.name, standing.is_admin, standing.roles, standing.locale) == ("Ben", True, (role.id,), "en-US")
        assert discord.api.count("GET /guilds/{guild_id}/members/{user_id}") == 0


@pytest.mark.parametrize(
    ("denied", "in_thread", "named"),
    [
        (Permission.CREATE_PUBLIC_THREADS, False, "Create Public Threads"),
        (Permission.SEND_MESSAGES, False, "Send Messages"),
        (Permission.SEND_MESSAGES_IN_THREADS, True, "Send Messages in Threads"),
        (Permission.ATTACH_FILES, True, "Attach Files"),
        (Permission.READ_MESSAGE_HISTORY, False, "Read Message History"),
    ],
    ids=lambda value: value.name if isinstance(value, Permission) else "",
)
@pytest.mark.parametrize("by_command", [True, False], ids=["command", "mention"])
async def test_a_missing_permission_is_named(denied: Permission, in_thread: bool, named: str, by_command: bool) -> None:
    """By what Discord says with a command, and by the roles and the channel's own rules for a mention."""
    async with entrance(starts=by_command, facts={"checks_openapi": False}) as on:
        discord = on.discord
        thread = discord.start_thread(discord.ann, discord.general, "Chat")
        where = thread if in_thread else discord.general
        good = mentioned(on, discord.ann, where)
        await on.door.check_post(good, good.spot.thread)
        discord.deny(discord.general, discord.world.bot, denied)
        if by_command:
            await discord.slash(discord.ann, where, "atelier new", brief="x")
            request = await on.one()
        else:
            request = mentioned(on, discord.ann, where)
        with pytest.raises(CannotPost) as caught:
            await on.door.check_post(request, request.spot.thread)
        assert caught.value.remedy.startswith("I lack the permission")
        assert named in caught.value.remedy


async def test_a_channel_that_is_not_seen_and_a_thread_that_is_locked() -> None:
    """Each has its own words."""
    async with entrance(starts=False) as on:
        discord = on.discord
        thread = discord.start_thread(discord.ann, discord.general, "Chat")
        discord.archive(thread, locked=True)
        locked = mentioned(on, discord.ann, thread)
        with pytest.raises(CannotPost, match="thread_locked"):
            await on.door.check_post(locked, locked.spot.thread)
        discord.deny(discord.general, discord.world.bot, Permission.VIEW_CHANNEL)
        hidden = mentioned(on, discord.ann)
        with pytest.raises(CannotPost) as caught:
            await on.door.check_post(hidden, hidden.spot.thread)
        assert "View Channel" in caught.value.remedy


async def test_a_private_place_is_a_private_thread() -> None:
    """With its one member, once a request; without the permission it says so; in a direct conversation it is that one."""
    async with entrance(starts=False) as on:
        discord = on.discord
        request = mentioned(on, discord.ann, values={"brief": "A   secret\nnote"})
        first = await on.door.open_private(request)
        assert await on.door.open_private(request) == first
        threads = discord.threads(discord.general)
        assert [(one.kind, one.name, one.id) for one in threads] == [
            (Kind.PRIVATE_THREAD, "A secret note", first.thread)
        ]
        assert threads[0].thread is not None
        assert discord.ann.id in threads[0].thread.members
        discord.deny(discord.general, discord.world.bot, Permission.CREATE_PRIVATE_THREADS)
        on.clock.move(3_600)
        with pytest.raises(CannotPost) as caught:
            await on.door.open_private(mentioned(on, discord.ann))
        assert "Create Private Threads" in caught.value.remedy
        direct = await on.door.open_private(mentioned(on, discord.ann, place=Place.DIRECT))
        room = discord.direct(discord.ann)
        assert (direct.channel, direct.thread) == (f"@me/{room.id}", room.id)
        assert place_of(direct).is_direct


async def test_an_author_is_asked_directly_and_nobody_is_called() -> None:
    """Where they take no messages, in the channel, unless it is private; an app and somebody who left cannot be asked."""
    async with entrance(starts=False) as on:
        discord = on.discord
        view = consent_view(asker="Ann", names=["draft.docx"], request_id="q_1", vendors=("Acme",))
        request = mentioned(on, discord.ann)
        assert await on.door.ask_author(request, discord.ben.id, view)
        assert await on.door.ask_author(request, discord.ben.id, view)
        (asked,) = discord.direct_messages(discord.ben)
        assert discord.said_by_app(discord.general) == []
        assert {"Allow this use", "Refuse this use"} == {one["label"] for one in asked.controls.values()}
        assert not await on.door.ask_author(request, discord.sue.id, view)
        assert not await on.door.ask_author(request, discord.world.bot.id, view)
        discord.ben.accepts_direct = False
        assert await on.door.ask_author(request, discord.ben.id, view)
        assert await on.door.ask_author(request, discord.ben.id, view)
        (shown,) = discord.said_by_app(discord.general)
        assert shown.text.startswith(discord.ben.mention)
        assert {"Allow this use", "Refuse this use"} == {one["label"] for one in shown.controls.values()}
        private = mentioned(on, discord.ann, values={"private": "true"})
        assert not await on.door.ask_author(private, discord.ben.id, view)
        discord.deny(discord.general, discord.world.bot, Permission.SEND_MESSAGES)
        assert not await on.door.ask_author(mentioned(on, discord.ann), discord.ben.id, view)
        assert discord.pings() == []


def given(on: Entrance, name: str = "a.md", data: bytes = b"words", **changes: Any) -> Attachment:
    """Return a file that somebody gave with a message."""
    message = on.discord.say(on.discord.ann, on.discord.general, "here", files=[(name, data)])
    file = message.attachments[0]
    found = Attachment(
        f"{on.discord.general.id}/{message.id}/{file.id}",
        name,
        url=on.discord.world.link(file),
        size_bytes=len(data),
    )
    return replace(found, **changes)


async def test_a_link_that_died_is_made_anew() -> None:
    """A request may have waited for longer than a day; what came with a command cannot be had again."""
    async with entrance(starts=False) as on:
        file = given(on)
        on.clock.move(26 * 3_600)
        request = mentioned(on, on.discord.ann)
        assert await on.door.fetch(request, file) == b"words"
        assert [status for _, status in on.discord.cdn.downloads] == [404, 200]
        with pytest.raises(FileUnavailable, match="not in Discord any more"):
            await on.door.fetch(request, replace(file, id="123"))


async def test_a_file_that_is_gone_is_said() -> None:
    """With its message, or alone."""
    async with entrance(starts=False) as on:
        file = given(on)
        request = mentioned(on, on.discord.ann)
        on.discord.delete(on.discord.messages(on.discord.general)[-1])
        with pytest.raises(FileUnavailable, match="not in Discord any more"):
            await on.door.fetch(request, file)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"url": "https://evil.example/attachments/1/2/a.md"}, "outside Discord"),
        ({"url": "http://127.0.0.1:1/attachments/1/2/a.md"}, "outside Discord"),
        ({"url": "file:///etc/passwd"}, "outside Discord"),
        ({"url": "data:text/plain;base64,!!"}, "not in Discord"),
        ({"size_bytes": 2_000_000}, "more than"),
        ({"name": "film.mp4"}, "only DOCX"),
    ],
    ids=["host", "port", "scheme", "data", "size", "kind"],
)
async def test_what_is_not_a_file_of_discords_is_not_fetched(changes: dict[str, Any], says: str) -> None:
    """Nothing is asked for it."""
    async with entrance(starts=False) as on:
        file = given(on, **changes)
        with pytest.raises(FileUnavailable, match=says):
            await on.door.fetch(mentioned(on, on.discord.ann), file)
        assert on.discord.cdn.downloads == []


async def test_a_file_that_lies_about_its_size_is_cut_off() -> None:
    """As soon as it is longer than it may be."""
    async with entrance(starts=False) as on:
        file = given(on, data=b"x" * 1_100_000, size_bytes=1)
        with pytest.raises(FileUnavailable, match="more than"):
            await on.door.fetch(mentioned(on, on.discord.ann), file)


async def test_a_download_that_breaks_may_be_tried_again() -> None:
    """By whoever works off the request."""
    async with entrance(starts=False) as on:
        file = given(on)
        request = mentioned(on, on.discord.ann)
        for trouble in (Trouble.TRUNCATED, Trouble.SERVER_ERROR):
            on.discord.faults.add(trouble, "GET cdn")
            with pytest.raises(TransientError):
                await on.door.fetch(request, file)
        assert await on.door.fetch(request, file) == b"words"


async def stored(on: Entrance, name: str, data: bytes) -> SessionFile:
    await on.files.put(name, data)
    return SessionFile("f_1", "s_1", "result", name, "text/markdown", len(data), name, FakeClock().now())


async def test_files_go_with_a_private_answer() -> None:
    """Beside what was typed; later, and for a mention, in the direct messages."""
    async with entrance() as on:
        discord = on.discord
        file = await stored(on, "note.md", b"# Note")
        await discord.slash(discord.ann, discord.general, "atelier files")
        request = await on.one()
        await on.door.whisper(request, said("Looking."))
        await on.door.whisper(request, said("Your files."), files=[file])
        shown = discord.ephemeral(discord.ann)
        assert [(one.text.split("\n")[0], one.attachments[0].content) for one in shown] == [("Your files.", b"# Note")]
        await on.door.whisper(request, said("That was all."))
        assert discord.ephemeral(discord.ann)[0].attachments == []
        await on.door.whisper(mentioned(on, discord.ben), said("Your files."), files=[file])
        assert discord.direct_messages(discord.ben)[0].attachments[0].content == b"# Note"
        assert discord.said_by_app(discord.general) == []


async def test_a_look_that_discord_refuses_is_shown_plainly() -> None:
    """Better plain than nothing."""
    async with entrance() as on:
        discord = on.discord
        await discord.slash(discord.ann, discord.general, "atelier status")
        request = await on.one()
        route = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"
        discord.faults.add(Trouble.REFUSED, route, status=400, code=50035)
        await on.door.whisper(request, View((Text("All is **well**."),), "All is well."))
        assert "All is **well**." in discord.ephemeral(discord.ann)[0].text


async def test_text_of_people_calls_nobody_in_private_answers() -> None:
    """Whatever it says."""
    async with entrance() as on:
        discord = on.discord
        await discord.slash(discord.ann, discord.general, "atelier status")
        await on.door.whisper(await on.one(), said(f"@everyone {discord.ben.mention} @here"))
        await on.door.tell(f"discord:{discord.north.id}/{discord.ann.id}", said(f"@everyone {discord.ben.mention}"))
        assert discord.pings() == []
        assert "<@" not in discord.ephemeral(discord.ann)[0].text.replace("<@\u2060", "")


async def test_what_came_with_a_command_is_kept_while_it_waits() -> None:
    """Its link dies and nothing renews it; what hangs on a message is left alone, and nobody names another's file."""
    async with entrance() as on:
        discord = on.discord
        await discord.slash(discord.ann, discord.general, "atelier new", file=("a.md", b"words"))
        asked = await on.one()
        hanging = given(on)
        held = await on.door.keep(replace(asked, files=(*asked.files, hanging)))
        assert held.files[1] == hanging
        assert await on.door.keep(held) == held
        on.clock.move(3 * 86_400)
        with pytest.raises(FileUnavailable, match="not in Discord any more"):
            await on.door.fetch(asked, asked.files[0])
        assert await on.door.fetch(held, held.files[0]) == b"words"
        with pytest.raises(FileUnavailable, match="not kept"):
            await on.door.fetch(replace(held, id="q_other"), held.files[0])
        await on.door.let_go(held)
        await on.door.let_go(held)
        assert on.files.data == {}
        with pytest.raises(FileUnavailable, match="not kept"):
            await on.door.fetch(held, held.files[0])
