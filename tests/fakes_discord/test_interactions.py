"""The local Discord's laws of commands, buttons, forms and answers, with the unmodified discord.py."""

import pytest

from tests.fakes.discord.interactions import Answering
from tests.fakes.discord.local import LocalDiscord
from tests.fakes_discord.bot import running

pytestmark = pytest.mark.loopback


async def test_a_command_is_deferred_answered_and_leads_to_a_thread(discord: LocalDiscord) -> None:
    """A file travels through the CDN; the deferred answer is edited; the thread has the id of its message."""
    async with running(discord):
        one = await discord.slash(discord.ann, discord.general, "atelier new", brief="cut", file=("a.md", b"hello"))
        assert (one.answer_kind, one.is_private) == (Answering.DEFERRED_MESSAGE, False)
        thread = (await discord.until(lambda: discord.threads(discord.general)))[0]
        await discord.until(lambda: discord.messages(thread))
    assert one.text == "cut, 5 bytes"
    card = discord.messages(discord.general)[1]
    assert (card.id, list(card.controls)) == (thread.id, ["t:accept:1", "t:reject:1"])
    assert [said.text for said in discord.messages(thread)] == ["in the thread"]
    assert discord.pings() == []
    assert discord.without_allowed_mentions() == []


async def test_a_button_edits_its_message(discord: LocalDiscord) -> None:
    """By whoever sees it."""
    async with running(discord):
        await discord.slash(discord.ann, discord.general, "atelier new", brief="x")
        card = (await discord.until(lambda: discord.messages(discord.general)[1:]))[0]
        one = await discord.press(discord.ben, card, "t:accept:1")
        assert (one.answer_kind, card.text, card.controls) == (Answering.UPDATE, "accepted 1", {})
        await discord.until(lambda: discord.threads(discord.general))


async def test_a_form_is_opened_filled_in_and_answered(discord: LocalDiscord) -> None:
    """Texts and files come in labels."""
    async with running(discord):
        opened = await discord.slash(discord.ann, discord.general, "atelier form")
        sent = await discord.submit(discord.ann, opened, {"brief": "hi", "docs": [("up.md", b"12")]})
    assert (sent.text, sent.is_private) == ("hi: [('up.md', b'12')]", True)
    assert [one.text for one in discord.ephemeral(discord.ann)] == [sent.text]
    assert discord.ephemeral(discord.ben) == discord.messages(discord.general) == []


async def test_autocomplete_proposes_while_one_types(discord: LocalDiscord) -> None:
    """What is typed so far arrives."""
    async with running(discord):
        choices = await discord.autocomplete(discord.ann, discord.general, "atelier status", "session", "ab")
        shown = await discord.slash(discord.ann, discord.general, "atelier status", session="s1")
    assert choices == [{"name": "session ab", "value": "s1"}]
    assert (shown.text, shown.is_private) == ("# s1", True)


async def test_the_menu_of_a_message_brings_it_whole(discord: LocalDiscord) -> None:
    """With its content and files, though the app may not read messages."""
    async with running(discord):
        message = discord.say(discord.ann, discord.general, "see", [("essay.md", b"x")])
        one = await discord.menu(discord.ben, message, "Edit it")
    assert one.text == "see|['essay.md']"
