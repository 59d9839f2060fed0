"""Where something is in Slack. A channel's id alone does not say it: a shared channel has one id in several teams."""

import re
from dataclasses import dataclass

from core.sessions.model import ThreadRef

_PERSON = re.compile(r"[UW][A-Z0-9]{2,}")


@dataclass(frozen=True, slots=True)
class Place:
    """A channel as one team sees it.

    Attributes:
        team: The team whose installation posts there; empty where only one installation exists.
        channel: Slack's id of the channel.
    """

    team: str
    channel: str

    @property
    def is_direct(self) -> bool:
        """Whether it is the app's conversation with one person."""
        return self.channel.startswith("D")


def channel_ref(team: str, channel: str) -> str:
    """Return what `core.sessions.model.ThreadRef.channel` holds for Slack: ``T1/C1``."""
    return f"{team}/{channel}" if team else channel


def place_of(thread: ThreadRef) -> Place:
    """Return the place of a thread; one that was written without its team has none."""
    team, _, channel = thread.channel.rpartition("/")
    return Place(team, channel)


def person_of(member_id: str) -> str:
    """Return Slack's id of a member (``slack:T1/U1``), empty for what is no such id: it goes into a mention."""
    person = member_id.rpartition("/")[2]
    return person if _PERSON.fullmatch(person) else ""
