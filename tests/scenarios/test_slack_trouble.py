"""Slack, as people live it: what goes wrong is said in words, and nothing happens twice."""

from pathlib import Path

import pytest

import samples
from core.sessions.model import Status
from tests.fakes.slack.faults import Trouble
from tests.fakes.slack.model import Channel, Message
from tests.scenarios.slack_office import Office, buttons_of, jargon_in
from tests.waiting import until

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
NOTES = b"Due to the fact that it rained, we stayed at home in order to read.\n\nIt was very, very nice.\n"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
SCANNED = CORPUS / "tika__testOCR_ccd6f.pdf"


def _last(house: Office, channel: Channel) -> Message:
    return house.slack.ephemeral(house.slack.ann, channel)[-1]


async def _refusal(house: Office, name: str, file: tuple[str, bytes]) -> str:
    """Return what somebody reads about a file that cannot be taken; nothing is made or posted."""
    slack = house.slack
    channel = await house.room(name, slack.ann)
    await slack.say(slack.ann, channel, f"{house.named()} tighten this", files=[file])
    await house.settled()
    assert await house.sessions_in(channel) == []
    assert slack.said_by_app(channel) == []
    words = _last(house, channel).visible_text
    assert jargon_in(words) == []
    return words


@pytest.mark.skipif(not SCANNED.exists(), reason="the corpus is not here")
async def test_a_scan_is_refused_in_words(house: Office) -> None:
    """A PDF of pictures says why, privately, and what to do instead."""
    words = await _refusal(house, "scan", ("scan.pdf", SCANNED.read_bytes()))
    assert "text" in words


@pytest.mark.parametrize(
    ("name", "content"),
    [("broken.docx", b"PK\x03\x04 not a Word file"), ("song.mp3", b"ID3\x04" * 50), ("empty.md", b"")],
)
async def test_files_that_cannot_be_read_are_refused_in_words(house: Office, name: str, content: bytes) -> None:
    """A damaged file, another kind of file, an empty one: each says what it is about."""
    words = await _refusal(house, f"file-{name[:4]}", (name, content))
    assert "Something went wrong" not in words


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(house: Office) -> None:
    """Slack says how large a file is: nothing of a giant is downloaded."""
    slack = house.slack
    channel = await house.room("large", slack.ann)
    giant = slack.upload(slack.ann, "giant.docx", SAMPLE)
    giant.size = 400 * 1024 * 1024
    before = slack.api.count("file.download")
    await slack.say(slack.ann, channel, f"{house.named()} tighten", files=[giant])
    await house.settled()
    assert "more than 32 MB" in _last(house, channel).visible_text
    assert slack.api.count("file.download") == before


async def test_a_login_page_is_recognised(house: Office) -> None:
    """Where Slack gives a page instead of the file, that is said; a Word file made of it is never edited."""
    house.slack.faults.add(Trouble.GARBAGE, "file.download", times=-1)
    words = await _refusal(house, "login", ("proposal.docx", SAMPLE))
    house.slack.faults.clear()
    assert "sign-in page" in words


async def test_lists_are_private_and_paged(house: Office) -> None:
    """Every command of the table answers its asker alone, in people's words; long lists have a next page."""
    slack = house.slack
    channel = await house.room("lists", slack.ann, slack.ben)
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    await house.ended(channel)
    said = len(slack.said_by_app(channel))
    turned = 0
    for words in (
        "help",
        "help new",
        "sessions",
        "status",
        "files",
        "models",
        "settings",
        "home",
        "estimate A note on lights",
        "star",
        "rename Lights",
        "bogus",
        "pause",
        "billing",
        "history",
    ):
        before = len(slack.ephemeral(slack.ann, channel))
        done = await slack.command(slack.ann, channel, words)
        await house.settled()
        assert not done.error
        answers = slack.ephemeral(slack.ann, channel)[before:]
        assert answers, words
        assert jargon_in("\n".join(one.visible_text for one in answers)) == [], words
        assert "Something went wrong" not in answers[-1].visible_text, words
        if words == "help":
            await house.press(slack.ann, answers[-1], "Show next page")
            await house.settled()
            turned += "Page 2" in "\n".join(one.visible_text for one in slack.ephemeral(slack.ann, channel)[-2:])
    assert turned == 1
    assert slack.ephemeral(slack.ben, channel) == []
    assert len(slack.said_by_app(channel)) == said
    await slack.open_home(slack.ann)
    await house.settled()
    home = slack.home(slack.ann)
    assert home is not None
    assert {"Run free sample", "Open settings"} <= set(buttons_of(home))


async def test_the_free_sample_works_from_the_home_tab(house: Office) -> None:
    """The sample button runs a session in the presser's messages with the app."""
    slack = house.slack
    await slack.open_home(slack.ben)
    await house.settled()
    home = slack.home(slack.ben)
    assert home is not None
    await house.press(slack.ben, home, "Run free sample")
    await house.ended(slack.direct(slack.ben))
    assert any("Result" in one.visible_text for one in slack.direct_messages(slack.ben))


async def test_one_message_is_one_session_however_often_slack_says_so(house: Office) -> None:
    """Mention and message events, copies, retries and a replay of one message make one session and one answer."""
    slack = house.slack
    channel = await house.room("twice", slack.ann)
    slack.delivering.copies = 3
    begun = len(slack.delivering.sent)
    await slack.say(slack.ann, channel, f"{house.named()} tighten this", files=[("notes.md", NOTES)])
    slack.delivering.copies = 1
    for delivery in slack.delivering.sent[begun:]:
        await slack.delivering.again(delivery)
    await house.ended(channel)
    assert len(await house.sessions_in(channel)) == 1
    assert len([one for one in slack.ephemeral(slack.ann, channel) if "Reading" in one.visible_text]) == 1


async def test_events_out_of_order_and_forged_ones(house: Office) -> None:
    """A thread's events may come in any order; old, forged and malformed requests are 401, not 500."""
    slack = house.slack
    channel = await house.room("order", slack.ann)
    async with slack.delivering.held() as kept:
        message = await slack.say(slack.ann, channel, f"{house.named()} tighten this", files=[("notes.md", NOTES)])
        await slack.edit(message, f"{house.named()} tighten this, please")
        held = list(kept)
    await slack.delivering.in_order(list(reversed(held)))
    await house.ended(channel)
    assert len(await house.sessions_in(channel)) == 1
    last = slack.delivering.sent[-1]
    assert (await slack.delivering.again(last, age_seconds=400)).status == 401
    assert (await slack.delivering.again(last, signature="v0=00")).status == 401
    assert (await slack.delivering.again(last, timestamp="soon")).status == 401


async def test_a_storm_of_429_costs_time_and_nothing_else(house: Office) -> None:
    """Every third call is turned away for a while: all posts arrive, once each, in order."""
    slack = house.slack
    channel = await house.room("storm", slack.ann)
    slack.faults.seed(7, 0.3, (Trouble.RATE_LIMITED,))
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    session = await house.ended(channel, seconds=30)
    slack.faults.clear()
    assert session.status is Status.COMPLETED
    thread = [one.visible_text for one in house.thread(channel)]
    assert [sum(word in one.splitlines()[0] + one[:90] for one in thread) for word in ("Result", "Receipt")] == [1, 1]
    assert "Done" in house.card(channel).visible_text


async def test_lost_answers_post_nothing_twice(house: Office) -> None:
    """Posts whose answers were lost are looked up by their metadata instead of sent again."""
    slack = house.slack
    channel = await house.room("lost", slack.ann)
    slack.faults.add(
        Trouble.LOST_ANSWER, "chat.postMessage", times=2, when=lambda asked: asked.get("channel") == channel.id
    )
    slack.faults.add(
        Trouble.ERROR_AFTER, "chat.postMessage", times=1, skip=1, when=lambda asked: asked.get("channel") == channel.id
    )
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    await house.ended(channel, seconds=30)
    keys = [one.metadata["event_payload"]["key"] for one in slack.said_by_app(channel) if one.metadata]
    assert len(keys) == len(set(keys))
    assert len(slack.said_by_app(channel)) == len(house.thread(channel)) + 1


async def test_an_upload_that_fails_leaves_nothing_half_made(house: Office) -> None:
    """Where Slack refuses the files, the result stands with words about it, and the files can be had by a button."""
    slack = house.slack
    channel = await house.room("uploads", slack.ann)
    slack.faults.add(Trouble.REFUSED, "files.getUploadURLExternal", error="restricted_action", times=-1)
    await slack.command(slack.ann, channel, f"new {BRIEF} --rounds 1")
    await house.ended(channel)
    slack.faults.clear()
    result = next(one for one in house.thread(channel) if "Result" in one.visible_text)
    assert result.files == []
    assert "could not be attached" in result.visible_text
    await house.press(slack.ann, result, "Show files")
    await house.settled()
    assert any(one.files for one in slack.direct_messages(slack.ann))


@pytest.mark.parametrize("trouble", [Trouble.TRUNCATED, Trouble.SERVER_ERROR, Trouble.LOST_REQUEST], ids=str)
async def test_a_download_that_fails_once_is_tried_again(house: Office, trouble: Trouble) -> None:
    """Half a file, an error, no answer: it is fetched again, and what is edited is the whole file, once."""
    slack = house.slack
    channel = await house.room(f"fetch-{trouble}", slack.ann)
    fault = slack.faults.add(trouble, "file.download")
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("proposal.docx", SAMPLE)])
    await house.ended(channel, seconds=30)
    assert fault.hits == 1
    assert len(await house.sessions_in(channel)) == 1
    (result,) = [one for one in house.thread(channel) if one.files]
    assert any(slack.world.files[one].name.endswith(".docx") for one in result.files)


async def test_a_download_that_never_works_is_said(house: Office) -> None:
    """After some tries the asker reads that it did not work; nothing was made or posted, and nobody waits for ever."""
    slack = house.slack
    channel = await house.room("never", slack.ann)
    slack.faults.add(Trouble.SERVER_ERROR, "file.download", times=-1)
    await slack.say(slack.ann, channel, f"{house.named()} tighten", files=[("proposal.docx", SAMPLE)])

    async def is_said() -> bool:
        house.pass_time(10)
        return any("went wrong" in one.visible_text for one in slack.ephemeral(slack.ann, channel))

    await until(is_said)
    assert await house.sessions_in(channel) == []
    assert slack.said_by_app(channel) == []


@pytest.mark.parametrize(
    ("method", "trouble"),
    [
        ("file.upload", Trouble.SERVER_ERROR),
        ("file.upload", Trouble.LOST_ANSWER),
        ("files.completeUploadExternal", Trouble.SERVER_ERROR),
        ("files.completeUploadExternal", Trouble.LOST_ANSWER),
        ("chat.update", Trouble.LOST_ANSWER),
    ],
    ids=str,
)
async def test_an_upload_that_fails_half_way_leaves_nothing_half_made(
    house: Office, method: str, trouble: Trouble
) -> None:
    """Wherever the way of a result's files breaks, one result stands there with each of its files once."""
    slack = house.slack
    channel = await house.room(f"half-{method}-{trouble}".replace(".", "-").lower(), slack.ann)

    def puts_files(asked: dict[str, object]) -> bool:
        return method != "chat.update" or bool(asked.get("file_ids"))

    fault = slack.faults.add(trouble, method, when=puts_files)
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("proposal.docx", SAMPLE)])
    session = await house.ended(channel, seconds=30)
    assert fault.hits == 1
    assert session.status is Status.COMPLETED
    results = [one for one in house.thread(channel) if "Result" in one.visible_text[:60]]
    assert len(results) == 1
    names = [slack.world.files[one].name for one in results[0].files]
    assert len(names) == len(set(names)) > 0
    shared = [one for one in slack.files(channel) if one.user != slack.ann.id]
    assert sorted(one.name for one in shared) == sorted(names)


async def test_what_slack_sends_again_because_nobody_answered_is_done(house: Office) -> None:
    """An event whose first delivery failed is done when it comes again, and once however often it comes after that."""
    slack = house.slack
    channel = await house.room("again", slack.ann)
    url, slack.world.app.request_url = slack.world.app.request_url, "http://127.0.0.1:9/slack/events"
    begun = len(slack.delivering.sent)
    await slack.say(slack.ann, channel, f"{house.named()} tighten --rounds 1", files=[("notes.md", NOTES)])
    slack.world.app.request_url = url
    house.pass_time(60)
    await house.ended(channel)
    for delivery in slack.delivering.sent[begun:]:
        await slack.delivering.again(delivery)
    await house.settled()
    assert len(await house.sessions_in(channel)) == 1
    assert len([one for one in slack.ephemeral(slack.ann, channel) if "Reading" in one.visible_text]) == 1
