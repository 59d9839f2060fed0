"""The local Discord's laws of messages: what may be sent, to whom, and whom it calls."""

import io
from typing import Any

import discord
import pytest
from discord.http import Route

from tests.fakes.clock import FakeClock
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.model import Channel
from tests.fakes.discord.permissions import Permission
from tests.fakes_discord.refusals import refused

pytestmark = pytest.mark.loopback

NONE = discord.AllowedMentions.none()


def at(rest: discord.Client, channel: Channel) -> discord.PartialMessageable:
    return rest.get_partial_messageable(int(channel.id))


async def send_raw(rest: discord.Client, channel: Channel, **body: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await rest.http.request(
        Route("POST", "/channels/{channel_id}/messages", channel_id=channel.id), json=body
    )
    return answer


async def test_a_nonce_is_enforced_for_some_minutes(
    place: LocalDiscord, rest: discord.Client, clock: FakeClock
) -> None:
    """The second post with a nonce is the first one; discord.py asks for it by itself; later it is a new message."""
    first = await at(rest, place.general).send("once", nonce="key-1")
    assert (await at(rest, place.general).send("twice", nonce="key-1")).id == first.id
    clock.move(301)
    assert (await at(rest, place.general).send("later", nonce="key-1")).id != first.id
    assert [one.text for one in place.with_nonce("key-1")] == ["once", "later"]
    await at(rest, place.southern).send("elsewhere", nonce="key-1")


async def test_a_nonce_of_a_deleted_message_is_unknown(place: LocalDiscord, rest: discord.Client) -> None:
    """Within its minutes."""
    message = await at(rest, place.general).send("once", nonce="n")
    await message.delete()
    with refused(404, 10008):
        await at(rest, place.general).send("again", nonce="n")
    assert place.messages(place.general) == []


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({"content": "x" * 2001}, 50035, "2000 or fewer"),
        ({"content": " "}, 50006, "empty"),
        ({}, 50006, "empty"),
        ({"content": "x", "nonce": "n" * 26}, 50035, "25 or fewer"),
        ({"embeds": [{"description": "x" * 3001}] * 2}, 50035, "6000"),
        ({"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}}, 50035, "mutually exclusive"),
        ({"content": "x", "message_reference": {"message_id": "5"}}, 50035, "Unknown message"),
        ({"content": "x", "flags": 1 << 15, "components": [{"type": 10, "content": "x"}]}, 50035, "IS_COMPONENTS_V2"),
        ({"flags": 1 << 15, "components": [{"type": 10, "content": "x" * 2500}] * 2}, 50035, "4000"),
        ({"flags": 1 << 15, "components": [{"type": 10, "content": "x"}] * 41}, 50035, "40"),
        ({"flags": 1 << 15}, 50006, "empty"),
        ({"components": [{"type": 10, "content": "x"}]}, 50035, "one of (1,)"),
        ({"flags": 1 << 15, "components": [{"type": 10, "content": ""}]}, 50035, "between 1"),
        (
            {"flags": 1 << 15, "components": [{"type": 9, "components": [{"type": 10, "content": "x"}]}]},
            50035,
            "requir",
        ),
        (
            {"flags": 1 << 15, "components": [{"type": 17, "components": [{"type": 17, "components": []}]}]},
            50035,
            "one of",
        ),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x"}]}]},
            50035,
            "between 1 and 100",
        ),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "style": 5, "url": "ftp://x", "label": "x"}]}]},
            50035,
            "Scheme",
        ),
        (
            {"components": [{"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "a"}] * 2}]},
            50035,
            "duplicated: a",
        ),
        ({"flags": 1 << 15, "components": [{"type": 10, "id": 7, "content": "x"}] * 2}, 50035, "duplicated: 7"),
        ({"components": [{"type": 1, "components": [{"type": 3, "custom_id": "s", "options": []}]}]}, 50035, "options"),
        ({"flags": 1 << 15, "components": [{"type": 13, "file": {"url": "attachment://none"}}]}, 50035, "not found"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
async def test_a_message_that_is_wrong_is_refused(
    place: LocalDiscord, rest: discord.Client, body: dict[str, Any], code: int, says: str
) -> None:
    """With the code and the field that Discord names."""
    with refused(400, code, says):
        await send_raw(rest, place.general, **body)
    assert place.messages(place.general) == []
    place.api.problems.clear()  # Discord's OpenAPI refuses some of these too


async def test_a_layout_of_the_full_size_is_taken(place: LocalDiscord, rest: discord.Client) -> None:
    """Forty components with four thousand characters; their numbers and the unset fields are Discord's."""
    view = discord.ui.LayoutView(timeout=None)
    texts: list[discord.ui.Item[Any]] = [discord.ui.TextDisplay("x" * 105) for _ in range(38)]
    view.add_item(discord.ui.Container(*texts, accent_colour=1))
    view.add_item(discord.ui.TextDisplay("y" * 10))
    await at(rest, place.general).send(view=view)
    (message,) = place.messages(place.general)
    assert [one["id"] for one in message.components] == [1, 40]
    assert message.text.count("x") == 3990


async def test_numbers_of_components_are_kept(place: LocalDiscord, rest: discord.Client) -> None:
    """An app may find its own messages again by them."""
    container = {"type": 17, "id": 1 << 30, "components": [{"type": 10, "content": "x"}]}
    sent = await send_raw(rest, place.general, flags=1 << 15, components=[container])
    assert (sent["components"][0]["id"], sent["components"][0]["components"][0]["id"]) == (1 << 30, 1)
    assert len(place.with_component_id(1 << 30)) == 1


async def test_files_are_kept_with_their_names_and_texts(place: LocalDiscord, rest: discord.Client) -> None:
    """They travel in a multipart body, and a component shows one of them."""
    files = [discord.File(io.BytesIO(b"# hi"), "out.md", description="draft"), discord.File(io.BytesIO(b"2"), "b.txt")]
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(discord.ui.File("attachment://out.md"))
    message = await at(rest, place.general).send(view=view, files=files)
    assert [(one.name, one.content, one.description) for one in place.files()] == [
        ("out.md", b"# hi", "draft"),
        ("b.txt", b"2", ""),
    ]
    assert place.messages(place.general)[0].components[0]["name"] == "out.md"
    assert await message.attachments[0].read() == b"# hi"
    await message.remove_attachments(message.attachments[0])
    assert [one.name for one in place.files()] == ["b.txt"]


@pytest.mark.parametrize(
    ("size", "number", "code"), [(10 << 20, 1, 0), ((10 << 20) + 1, 1, 40005), (9 << 20, 3, 40005)]
)
async def test_files_have_a_cap_each_and_together(
    place: LocalDiscord, rest: discord.Client, size: int, number: int, code: int
) -> None:
    """Ten mebibytes a file, twenty-five a request."""
    files = [discord.File(io.BytesIO(bytes(size)), f"{one}.bin") for one in range(number)]
    if code:
        with refused(413, code):
            await at(rest, place.general).send(files=files)
    else:
        await at(rest, place.general).send(files=files)
    assert len(place.files()) == (0 if code else number)


async def test_a_message_calls_everybody_unless_it_says_otherwise(place: LocalDiscord, rest: discord.Client) -> None:
    """Users, roles and everyone by default, what stands in code left out."""
    role = place.world.add_role(place.north, "editors", is_mentionable=True)
    place.world.guilds[place.north.id].members[place.ben.id].roles.append(role.id)
    text = f"{place.ann.mention} {role.mention} `@everyone` ```{place.ben.mention}```"
    place.deny(place.general, place.world.bot, Permission.MENTION_EVERYONE)
    await at(rest, place.general).send(text)
    assert [(one.user_id, one.by) for one in place.pings()] == [(place.ann.id, "user"), (place.ben.id, "role")]


@pytest.mark.parametrize(
    ("allowed", "called"),
    [
        (NONE, []),
        (discord.AllowedMentions(users=False, roles=False, everyone=True), ["owner", "ann", "ben"]),
        (discord.AllowedMentions(users=True, everyone=False, roles=False), ["ann", "ben"]),
        (None, ["ann", "ben", "ann", "ben"]),
    ],
    ids=["none", "everyone", "users", "default"],
)
async def test_allowed_mentions_decide_who_is_called(
    place: LocalDiscord, rest: discord.Client, allowed: discord.AllowedMentions | None, called: list[str]
) -> None:
    """Everyone needs the permission besides."""
    place.grant(place.north, place.world.bot, Permission.MENTION_EVERYONE)
    place.world.join(place.north, place.world.owner)
    text = f"@everyone {place.ann.mention} {place.ben.mention}"
    message = await (
        at(rest, place.general).send(text, allowed_mentions=allowed) if allowed else at(rest, place.general).send(text)
    )
    names = [place.world.users[one.user_id].name for one in place.pings()]
    assert sorted(names) == sorted(called if allowed else [*called, "owner"])
    assert message.mention_everyone == ("owner" in names)


async def test_one_person_may_be_called_alone(place: LocalDiscord, rest: discord.Client) -> None:
    """By a list of users."""
    text = f"{place.ann.mention} {place.ben.mention}"
    only = discord.AllowedMentions(everyone=False, roles=False, users=[discord.Object(int(place.ann.id))])
    await at(rest, place.general).send(text, allowed_mentions=only)
    assert [one.user_id for one in place.pings()] == [place.ann.id]
    assert place.pings(allowed=[place.ann]) == []


async def test_an_edit_without_allowed_mentions_is_seen(place: LocalDiscord, rest: discord.Client) -> None:
    """It calls nobody, but shows the mention: the log of pings says so."""
    message = await at(rest, place.general).send("x", allowed_mentions=NONE)
    await message.edit(content=place.ann.mention)
    assert [(one.user_id, one.by) for one in place.pings()] == [(place.ann.id, "edit")]
    assert [one.text for one in place.messages(place.general)] == [place.ann.mention]


async def test_who_is_not_in_the_channel_is_not_called(place: LocalDiscord, rest: discord.Client) -> None:
    """Sue is in another server."""
    await at(rest, place.general).send(place.sue.mention)
    assert place.pings() == []


async def test_history_is_read_from_either_side(place: LocalDiscord, rest: discord.Client) -> None:
    """Newest first, as much as is asked for; empty without the right."""
    said = [place.say(place.ann, place.general, str(number)) for number in range(5)]
    middle = discord.Object(int(said[2].id))
    channel = at(rest, place.general)
    assert [one.content async for one in channel.history(limit=2)] == ["4", "3"]
    assert [one.content async for one in channel.history(after=middle)] == ["3", "4"]
    assert [one.content async for one in channel.history(before=middle, limit=1)] == ["1"]
    assert (await channel.fetch_message(int(said[0].id))).content == "0"
    place.deny(place.general, place.world.bot, Permission.READ_MESSAGE_HISTORY)
    assert [one async for one in channel.history(limit=2)] == []
    with refused(403, 50013):
        await channel.fetch_message(int(said[0].id))


async def test_an_old_message_is_edited_a_few_times_only(
    place: LocalDiscord, rest: discord.Client, clock: FakeClock
) -> None:
    """After an hour Discord throttles it."""
    message = await at(rest, place.general).send("x")
    clock.move(3601)
    for number in range(3):
        await message.edit(content=str(number))
    rest.http.max_ratelimit_timeout = 30.0
    with pytest.raises(discord.RateLimited):
        await message.edit(content="too often")
    assert [call.code for call in place.api.calls if call.status == 429] == [30046]


async def test_only_its_own_messages_are_edited(place: LocalDiscord, rest: discord.Client) -> None:
    """And others' deleted with a permission."""
    message = place.say(place.ann, place.general, "mine")
    partial = at(rest, place.general).get_partial_message(int(message.id))
    with refused(403, 50005):
        await partial.edit(content="ours")
    with refused(403, 50013):
        await partial.delete()
    place.grant(place.north, place.world.bot, Permission.MANAGE_MESSAGES)
    await partial.delete()
    assert place.messages(place.general) == []


async def test_the_flag_of_layouts_stays(place: LocalDiscord, rest: discord.Client) -> None:
    """An edit with content is refused then."""
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(discord.ui.TextDisplay("x"))
    message = await at(rest, place.general).send(view=view)
    with refused(400, 50035, "IS_COMPONENTS_V2"):
        await rest.http.request(
            Route("PATCH", "/channels/{c}/messages/{m}", c=place.general.id, m=message.id),
            json={"content": "x", "flags": 0, "components": []},
        )


@pytest.mark.parametrize(
    ("taken", "code"),
    [(Permission.VIEW_CHANNEL, 50001), (Permission.SEND_MESSAGES, 50013), (Permission.EMBED_LINKS, 0)],
)
async def test_permissions_of_the_channel_decide(
    place: LocalDiscord, rest: discord.Client, taken: Permission, code: int
) -> None:
    """Who does not see is told so, and who sees and may not is told that."""
    place.deny(place.general, place.world.bot, taken)
    if code:
        with refused(403, code):
            await at(rest, place.general).send("x")
        assert len(place.rates.invalid) == 1
    else:
        await at(rest, place.general).send("x")


async def test_files_need_a_permission(place: LocalDiscord, rest: discord.Client) -> None:
    """Text alone does not."""
    place.deny(place.general, place.world.bot, Permission.ATTACH_FILES)
    with refused(403, 50013):
        await at(rest, place.general).send("x", file=discord.File(io.BytesIO(b"x"), "x.md"))
    await at(rest, place.general).send("x")


async def test_direct_messages_reach_who_takes_them(place: LocalDiscord, rest: discord.Client) -> None:
    """Who shares no server, or refuses, is not reached: 50007."""
    user = await rest.fetch_user(int(place.ann.id))
    await user.send("hello")
    assert [one.text for one in place.direct_messages(place.ann)] == ["hello"]
    place.ann.accepts_direct = False
    with refused(403, 50007):
        await user.send("again")
    stranger = place.world.add_user("stranger")
    with refused(403, 50007):
        await (await rest.fetch_user(int(stranger.id))).send("x")


async def test_reactions_need_permission_for_a_new_emoji(place: LocalDiscord, rest: discord.Client) -> None:
    """One that is there may be joined."""
    message = place.say(place.ann, place.general, "x")
    partial = at(rest, place.general).get_partial_message(int(message.id))
    await partial.add_reaction("👀")
    assert message.reactions == {"👀": [place.world.bot.id]}
    await partial.remove_reaction("👀", discord.Object(int(place.world.bot.id)))
    place.deny(place.general, place.world.bot, Permission.ADD_REACTIONS)
    place.react(place.ann, message, "🎉")
    await partial.add_reaction("🎉")
    with refused(403, 50013):
        await partial.add_reaction("👀")


async def test_what_is_not_there_is_unknown(place: LocalDiscord, rest: discord.Client) -> None:
    """Channels, messages, servers and members have codes of their own."""
    with refused(404, 10003):
        await rest.fetch_channel(5)
    with refused(404, 10008):
        await at(rest, place.general).fetch_message(5)
    with refused(404, 10004):
        await rest.fetch_guild(5, with_counts=False)
    with refused(404, 10013):
        await rest.fetch_user(5)


async def test_bodies_without_allowed_mentions_are_found(place: LocalDiscord, rest: discord.Client) -> None:
    """So that an adapter can be held to say it each time."""
    await at(rest, place.general).send("careful", allowed_mentions=NONE)
    assert place.without_allowed_mentions() == []
    await at(rest, place.general).send("careless")
    assert [one["content"] for one in place.without_allowed_mentions()] == ["careless"]
