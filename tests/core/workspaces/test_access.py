"""Who may do what."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.workspaces.access import (
    Denial,
    configure_denial,
    control_denial,
    may_read,
    refuse,
    start_denial,
    steer_denial,
)
from core.workspaces.errors import NotAllowed
from core.workspaces.model import Member, Workspace, WorkspaceSettings

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_MEMBER = Member("slack:T1/U1", "slack:T1", "U1", "Ann", _NOW)


@dataclass(frozen=True)
class Person:
    """See `core.workspaces.access.Standing`."""

    is_admin: bool = False
    is_guest: bool = False
    is_outsider: bool = False
    is_bot: bool = False
    roles: tuple[str, ...] = ()


_PEOPLE = st.builds(
    Person,
    is_admin=st.booleans(),
    is_guest=st.booleans(),
    is_outsider=st.booleans(),
    is_bot=st.booleans(),
    roles=st.lists(st.sampled_from(["r1", "r2"]), unique=True).map(tuple),
)
_SETTINGS = st.builds(
    WorkspaceSettings,
    is_set_up=st.booleans(),
    guests_may_start=st.booleans(),
    outsiders_may_start=st.booleans(),
    start_roles=st.sampled_from([(), ("r1",)]),
    start_channels=st.sampled_from([(), ("C1",), ("T1/C1",)]),
)
_CHANNELS = st.sampled_from(["", "T1/C1", "T1/C2"])


def workspace_of(settings: WorkspaceSettings) -> Workspace:
    return Workspace("slack:T1", "slack", "One", _NOW, settings=settings)


@given(_SETTINGS, _PEOPLE, _CHANNELS, st.booleans())
def test_who_may_not_steer_may_not_start(settings: WorkspaceSettings, person: Person, channel: str, asks: bool) -> None:
    """Starting asks for at least as much."""
    workspace = workspace_of(settings)
    steer = steer_denial(workspace, _MEMBER, person)
    start = start_denial(workspace, _MEMBER, person, channel=channel, asks_setup=asks)
    assert steer is None or start is steer


@given(_SETTINGS, _PEOPLE, _CHANNELS, st.booleans())
def test_a_start_needs_every_rule(settings: WorkspaceSettings, person: Person, channel: str, asks: bool) -> None:
    """An admin of this workspace is held by none but the first; everybody else by each."""
    denial = start_denial(workspace_of(settings), _MEMBER, person, channel=channel, asks_setup=asks)
    is_stranger = (person.is_guest and not settings.guests_may_start) or (
        person.is_outsider and not settings.outsiders_may_start
    )
    rules = person.is_admin and not person.is_guest and not person.is_outsider
    held = not rules and (
        (asks and not settings.is_set_up)
        or (bool(settings.start_roles) and not set(person.roles) & set(settings.start_roles))
        or (channel == "T1/C2" and bool(settings.start_channels))
    )
    assert (denial is None) == (not person.is_bot and not is_stranger and not held)


@given(_PEOPLE)
def test_control_is_the_starters_and_the_admins(person: Person) -> None:
    """An admin of another workspace is nobody here; the starter always may."""
    rules = person.is_admin and not person.is_guest and not person.is_outsider
    mine = control_denial(_MEMBER.id, _MEMBER, person)
    others = control_denial("slack:T1/U2", _MEMBER, person)
    assert (mine is None) == (not person.is_bot)
    assert (others is None) == (rules and not person.is_bot)
    assert (configure_denial(_MEMBER, person) is None) == (rules and not person.is_bot)


@given(_SETTINGS, _PEOPLE)
def test_blocked_is_blocked(settings: WorkspaceSettings, person: Person) -> None:
    """Not even an admin's roles help."""
    blocked = replace(_MEMBER, is_blocked=True)
    workspace = workspace_of(settings)
    assert steer_denial(workspace, blocked, person) is not None
    assert start_denial(workspace, blocked, person, channel="", asks_setup=False) is not None
    assert control_denial(blocked.id, blocked, person) is not None
    assert configure_denial(blocked, person) is not None


@given(st.booleans(), st.sampled_from(["", "C1", "C2"]), st.sampled_from(["C1", "C2"]), st.sampled_from(["a", "b"]))
def test_reading(is_private: bool, channel: str, home: str, member: str) -> None:
    """Whoever started it, anywhere; others where it is posted, unless it is private; nobody from nowhere."""
    may = may_read(starter_id="a", is_private=is_private, session_channel=home, member_id=member, channel=channel)
    assert may == (member == "a" or (not is_private and channel == home))
    assert not may_read(starter_id="a", is_private=False, session_channel="", member_id="b", channel="")


def test_a_denial_is_an_error_with_its_reason() -> None:
    """And none is none."""
    refuse(None)
    with pytest.raises(NotAllowed) as raised:
        refuse(Denial.GUEST)
    assert raised.value.reason == "guest"
