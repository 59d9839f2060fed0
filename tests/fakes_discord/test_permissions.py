"""Who may do what, and whom a message calls: laws over values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.clock import FakeClock
from tests.fakes.discord.model import Channel, Guild, Kind, Message, Overwrite, Role, User
from tests.fakes.discord.permissions import ALL, DIRECT, Permission, in_channel, in_guild
from tests.fakes.discord.posting import Draft, post
from tests.fakes.discord.world import World

SEND, VIEW, MANAGE = Permission.SEND_MESSAGES, Permission.VIEW_CHANNEL, Permission.MANAGE_GUILD


class Stage:
    """A server with two members, one of whom has a role, and a channel."""

    def __init__(self) -> None:
        self.world = World(FakeClock())
        self.ann, self.ben = self.world.add_user("ann"), self.world.add_user("ben")
        self.guild: Guild = self.world.add_guild("north")
        self.role: Role = self.world.add_role(self.guild, "editors", MANAGE, is_mentionable=True)
        self.world.join(self.guild, self.ann, self.role)
        self.world.join(self.guild, self.ben)
        self.world.install(self.guild)
        self.channel: Channel = self.world.add_channel(self.guild, "general")

    def of(self, user: User, channel: Channel | None = None) -> Permission:
        return self.world.permissions(channel or self.channel, user)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def test_roles_add_up_and_owners_may_everything(stage: Stage) -> None:
    """So do administrators; strangers may nothing."""
    assert in_guild(stage.guild, stage.ann.id) & MANAGE
    assert not in_guild(stage.guild, stage.ben.id) & MANAGE
    assert in_guild(stage.guild, stage.world.owner.id) == ALL
    assert in_guild(stage.guild, "5") == 0
    stage.role.permissions = Permission.ADMINISTRATOR
    stage.channel.overwrites[stage.ann.id] = Overwrite(deny=VIEW)
    assert stage.of(stage.ann) == ALL


@pytest.mark.parametrize(
    ("overwrites", "may"),
    [
        ({}, True),
        ({"everyone": Overwrite(deny=SEND)}, False),
        ({"everyone": Overwrite(deny=SEND), "role": Overwrite(allow=SEND)}, True),
        ({"role": Overwrite(deny=SEND), "user": Overwrite(allow=SEND)}, True),
        ({"role": Overwrite(allow=SEND), "user": Overwrite(deny=SEND)}, False),
        ({"everyone": Overwrite(deny=VIEW)}, False),
    ],
    ids=["nothing", "everyone", "role over everyone", "user over role", "user denied", "not seen"],
)
def test_overwrites_go_from_everyone_to_one(stage: Stage, overwrites: dict[str, Overwrite], may: bool) -> None:
    """Everyone, then roles, then the user; who does not see may nothing."""
    ids = {"everyone": stage.guild.id, "role": stage.role.id, "user": stage.ann.id}
    stage.channel.overwrites = {ids[name]: one for name, one in overwrites.items()}
    assert bool(stage.of(stage.ann) & SEND) is may
    if "everyone" in overwrites and overwrites["everyone"].deny & VIEW:
        assert stage.of(stage.ann) == 0


def test_threads_have_their_channels_permissions(stage: Stage) -> None:
    """And private ones are seen by members and by who manages threads."""
    thread = stage.world.add_thread(stage.channel, "x", stage.ann, Kind.PRIVATE_THREAD)
    assert (stage.world.sees(thread, stage.ann), stage.world.sees(thread, stage.ben)) == (True, False)
    stage.channel.overwrites[stage.ben.id] = Overwrite(allow=Permission.MANAGE_THREADS)
    stage.channel.overwrites[stage.ann.id] = Overwrite(deny=VIEW)
    assert (stage.world.sees(thread, stage.ann), stage.world.sees(thread, stage.ben)) == (False, True)
    assert in_channel(None, thread, stage.ann.id) == DIRECT


def test_servers_spread_over_shards(stage: Stage) -> None:
    """Each on another than the one before."""
    guilds = [stage.world.add_guild(str(number)) for number in range(6)]
    assert len({(int(one.id) >> 22) % 6 for one in guilds}) == 6


def test_ids_grow(stage: Stage) -> None:
    """Though the clock stands."""
    ids = [int(stage.world.next_id()) for _ in range(100)]
    assert ids == sorted(set(ids))


NAMES = ("ann", "ben", "sue")
PIECES = st.sampled_from([*NAMES, "role", "@everyone", "`", "text"])


@given(
    pieces=st.lists(PIECES, max_size=6),
    users=st.sets(st.sampled_from(NAMES)),
    parse=st.sets(st.sampled_from(["users", "roles", "everyone"])),
    may_call_all=st.booleans(),
)
def test_nobody_is_called_who_is_not_allowed(
    pieces: list[str], users: set[str], parse: set[str], may_call_all: bool
) -> None:
    """Neither by name nor by role nor by everyone; and never somebody who does not see the channel."""
    stage = Stage()
    sue = stage.world.add_user("sue")
    people = {"ann": stage.ann, "ben": stage.ben, "sue": sue}
    if may_call_all:
        stage.channel.overwrites[stage.world.bot.id] = Overwrite(allow=Permission.MENTION_EVERYONE)
    else:
        stage.guild.roles[stage.guild.id].permissions &= ~Permission.MENTION_EVERYONE
    written = {name: one.mention for name, one in people.items()} | {"role": stage.role.mention}
    text = "x " + " ".join(written.get(piece, piece) for piece in pieces)
    listed = [people[name].id for name in sorted(users)] if "users" not in parse else []
    allowed = {"parse": sorted(parse), "users": listed}
    body = {"content": text, "allowed_mentions": allowed}
    message: Message = post(stage.world, Draft(stage.channel, stage.world.bot, body))
    called = message.pinged
    expected = {people[name].id for name in NAMES if name in pieces and ("users" in parse or name in users)}
    if "role" in pieces and "roles" in parse:
        expected.add(stage.ann.id)
    if "@everyone" in pieces and "everyone" in parse and may_call_all:
        expected |= set(stage.guild.members) - {stage.world.bot.id}
    assert sue.id not in called
    assert called <= expected
    if "`" not in pieces:
        assert called == expected - {sue.id}
