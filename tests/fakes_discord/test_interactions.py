"""The local Discord's laws of commands, buttons, forms and answers, with the unmodified discord.py."""

import pytest

from tests.fakes.discord.interactions import Answering
from tests.fakes.discord.local import LocalDiscord
from tests.fakes_discord.bot import running

pytestmark = pytest.mark.loopback


async def test_a_command_is_deferred_answered_and_leads_to_a_thread(place: LocalDiscord) -> None:
    """A file travels through the CDN; the deferred answer is edited; the thread has the id of its message."""
    async with running(place):
        one = await place.slash(place.ann, place.general, "atelier new", brief="cut", file=("a.md", b"hello"))
        assert (one.answer_kind, one.is_private) == (Answering.DEFERRED_MESSAGE, False)
        thread = (await place.until(lambda: place.threads(place.general)))[0]
        await place.until(lambda: place.messages(thread))
    assert one.text == "cut, 5 bytes"
    card = place.messages(place.general)[1]
    assert (card.id, list(card.controls)) == (thread.id, ["t:accept:1", "t:reject:1"])
    assert [said.text for said in place.messages(thread)] == ["in the thread"]
    assert place.pings() == []
    assert place.without_allowed_mentions() == []


async def test_a_button_edits_its_message(place: LocalDiscord) -> None:
    """By whoever sees it."""
    async with running(place):
        await place.slash(place.ann, place.general, "atelier new", brief="x")
        card = (await place.until(lambda: place.messages(place.general)[1:]))[0]
        one = await place.press(place.ben, card, "t:accept:1")
        assert (one.answer_kind, card.text, card.controls) == (Answering.UPDATE, "accepted 1", {})
        await place.until(lambda: place.threads(place.general))


async def test_a_form_is_opened_filled_in_and_answered(place: LocalDiscord) -> None:
    """Texts and files come in labels."""
    async with running(place):
        opened = await place.slash(place.ann, place.general, "atelier form")
        sent = await place.submit(place.ann, opened, {"brief": "hi", "docs": [("up.md", b"12")]})
    assert (sent.text, sent.is_private) == ("hi: [('up.md', b'12')]", True)
    assert [one.text for one in place.ephemeral(place.ann)] == [sent.text]
    assert place.ephemeral(place.ben) == place.messages(place.general) == []


async def test_autocomplete_proposes_while_one_types(place: LocalDiscord) -> None:
    """What is typed so far arrives."""
    async with running(place):
        choices = await place.autocomplete(place.ann, place.general, "atelier status", "session", "ab")
        shown = await place.slash(place.ann, place.general, "atelier status", session="s1")
    assert choices == [{"name": "session ab", "value": "s1"}]
    assert (shown.text, shown.is_private) == ("# s1", True)


async def test_the_menu_of_a_message_brings_it_whole(place: LocalDiscord) -> None:
    """With its content and files, though the app may not read messages."""
    async with running(place):
        message = place.say(place.ann, place.general, "see", [("essay.md", b"x")])
        one = await place.menu(place.ben, message, "Edit it")
    assert one.text == "see|['essay.md']"
