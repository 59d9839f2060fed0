"""What Slack told nobody: words in threads of live sessions that were said, changed or taken back while no event came in.

Slack tries an event three times within some minutes. What happens while the app is down for longer, or while Slack has switched
its events off, is never told. So when the first event comes in after a silence, the threads in which sessions are live are read
and what differs from what is known goes the way that events go. Whatever is found twice is taken once.

What that costs, for all processes together and at most once in ten minutes: up to `limits.THREADS_CAUGHT_UP` threads, those of the
newest sessions, and `limits.PAGES_CAUGHT_UP` pages of each, within the part of Slack's budget that may be missed.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from bots.slack import limits
from bots.slack.api import SlackApi
from bots.slack.credentials import CredentialSource
from bots.slack.decode import Decoded, Install, decode_event
from bots.slack.errands import Errands
from bots.slack.places import Place, person_of, place_of
from bots.slack.tenants import PLATFORM
from core.clock import Clock
from core.errors import TransientError
from core.orchestration.ports import PostRefused
from core.sessions.guidance import GONE
from core.sessions.model import LIVE, Guidance, Session
from core.sessions.ports import Store, Transaction

_log = structlog.get_logger(__name__)
_SOURCE = "slack_catching_up"
_LOOK_BACK = timedelta(days=1)
_PERIOD_SECONDS = 600
_LATE_SECONDS = 1.0  # who wakes a moment early would find the look of the old period
_TRIES = 4
_WAIT_SECONDS = 60.0
_TS = re.compile(r"\d+\.\d+")
_STONE = "tombstone"
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Talk:
    """A thread in which a session is live.

    Attributes:
        words: What was said there to the session, by the time that Slack knows it by.
    """

    session: Session
    words: Mapping[str, Guidance]


class CatchingUp:
    """Looks up what was missed.

    Args:
        api: The door to Slack.
        credentials: The app's own user in each team.
        store: Where sessions are, and which process catches up.
        clock: The time.
        errands: What it runs among.
        hear: Takes what an event asks: see `bots.slack.events.Listeners.hear`.
    """

    def __init__(
        self,
        api: SlackApi,
        credentials: CredentialSource,
        *,
        store: Store,
        clock: Clock,
        errands: Errands,
        hear: Callable[[Decoded], Awaitable[None]],
    ) -> None:
        self._api = api
        self._credentials = credentials
        self._store = store
        self._clock = clock
        self._errands = errands
        self._hear = hear
        self._is_put_off = False

    def begin(self) -> None:
        """Look up what was missed, beside what the caller does."""
        self._errands.begin("catching_up", self._run())

    async def _run(self, *, is_second: bool = False) -> None:
        """Take what was missed, as soon as our rows can be read; *is_second* where this was put off already."""
        for wait in (*[_WAIT_SECONDS] * (_TRIES - 1), None):
            try:
                await self._catch_up(is_second=is_second)
            except TransientError as error:  # nothing brings the gap back later
                _log.warning("slack_not_caught_up", error=type(error).__name__, waits=wait)
                is_second = False  # the look that these ten minutes had may be ours, which failed
                if wait is not None:
                    await self._clock.sleep(wait)
            else:
                return

    async def _catch_up(self, *, is_second: bool) -> None:
        """Look once; where a process did so a moment ago, what was missed since then is looked up when it may be again."""
        now = self._clock.now().timestamp()
        if not await self._is_first(now):
            if not is_second:
                self._put_off(now - now % _PERIOD_SECONDS + _PERIOD_SECONDS + _LATE_SECONDS)
            return
        left = await self._store.read(_talks)
        for number in range(1, _TRIES + 1):
            unread = [talk for talk in left if not await self._try(talk)]
            if not unread:
                return
            left = unread
            if number < _TRIES:
                await self._clock.sleep(_WAIT_SECONDS)
        _log.warning("slack_threads_unread", number=len(left))

    def _put_off(self, due: float) -> None:
        """Look when the next ten minutes begin, once for all that was missed until then."""
        if self._is_put_off:
            return
        self._is_put_off = True
        self._errands.put_off(
            "catching_up", lambda: self._clock.sleep(due - self._clock.now().timestamp()), self._run_second
        )

    async def _run_second(self) -> None:
        self._is_put_off = False
        await self._run(is_second=True)

    async def _is_first(self, now: float) -> bool:
        """Return whether no process has looked in the ten minutes that hold *now*; from now on this one has."""
        period, at = str(int(now) // _PERIOD_SECONDS), self._clock.now()
        return await self._store.write(lambda tx: tx.inbound.add(source=_SOURCE, event_id=period, at=at))

    async def _try(self, talk: _Talk) -> bool:
        """Return whether a thread needs no other look."""
        try:
            found = await self._look(talk)
        except PostRefused as error:
            _log.info("slack_thread_closed", session=talk.session.id, reason=error.reason)
        except TransientError as error:
            _log.info("slack_thread_unread", session=talk.session.id, error=type(error).__name__)
            return False
        else:
            _log.info("slack_thread_caught_up", session=talk.session.id, found=found)
        return True

    async def _look(self, talk: _Talk) -> int:
        """Hear what differs in a thread, and return how many events stand for it."""
        thread, place = talk.session.thread, place_of(talk.session.thread)
        credential = await self._credentials.find(place.team)
        if credential is None:
            return 0
        install = Install(credential.tenant, credential.bot_user_id)
        day = f"{(self._clock.now() - _LOOK_BACK).timestamp():.6f}"
        begun = max(day, thread.card or thread.thread)
        waiting = [ts for ts, one in talk.words.items() if one.taken_round is None]
        oldest = min([begun, *waiting])
        messages, is_whole = await self._replies(place, thread.thread, oldest)
        found = 0
        for event in missed_events(
            talk.words, messages, place, thread.thread, begun=begun, oldest=oldest if is_whole else ""
        ):
            decoded = decode_event({"event": event}, install)
            if decoded is not None:
                await self._hear(decoded)
                found += 1
        return found

    async def _replies(self, place: Place, thread: str, oldest: str) -> tuple[dict[str, Json], bool]:
        """Return the replies in a thread since *oldest*, by their times, and whether these are all.

        Raises:
            PostRefused, TransientError: As Slack answers.
        """
        found: dict[str, Json] = {}
        cursor = ""
        for _ in range(limits.PAGES_CAUGHT_UP):
            more = {"cursor": cursor} if cursor else {}
            arguments: dict[str, Any] = {
                "channel": place.channel,
                "ts": thread,
                "oldest": oldest,
                "inclusive": True,
                "limit": limits.HISTORY_PAGE,
                **more,
            }
            answer = await self._api.call(
                place.team,
                "conversations.replies",
                lambda client, arguments=arguments: client.conversations_replies(**arguments),  # type: ignore[misc]
                patient=False,
            )
            page: Json = answer.data
            found |= {str(one["ts"]): one for one in page.get("messages", ()) if one.get("ts") != thread}
            cursor = str((page.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                return found, not page.get("has_more")
        return found, False


def missed_events(
    words: Mapping[str, Guidance],
    messages: Mapping[str, Json],
    place: Place,
    thread: str,
    *,
    begun: str,
    oldest: str,
) -> list[Json]:
    """Return the events that were not told; *oldest* is empty where nobody can say that a message is gone."""
    there = {ts: one for ts, one in messages.items() if one.get("subtype") != _STONE}
    base = {"type": "message", "channel": place.channel}
    events: list[Json] = []
    for ts, message in there.items():
        if ts >= begun and ts not in words:
            events.append({**message, **base})
        edited = str((message.get("edited") or {}).get("ts") or "")
        if edited and ts in words and edited > words[ts].revision:
            event = {"subtype": "message_changed", "ts": edited, "message": message, "previous_message": {}}
            events.append({**event, **base})
    for ts, one in words.items():
        if oldest and ts >= oldest and ts not in there:
            before = {"user": person_of(one.member_id), "ts": ts, "thread_ts": thread}
            events.append({"subtype": "message_deleted", "deleted_ts": ts, "previous_message": before, **base})
    return events


def _talks(tx: Transaction) -> Sequence[_Talk]:
    """Return the threads of the newest sessions that are live, with what counts or may count of what was said there."""
    live = tx.sessions.list_sessions(statuses=sorted(LIVE), limit=limits.SESSIONS_LOOKED_THROUGH)
    mine = [one for one in live if one.thread.platform == PLATFORM and one.thread.thread][: limits.THREADS_CAUGHT_UP]
    talks = []
    for session in mine:
        said = tx.sessions.list_guidance(session.id)
        known = {one.id: one for one in said if one.is_heard and one.revision != GONE and _TS.fullmatch(one.id)}
        talks.append(_Talk(session, known))
    return talks
