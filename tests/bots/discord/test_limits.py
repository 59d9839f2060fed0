"""What Discord counts, what it takes, and what its answers mean."""

from itertools import pairwise

import aiohttp
import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.discord import limits
from bots.discord.api import as_our_error
from bots.discord.files import gather, safe_name
from bots.discord.invalid import DiscordPaused, InvalidRequests
from bots.discord.layout import Json
from bots.discord.pacing import Pacer
from bots.discord.permissions import Permission, missing, name_of
from bots.posting.cards import NoRoom
from core.errors import TransientError
from core.orchestration.ports import PostRefused, PostUncertain
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock

NO_UPLOAD: Json = {}


class Answer:
    """As much of an answer as the library's exceptions read."""

    def __init__(self, status: int, headers: dict[str, str] | None = None) -> None:
        self.status, self.reason, self.headers = status, "", headers or {}


def _http(status: int, code: int = 0, headers: dict[str, str] | None = None) -> discord.HTTPException:
    kind = {403: discord.Forbidden, 404: discord.NotFound}.get(status, discord.HTTPException)
    return kind(Answer(status, headers), {"code": code, "message": "no"})  # type: ignore[arg-type]  # see Answer


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, 50013, "missing_permissions"),
        (403, 50001, "missing_access"),
        (403, 160005, "thread_locked"),
        (404, 10003, "unknown_channel"),
        (404, 10008, "unknown_message"),
        (400, 50083, "thread_archived"),
        (400, 50035, "invalid_form"),
        (413, 40005, "too_large"),
        (400, 77777, "discord_77777"),
        (405, 0, "http_405"),
    ],
)
def test_a_refusal_has_a_word(status: int, code: int, reason: str) -> None:
    """Whoever decides what becomes of the session reads why."""
    error = as_our_error(_http(status, code), posts=True)
    assert isinstance(error, PostRefused)
    assert error.reason == reason


@pytest.mark.parametrize("status", [500, 502, 503, 504, 524])
def test_an_error_of_discords_is_uncertain_for_a_post(status: int) -> None:
    """A post may have arrived; what may be repeated is tried again."""
    assert isinstance(as_our_error(_http(status), posts=True), PostUncertain)
    assert type(as_our_error(_http(status), posts=False)) is TransientError
    assert isinstance(as_our_error(aiohttp.ServerDisconnectedError(), posts=True), PostUncertain)
    assert isinstance(as_our_error(TimeoutError(), posts=True), PostUncertain)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (discord.RateLimited(77.0), 77.0),
        (_http(429, headers={"Via": "1.1 google"}), limits.WAIT_SECONDS),
        (_http(429), limits.BAN_SECONDS),
        (_http(401), limits.TOKEN_SECONDS),
        (_http(400, 20028), None),
    ],
    ids=["library", "repeated", "banned", "token", "channel"],
)
def test_what_passes_by_itself_says_when(error: Exception, seconds: float | None) -> None:
    """Limits are no refusals: nothing arrived, and there is a moment to try again."""
    mapped = as_our_error(error, posts=True)
    assert type(mapped) is TransientError
    assert mapped.retry_after_seconds == seconds


@given(
    st.lists(st.tuples(st.floats(0, 30), st.sampled_from([200, 401, 403, 404, 429]), st.sampled_from(["", "shared"])))
)
def test_no_ten_minutes_hold_more_invalid_requests_than_we_allow(answers: list[tuple[float, int, str]]) -> None:
    """Whatever the answers, sending stops long before Discord bans the address, and goes on by itself."""
    clock = FakeClock()
    invalid = InvalidRequests(clock, most=5)
    made, waits = list[float](), list[float]()
    for wait, status, scope in answers:
        clock.move(wait)
        try:
            invalid.check()
        except DiscordPaused as paused:
            waits.append(paused.retry_after_seconds or 0)
            continue
        invalid.take(status, scope=scope)
        if status in {401, 403, 429} and not scope:
            made.append(clock.monotonic())
    assert all(sum(begin <= at < begin + limits.INVALID_SECONDS for at in made) <= 5 for begin in made)
    assert all(0 < wait <= limits.INVALID_SECONDS for wait in waits)
    assert invalid.total == len(made)


def test_a_ban_of_the_gatekeepers_stops_everything_for_minutes() -> None:
    """A 429 that does not come from Discord itself is no rate limit."""
    clock = FakeClock()
    invalid = InvalidRequests(clock)
    invalid.take(429, is_discords=False)
    clock.move(limits.BAN_SECONDS - 1)
    with pytest.raises(DiscordPaused):
        invalid.check()
    clock.move(1)
    invalid.check()


def test_our_limit_is_far_from_discords() -> None:
    """Several processes and other bots may share an address."""
    assert limits.OUR_INVALID_REQUESTS * 10 <= limits.INVALID_REQUESTS


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 1.5)), max_size=80))
def test_signs_of_life_leave_room_for_posts(edits: list[tuple[str, float]]) -> None:
    """One a second and channel, and a part of the budget of all."""
    clock = FakeClock()
    pacer, made, waits = Pacer(clock), list[tuple[str, float]](), list[float]()
    for channel, wait in edits:
        clock.move(wait)
        try:
            pacer.admit(channel)
        except NoRoom as error:
            waits.append(error.retry_after_seconds or 0)
            continue
        made.append((channel, clock.monotonic()))
    assert all(wait > 0 for wait in waits)
    for channel in "abc":
        moments = [at for one, at in made if one == channel]
        assert all(later - earlier >= limits.CHANNEL_GAP_SECONDS - 1e-9 for earlier, later in pairwise(moments))


def test_many_channels_share_a_budget() -> None:
    """At most twenty signs of life a second, whatever the number of sessions."""
    clock = FakeClock()
    pacer = Pacer(clock)
    for number in range(limits.SIGNS_A_SECOND):
        pacer.admit(str(number))
    with pytest.raises(NoRoom):
        pacer.admit("one more")
    clock.move(1)
    pacer.admit("one more")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("proposal (edited).docx", "proposal_edited.docx"),
        ("Résumé.pdf", "Resume.pdf"),
        ("提案.docx", "document.docx"),
        ("../../etc/passwd", "document.etcpasswd"),
        ("x" * 300 + ".md", "x" * 100 + ".md"),
        ("", "document"),
    ],
)
def test_a_files_name_is_one_that_discord_does_not_change(name: str, safe: str) -> None:
    """Components refer to a file by its name, so it must be the one that Discord keeps."""
    assert safe_name(name) == safe
    assert safe_name(name, [safe]) != safe


def _row(number: int, size: int, name: str = "") -> Json:
    return {"id": f"f_{number}", "name": name or f"file{number}.md", "media_type": "text/markdown", "key": str(number),
            "size": size}  # fmt: skip


async def test_files_over_a_limit_are_links() -> None:
    """10 MiB a file and ten files a message: what is more is said with its address, and nothing is lost."""
    store = MemoryFiles()
    store.data = {str(number): b"x" for number in range(12)}
    rows = [_row(99, limits.FILE_BYTES + 1, "big.docx"), *(_row(number, 1) for number in range(12))]
    bundle = await gather(store, rows, NO_UPLOAD, lambda file_id: f"https://atelier.test/files/{file_id}")
    assert len(bundle.uploads) == limits.FILES
    assert bundle.notes[0] == "big.docx (10.0 MiB): https://atelier.test/files/f_99"
    assert len(bundle.notes) == 3
    nowhere = await gather(store, rows[:1], NO_UPLOAD, lambda _file_id: None)
    assert "no address" in nowhere.notes[0]


async def test_all_files_of_a_message_fit_into_one_request() -> None:
    """Three files of 10 MiB are more than a request takes."""
    store = MemoryFiles()
    store.data = {str(number): b"x" * limits.FILE_BYTES for number in range(3)}
    rows = [_row(number, limits.FILE_BYTES) for number in range(3)]
    bundle = await gather(store, rows, NO_UPLOAD, lambda _file_id: "https://x.test")
    assert sum(len(one.content) for one in bundle.uploads) <= 25 * 1024 * 1024
    assert len(bundle.uploads) + len(bundle.notes) == 3


async def test_a_file_that_is_gone_is_said() -> None:
    """Retention takes files away; the message says so instead of failing."""
    bundle = await gather(MemoryFiles(), [_row(1, 1)], {"name": "Round 1.md", "text": "words"}, lambda _id: None)
    assert [one.content for one in bundle.uploads] == [b"words"]
    assert bundle.notes == ("file1.md is not kept any more.",)


def test_a_missing_permission_has_the_name_people_look_for() -> None:
    """What a channel must allow depends on where the session will live."""
    everything = sum(Permission)
    assert missing(everything) == ()
    assert missing(everything & ~Permission.CREATE_PUBLIC_THREADS) == ("Create Public Threads",)
    assert missing(everything & ~Permission.CREATE_PUBLIC_THREADS, in_thread=True) == ()
    assert missing(everything & ~Permission.CREATE_PRIVATE_THREADS, is_private=True) == ("Create Private Threads",)
    assert name_of(Permission.SEND_MESSAGES_IN_THREADS) == "Send Messages in Threads"
