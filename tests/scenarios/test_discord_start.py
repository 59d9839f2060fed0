"""Discord, as people live it: arriving, and every way to start."""

import io
from pathlib import Path

import docx
import pytest

import samples
from core.sessions.model import Status
from tests.fakes.discord.mentions import shown_text
from tests.fakes.discord.model import Kind
from tests.fakes.discord.permissions import Permission
from tests.scenarios.discord_office import Office, field_of, labels_of, text_of
from tests.scenarios.slack_office import jargon_in

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.loopback]
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
SAMPLE = Path(samples.__file__).with_name("proposal.docx").read_bytes()
NOTES = b"Due to the fact that it rained, we stayed at home in order to read.\n\nIt was very, very nice.\n"


def _paragraphs(data: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(io.BytesIO(data)).paragraphs]


async def test_a_server_is_set_up_by_its_managers_first_command(discord_house: Office) -> None:
    """Nobody is written to on joining; members are told who can start until a manager looked at the settings."""
    house, discord = discord_house, discord_house.discord
    tom, una = (discord.world.add_user(name) for name in ("tom", "una"))
    west = discord.world.add_guild("west", tom)
    discord.world.join(west, una)
    discord.invite_app(west)
    channel = house.room("western", west)
    await house.settled()
    assert (discord.said_by_app(channel), discord.direct_messages(tom)) == ([], [])
    await discord.slash(una, channel, "atelier new", brief=BRIEF)
    await house.settled()
    assert "Ask one of them" in house.whispers(una)[-1]
    assert await house.sessions(west) == []
    await discord.slash(tom, channel, "atelier new", brief=BRIEF)
    shown = await house.told(tom, "may start")
    assert shown.is_ephemeral
    await house.press(tom, shown, "use_settings")
    await house.ended(channel)  # what was asked is done as soon as it may be
    await discord.slash(una, channel, "atelier new", brief=BRIEF)
    await house.ended(channel, 2)


async def test_a_brief_becomes_a_card_a_thread_and_one_ping(discord_house: Office) -> None:
    """The command is answered privately; the channel gets one card, its thread the work, the asker one ping."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("launch")
    done = await discord.slash(discord.ben, channel, "atelier new", brief=BRIEF)
    assert done.is_answered
    assert done.is_private
    session = await house.ended(channel)
    assert session.status is Status.COMPLETED
    price = await house.told(discord.ben, "never more than")
    card, posts = house.card(channel), house.posts(channel)
    for words in ("Content editor", "charged of at most", "Score", "Done"):
        assert words in shown_text(card)
    for words in ("Round 1", "Result", "Receipt"):
        assert words in text_of(posts)
    assert [one.user_id for one in discord.pings()] == [discord.ben.id]
    assert discord.said_by_app(channel) == [card]
    assert jargon_in(text_of([card, *posts, price])) == []
    assert session.thread.thread == house.thread(channel).id == card.id


async def test_options_and_attachments_shape_the_session(discord_house: Office) -> None:
    """The document comes back patched, with few posts; what is only read stays as it is."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("options")
    await discord.slash(
        discord.ben,
        channel,
        "atelier new",
        brief="Tighten this",
        file=("proposal.docx", SAMPLE),
        file2=("rules.txt", b"Write short sentences."),
        editors=2,
        rounds=1,
        show="quiet",
    )
    session = await house.ended(channel)
    assert (session.cast.stop.max_rounds, len(session.cast.editors), session.verbosity) == (1, 2, "quiet")
    (result,) = house.posts(channel)
    (word,) = [one.content for one in result.attachments if one.name.endswith(".docx")]
    before, after = _paragraphs(SAMPLE), _paragraphs(word)
    assert before != after
    assert len(after) >= len(before) - 3


async def test_a_mention_with_a_file_is_one_message(discord_house: Office) -> None:
    """No click; a mention that replies to somebody's message takes its file."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("tighten")
    app = discord.world.bot.mention
    discord.say(discord.ann, channel, f"{app} tighten this --rounds 1", files=[("proposal.docx", SAMPLE)])
    await house.ended(channel)
    assert any(file.name.endswith(".docx") for one in house.posts(channel) for file in one.attachments)

    other = house.room("reply")
    draft = discord.say(discord.ben, other, "my notes", files=[("notes.md", NOTES)])
    discord.say(discord.ben, other, f"{app} tighten this --rounds 1", reply_to=draft)
    await house.ended(other)
    assert "notes.md" in shown_text(house.card(other))


async def test_the_command_alone_opens_a_form_with_files(discord_house: Office) -> None:
    """Two people fill it in at once; each has a session of their own."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("form")
    for user in (discord.ann, discord.ben):
        opened = await discord.slash(user, channel, "atelier new")
        fields = {
            field_of(opened, "brief"): "Make it shorter",
            field_of(opened, "files"): [("notes.md", NOTES)],
        }
        sent = await discord.submit(user, opened, fields)
        assert sent.is_answered
    await house.ended(channel, 2)
    starters = {one.member_id.rpartition("/")[2] for one in await house.sessions_in(channel)}
    assert starters == {discord.ann.id, discord.ben.id}
    assert len(discord.threads(channel)) == 2


async def test_the_menu_of_a_message_edits_its_file_or_its_words(discord_house: Office) -> None:
    """Edit with Atelier starts at once on what is one's own."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("menu")
    posted = discord.say(discord.ann, channel, "have a look", files=[("notes.md", NOTES)])
    await discord.menu(discord.ann, posted, "Edit with Atelier")
    await house.ended(channel)
    assert "notes.md" in shown_text(house.card(channel))
    words = house.room("words")
    posted = discord.say(discord.ann, words, "Write three lines about bicycle lights")
    await discord.menu(discord.ann, posted, "Edit with Atelier")
    await house.ended(words)


async def test_comments_only_rewrites_nothing(discord_house: Office) -> None:
    """The critique comes back; no version is made beside the uploaded one."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("notes-only")
    await discord.slash(discord.ben, channel, "atelier new", file=("notes.md", NOTES), **{"notes-only": True})
    session = await house.ended(channel)
    versions = await house.parts.database.read(lambda tx: list(tx.sessions.list_versions(session.id)))
    assert [one.number for one in versions] == [0]
    assert "omment" in text_of(house.posts(channel))


async def test_in_a_thread_and_in_direct_messages_it_works_in_place(discord_house: Office) -> None:
    """No thread is opened in either; a file in the app's own messages is enough."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("place")
    thread = discord.start_thread(discord.ben, channel, "Chat")
    await discord.slash(discord.ben, thread, "atelier new", brief=BRIEF, rounds=1)
    session = await house.ended(channel)
    assert session.thread.thread == thread.id
    assert discord.threads(channel) == [thread]
    assert discord.said_by_app(channel) == []
    assert "Result" in text_of(discord.said_by_app(thread))
    direct = discord.direct(discord.ben)
    discord.say(discord.ben, direct, "make it tighter please", files=[("notes.md", NOTES)])
    await house.ended(direct)
    assert "Result" in text_of(discord.direct_messages(discord.ben))


async def test_above_the_limit_one_button_starts_it(discord_house: Office) -> None:
    """Above the member's limit the price is shown privately with one button; two presses start it once."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("limit")
    await discord.slash(discord.ann, channel, "atelier settings", **{"my-no-ask": 0})
    await house.settled()
    await discord.slash(discord.ann, channel, "atelier new", brief=BRIEF, rounds=1)
    ready = await house.told(discord.ann, "Ready to start")
    assert labels_of(ready) == ["Start session", "Discard session"]
    assert discord.said_by_app(channel) == []
    button = next(one for one in ready.controls if one.startswith("atelier:start"))
    for _ in range(2):
        discord.press_soon(discord.ann, ready, button)
    await house.ended(channel)
    await discord.slash(discord.ann, channel, "atelier settings", **{"my-no-ask": 100})
    await house.settled()
    assert len(await house.sessions_in(channel)) == 1


async def test_a_private_session_has_a_private_thread_or_offers_messages(discord_house: Office) -> None:
    """The channel sees nothing of it; where the permission is missing, it is named, and a press goes on."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("secret")
    await discord.slash(discord.ben, channel, "atelier new", brief=BRIEF, rounds=1, private=True)
    session = await house.ended(channel)
    thread = discord.world.channels[session.thread.thread]
    assert thread.kind is Kind.PRIVATE_THREAD
    assert discord.said_by_app(channel) == []
    assert "Result" in text_of(discord.said_by_app(thread))

    closed = house.room("closed")
    discord.deny(closed, discord.world.bot, Permission.CREATE_PRIVATE_THREADS)
    await discord.slash(discord.ben, closed, "atelier new", file=("private.md", NOTES), private=True)
    shown = await house.told(discord.ben, "Create Private Threads")
    begun = len(discord.direct_messages(discord.ben))
    before = len(await house.sessions_in(discord.direct(discord.ben)))
    await house.press(discord.ben, shown, "direct")
    await house.ended(discord.direct(discord.ben), before + 1)
    assert "private.md" in text_of(discord.direct_messages(discord.ben)[begun:])
    assert discord.said_by_app(closed) == []


async def test_what_the_app_lacks_is_named_and_tried_again(discord_house: Office) -> None:
    """The request waits; whoever gave the permission has it go on with one press."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("lacking")
    discord.deny(channel, discord.world.bot, Permission.CREATE_PUBLIC_THREADS)
    await discord.slash(discord.ben, channel, "atelier new", brief=BRIEF, rounds=1)
    shown = await house.told(discord.ben, "Create Public Threads")
    assert await house.sessions_in(channel) == []
    discord.allow(channel, discord.world.bot, Permission.CREATE_PUBLIC_THREADS)
    await house.press(discord.ben, shown, "again")
    await house.ended(channel)
    assert "Done" in shown_text(house.card(channel))


async def test_another_persons_file_needs_their_leave(discord_house: Office) -> None:
    """Its author is asked, nobody else can answer, only then is it read, and nobody is called for it."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("consent")
    posted = discord.say(discord.ben, channel, "my notes", files=[("bens.md", NOTES)])
    await discord.menu(discord.ann, posted, "Edit with Atelier")
    await house.told(discord.ann, "is asked to allow")
    question = await house.told(discord.ben, "bens.md")
    assert labels_of(question) == ["Allow this use", "Refuse this use"]
    assert discord.pings() == []
    assert await house.sessions_in(channel) == []
    await house.press(discord.ben, question, "allow")
    await house.ended(channel)
    assert [one.user_id for one in discord.pings()] == [discord.ann.id]
    again = discord.say(discord.ben, channel, "more", files=[("more.md", NOTES)])
    await discord.menu(discord.ann, again, "Edit with Atelier")
    question = await house.told(discord.ben, "more.md")
    await house.press(discord.ben, question, "refuse")
    await house.told(discord.ann, "does not want the file to be used")
    assert len(await house.sessions_in(channel)) == 1


async def test_what_can_be_chosen_is_proposed(discord_house: Office) -> None:
    """Sessions of one's own that a command fits, projects, templates, teams, editors, models, commands."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("proposals")
    await discord.slash(discord.ben, channel, "atelier new", brief="A note on whistles", rounds=1)
    session = await house.ended(channel)
    found = await discord.autocomplete(discord.ben, channel, "atelier more", "session", "whistles")
    assert [one["value"] for one in found] == [session.id]
    assert await discord.autocomplete(discord.ann, channel, "atelier more", "session", "whistles") == []
    for command, option in (("atelier new", "team"), ("atelier new", "model"), ("atelier help", "command")):
        proposed = await discord.autocomplete(discord.ben, channel, command, option, "")
        assert 0 < len(proposed) <= 25, (command, option)
    templates = await discord.autocomplete(discord.ben, channel, "atelier new", "template", "proof")
    assert [one["value"] for one in templates] == ["Proofread"]
    await discord.slash(discord.ben, channel, "atelier project new", name="Whistles")
    await house.told(discord.ben, "Whistles is there")
    projects = await discord.autocomplete(discord.ben, channel, "atelier new", "project", "wh")
    assert [one["value"] for one in projects] == ["Whistles"]
    editors = await discord.autocomplete(discord.ben, channel, "atelier new", "editors", "2", team="technical")
    assert editors[0] == {"name": "2 editors: Accuracy editor, Reader's advocate", "value": 2}
