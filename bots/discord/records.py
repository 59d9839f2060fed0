"""What our own rows know that Discord does not say: whose request it is in a direct conversation, and what is live."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bots.desk.requests import load_request
from bots.discord.decoded import PLATFORM
from bots.discord.heard import request_id_of
from bots.discord.places import channel_ref, workspace_ref
from core.sessions.guidance import GONE
from core.sessions.model import ENDED, LIVE, ThreadRef
from core.sessions.ports import Store, Transaction

_PREFIX = workspace_ref("")
_PAGE = 500
_MOST_LIVE = 10_000
_MOST_ENDED = 200


@dataclass(frozen=True, slots=True)
class Known:
    """A server that we have a row of.

    Attributes:
        is_away: Whether the app was removed from it.
    """

    guild: str
    is_away: bool


@dataclass(frozen=True, slots=True)
class Words:
    """What somebody said to a session that is live.

    Attributes:
        message: Discord's id of the message.
        revision: See `core.sessions.model.Guidance`.
        is_used: Whether a turn has read it.
    """

    message: str
    revision: str
    is_used: bool


class Records:
    """Reads rows.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def home_of(self, user: str, *, channel: str, target: str = "") -> str:
        """Return the server that somebody's request in a direct conversation counts for, empty where there is none.

        That of what they pressed on; else of the newest session in the conversation; else the one where they last
        started something, or which they came to last.

        Args:
            user: Discord's id of the person.
            channel: Discord's id of the conversation.
            target: What a button is about: a session, or a request that waits.
        """
        return await self._store.read(lambda tx: _home(tx, user, channel, target))

    async def is_live(self, channel: str) -> bool:
        """Return whether a session works in a direct conversation."""

        def read(tx: Transaction) -> bool:
            session = tx.sessions.find_by_thread(PLATFORM, channel_ref("", channel), channel)
            return session is not None and session.status in LIVE

        return await self._store.read(read)

    async def said_to(self, channel: str, message: str) -> ThreadRef | None:
        """Return the place that a message was taken for, None where it was not taken (in the last week)."""
        row = await self._store.read(lambda tx: tx.inbox.find(request_id_of(channel, message)))
        return None if row is None else load_request(row.payload).spot.thread

    async def open_threads(self, ended_since: datetime) -> Sequence[tuple[str, ThreadRef]]:
        """Return where sessions are live, or were until after *ended_since*, each with its workspace.

        Of those that are over only so many, the newest: each costs a look at Discord.
        """

        def read(tx: Transaction) -> list[tuple[str, ThreadRef]]:
            live = tx.sessions.list_sessions(statuses=sorted(LIVE), limit=_MOST_LIVE)
            over = tx.sessions.list_sessions(statuses=sorted(ENDED), limit=_MOST_ENDED)
            late = [one for one in over if one.ended_at is not None and one.ended_at >= ended_since]
            mine = [one for one in (*live, *late) if one.thread.platform == PLATFORM and one.thread.thread]
            return list(dict.fromkeys((one.workspace_id, one.thread) for one in mine))

        return await self._store.read(read)

    async def words_in(self, thread: ThreadRef) -> Sequence[Words] | None:
        """Return what was said by messages to the session that is live in a place, None where none is.

        What was deleted or taken out is not among it: nothing changes that any more.
        """

        def read(tx: Transaction) -> list[Words] | None:
            session = tx.sessions.find_by_thread(thread.platform, thread.channel, thread.thread)
            if session is None or session.status not in LIVE:
                return None
            said = [one for one in tx.sessions.list_guidance(session.id) if one.is_heard and one.revision != GONE]
            return [Words(one.id, one.revision, one.taken_round is not None) for one in said if one.id.isdigit()]

        return await self._store.read(read)

    async def guilds(self) -> Mapping[str, Known]:
        """Return every server that we have a row of, by its id."""

        def read(tx: Transaction) -> dict[str, Known]:
            found: dict[str, Known] = {}
            after = _PREFIX
            while page := [one for one in tx.workspaces.list_all(limit=_PAGE, after=after) if one.platform == PLATFORM]:
                for one in page:
                    guild = one.id.removeprefix(_PREFIX)
                    found[guild] = Known(guild, one.removed_at is not None)
                after = page[-1].id
            return found

        return await self._store.read(read)


def _home(tx: Transaction, user: str, channel: str, target: str) -> str:
    if target:
        pressed = tx.sessions.find(target)
        if pressed is not None:
            return _guild_of(pressed.workspace_id)
        row = tx.inbox.find(target)
        if row is not None:
            return _guild_of(load_request(row.payload).actor.workspace_id)
    here = tx.sessions.find_by_thread(PLATFORM, channel_ref("", channel), channel)
    if here is not None:
        return _guild_of(here.workspace_id)
    known = [one for one in tx.workspaces.list_memberships(user) if one.workspace_id.startswith(_PREFIX)]
    homes = []
    for number, member in enumerate(known):
        workspace = tx.workspaces.find(member.workspace_id)
        if workspace is None or workspace.removed_at is not None:
            continue
        last = next(iter(tx.sessions.list_sessions(member_id=member.id, limit=1)), None)
        homes.append((last.created_at.timestamp() if last is not None else 0.0, -number, member.workspace_id))
    return _guild_of(max(homes)[2]) if homes else ""


def _guild_of(workspace_id: str) -> str:
    return workspace_id.removeprefix(_PREFIX) if workspace_id.startswith(_PREFIX) else ""
