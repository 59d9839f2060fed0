"""The local Discord's laws of commands: what may be synced, and who is shown it."""

from typing import Any

import discord
import pytest

from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.people import NotShown
from tests.fakes.discord.permissions import Permission
from tests.fakes_discord.refusals import refused

pytestmark = pytest.mark.loopback


def command(**more: Any) -> dict[str, Any]:
    return {"type": 1, "name": "atelier", "description": "x", "options": []} | more


def option(kind: int = 3, **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": "brief", "description": "x"} | more


def many(number: int, kind: int = 3) -> list[dict[str, Any]]:
    return [option(kind, name=f"o{one}") for one in range(number)]


async def sync(place: LocalDiscord, rest: discord.Client, *commands: dict[str, Any]) -> list[Any]:
    return list(await rest.http.bulk_upsert_global_commands(int(place.world.app_id), list(commands)))


async def test_an_overwrite_keeps_the_ids_of_what_stays(place: LocalDiscord, rest: discord.Client) -> None:
    """What is not named goes; a server's commands are its own."""
    first = await sync(place, rest, command(), command(name="other"))
    second = await sync(place, rest, command(description="new"))
    assert (second[0]["id"], second[0]["description"]) == (first[0]["id"], "new")
    assert second[0]["version"] != first[0]["version"]
    assert len(place.commands()) == 1
    assert place.commands(place.north) == []
    await rest.http.bulk_upsert_guild_commands(int(place.world.app_id), int(place.north.id), [command()])
    assert [one["guild_id"] for one in place.commands(place.north)] == [place.north.id]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (command(name="Atelier"), "name"),
        (command(name="two words"), "name"),
        (command(name="x" * 33), "name"),
        (command(description=""), "description"),
        (command(description="x" * 101), "description"),
        (command(options=many(26)), "options"),
        (command(options=many(26, kind=1)), "options"),
        (command(options=[option(), option()]), "unique"),
        (command(options=[option(), option(1, name="sub")]), "exclusive"),
        (command(options=[option(name="a"), option(name="b", required=True)]), "Required"),
        (command(options=[option(choices=[{"name": "x", "value": str(n)} for n in range(26)])]), "choices"),
        (command(options=[option(choices=[{"name": "x" * 101, "value": "x"}])]), "choices"),
        (command(options=[option(choices=[{"name": "x", "value": "x"}], autocomplete=True)]), "exclusive"),
        (command(options=[option(2, options=[option(2, name="deeper", options=many(1, 1))])]), "nested"),
        ({"type": 3, "name": "Edit", "description": "x"}, "description"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_command_that_is_wrong_is_refused(
    place: LocalDiscord, rest: discord.Client, wrong: dict[str, Any], where: str
) -> None:
    """And nothing of the overwrite is kept."""
    with refused(400, 50035, where):
        await sync(place, rest, command(name="fine"), wrong)
    assert place.commands() == []
    place.api.problems.clear()  # Discord's OpenAPI refuses some of them, too


async def test_a_command_has_eight_thousand_characters(place: LocalDiscord, rest: discord.Client) -> None:
    """Of names, descriptions and values altogether."""

    def group(length: int) -> dict[str, Any]:
        inner = [option(name=f"o{one:02}", description="d" * 97) for one in range(16)]
        subs = [{"type": 1, "name": f"s{one:02}", "description": "d" * 97, "options": inner} for one in range(4)]
        return command(
            name="n" * 8, description="d" * 92, options=[*subs, option(1, name="l", description="d" * length)]
        )

    assert len(await sync(place, rest, group(99))) == 1
    big = group(99)
    big["options"] += [{"type": 1, "name": f"t{one:02}", "description": "d" * 97, "options": []} for one in range(12)]
    with refused(400, 50035, "8000"):
        await sync(place, rest, big)


async def test_there_are_so_many_commands_and_creates_a_day(place: LocalDiscord, rest: discord.Client) -> None:
    """A hundred at once; two hundred new ones a day."""
    with refused(400, 30032):
        await sync(place, rest, *[command(name=f"c{one}") for one in range(101)])
    for number in range(2):
        await sync(place, rest, *[command(name=f"c{number}-{one}") for one in range(100)])
    rest.http.max_ratelimit_timeout = 30.0
    with pytest.raises(discord.RateLimited):
        await sync(place, rest, command(name="one-more"))
    assert place.api.calls[-1].code == 30034


async def test_people_are_shown_what_they_may_use(place: LocalDiscord, rest: discord.Client) -> None:
    """By the command's own permissions and contexts, and the server's."""
    await sync(
        place,
        rest,
        command(),
        command(name="manage", default_member_permissions=32),
        command(name="here", contexts=[0]),
    )
    place.slash_soon(place.ben, place.general, "atelier")
    place.slash_soon(place.ann, place.general, "manage")
    place.slash_soon(place.ann, place.direct(place.ann), "atelier")
    with pytest.raises(NotShown):
        place.slash_soon(place.ben, place.general, "manage")
    with pytest.raises(NotShown):
        place.slash_soon(place.ann, place.direct(place.ann), "here")
    with pytest.raises(NotShown):
        place.slash_soon(place.sue, place.general, "atelier")
    place.grant(place.north, place.ben, Permission.MANAGE_GUILD)
    place.slash_soon(place.ben, place.general, "manage")
    place.deny(place.general, place.north.roles[place.north.id], Permission.USE_APPLICATION_COMMANDS)
    with pytest.raises(NotShown):
        place.slash_soon(place.ben, place.general, "atelier")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "required: brief"),
        ({"brief": "abcdef"}, "characters"),
        ({"brief": "ab", "rounds": 9}, "at most"),
        ({"brief": "ab", "rounds": "1"}, "takes no str"),
        ({"brief": "ab", "tone": "loud"}, "one of"),
        ({"brief": "ab", "nothing": "x"}, "no option"),
        ({"brief": "ab", "file": "x"}, "takes no str"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_the_client_checks_what_is_typed(
    place: LocalDiscord, rest: discord.Client, given: dict[str, Any], says: str
) -> None:
    """By the synced command."""
    options = [
        option(required=True, max_length=5),
        option(4, name="rounds", max_value=8),
        option(name="tone", choices=[{"name": "Quiet", "value": "quiet"}]),
        option(11, name="file"),
    ]
    await sync(place, rest, command(options=options))
    with pytest.raises(NotShown, match=says):
        place.slash_soon(place.ann, place.general, "atelier", **given)
    one = place.slash_soon(place.ann, place.general, "atelier", brief="ab", rounds=8, tone="quiet", file=("a", b""))
    assert [entered["type"] for entered in one.payload["data"]["options"]] == [3, 4, 3, 11]
