"""Who may do what in a workspace: pure rules over what is recorded and what the platform says of a person."""

from enum import StrEnum
from typing import Protocol

from core.workspaces.errors import NotAllowed
from core.workspaces.model import Member, Workspace


class Denial(StrEnum):
    """Why somebody may not."""

    BOT = "bot"
    BLOCKED = "blocked"
    OUTSIDER = "outsider"
    GUEST = "guest"
    NOT_SET_UP = "not_set_up"
    ROLE = "role"
    CHANNEL = "channel"
    NOT_STARTER = "not_starter"
    NOT_MAKER = "not_maker"
    NOT_OWN = "not_own"
    NOT_ADMIN = "not_admin"
    NOT_ADDRESSEE = "not_addressee"
    NOT_OURS = "not_ours"


class Standing(Protocol):
    """Who somebody is, as the platform says."""

    @property
    def is_admin(self) -> bool: ...
    @property
    def is_guest(self) -> bool: ...
    @property
    def is_outsider(self) -> bool: ...
    @property
    def is_bot(self) -> bool: ...
    @property
    def roles(self) -> tuple[str, ...]: ...


def steer_denial(workspace: Workspace, member: Member, standing: Standing) -> Denial | None:
    """Return why somebody may not say anything to a session, None if they may."""
    settings = workspace.settings
    if standing.is_bot:
        return Denial.BOT
    if member.is_blocked:
        return Denial.BLOCKED
    if standing.is_outsider and not settings.outsiders_may_start:
        return Denial.OUTSIDER
    if standing.is_guest and not settings.guests_may_start:
        return Denial.GUEST
    return None


def start_denial(
    workspace: Workspace, member: Member, standing: Standing, *, channel: str, asks_setup: bool
) -> Denial | None:
    """Return why somebody may not start a session, None if they may.

    Args:
        workspace: Whose settings hold.
        member: Who asks.
        standing: What the platform says of them.
        channel: Id of the channel in which it was asked; empty for a conversation with the app alone, which no list of
            channels is about.
        asks_setup: Whether only admins may start until one of them looked at the settings.
    """
    settings = workspace.settings
    denial = steer_denial(workspace, member, standing)
    if denial is not None:
        return denial
    if _rules(standing):
        return None
    if asks_setup and not settings.is_set_up:
        return Denial.NOT_SET_UP
    if settings.start_roles and not set(settings.start_roles) & set(standing.roles):
        return Denial.ROLE
    if channel and settings.start_channels and not _is_among(channel, settings.start_channels):
        return Denial.CHANNEL
    return None


def control_denial(starter_id: str, member: Member, standing: Standing) -> Denial | None:
    """Return why somebody may not pause, stop or change a session, None if they may."""
    if standing.is_bot:
        return Denial.BOT
    if member.is_blocked:
        return Denial.BLOCKED
    if member.id == starter_id or _rules(standing):
        return None
    return Denial.NOT_STARTER


def keep_denial(maker_id: str, member: Member, standing: Standing) -> Denial | None:
    """Return why somebody may not change or remove what a member made for all, such as a project; None if they may."""
    denial = control_denial(maker_id, member, standing)
    return Denial.NOT_MAKER if denial is Denial.NOT_STARTER else denial


def configure_denial(member: Member, standing: Standing) -> Denial | None:
    """Return why somebody may not change the workspace's settings, None if they may."""
    if standing.is_bot:
        return Denial.BOT
    if member.is_blocked:
        return Denial.BLOCKED
    return None if _rules(standing) else Denial.NOT_ADMIN


def may_read(*, starter_id: str, is_private: bool, session_channel: str, member_id: str, channel: str) -> bool:
    """Return whether somebody who asks in *channel* may see a session: whoever started it, or whoever sees its channel.

    Nobody but its starter sees a private one. Both must be of one workspace; that is checked before.
    """
    return member_id == starter_id or (not is_private and bool(channel) and channel == session_channel)


def refuse(denial: Denial | None) -> None:
    """Return if there is no denial; raises `NotAllowed` for one."""
    if denial is not None:
        raise NotAllowed(denial.value)


def _rules(standing: Standing) -> bool:
    """Return whether somebody is an admin here: one of another workspace is none."""
    return standing.is_admin and not standing.is_outsider and not standing.is_guest


def _is_among(channel: str, channels: tuple[str, ...]) -> bool:
    """Return whether a channel is listed: by its whole name, or by the platform's id at its end."""
    return channel in channels or channel.rpartition("/")[2] in {item.rpartition("/")[2] for item in channels}
