"""The local Discord's laws of commands, buttons, forms and answers, with the unmodified discord.py."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import discord
import pytest
from discord.http import Route

from tests.fakes.clock import FakeClock
from tests.fakes.discord.interactions import Answering
from tests.fakes.discord.local import LocalDiscord
from tests.fakes.discord.people import NotShown
from tests.fakes_discord.bot import Bot, Form, running
from tests.fakes_discord.refusals import refused

pytestmark = pytest.mark.loopback

INPUT = {"type": 4, "custom_id": "a", "style": 1}


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


@asynccontextmanager
async def asked(place: LocalDiscord) -> AsyncIterator[tuple[Bot, Callable[[], Awaitable[Any]]]]:
    """A bot that leaves the answers to the test, which gets discord.py's interaction of each command."""
    bot = Bot()

    async def interaction() -> Any:
        before = len(bot.had("interaction"))
        place.slash_soon(place.ann, place.general, "atelier late")
        await place.until(lambda: len(bot.had("interaction")) > before)
        return bot.had("interaction")[-1][0]

    async with running(place, bot):
        yield bot, interaction


async def test_three_seconds_are_the_time_to_answer(place: LocalDiscord, clock: FakeClock) -> None:
    """Later it is 10062, and the person saw that the app did not answer; a second answer is 40060."""
    async with asked(place) as (_, ask):
        late = await ask()
        clock.move(3.1)
        with refused(404, 10062):
            await late.response.defer()
        one = place.interactions.all[-1]
        assert (one.is_answered, one.refusals) == (False, [10062])
        twice = await ask()
        await twice.response.send_message("x")
        twice.response._response_type = None
        with pytest.raises(discord.HTTPException) as caught:
            await twice.response.send_message("y")
        assert (caught.value.status, caught.value.code) == (400, 40060)
        assert place.interactions.all[-1].text == "x"


async def test_a_token_lives_a_quarter_of_an_hour(place: LocalDiscord, clock: FakeClock) -> None:
    """Then 50027, for editing and for following up; before the first answer there is no webhook."""
    async with asked(place) as (_, ask):
        one = await ask()
        with refused(404, 10015):
            await one.followup.send("too early")
        await one.response.defer()
        clock.move(899)
        await one.edit_original_response(content="in time")
        clock.move(2)
        with refused(401, 50027):
            await one.edit_original_response(content="late")
        with refused(401, 50027):
            await one.followup.send("late")
    assert place.interactions.all[-1].text == "in time"


async def test_the_first_follow_up_of_a_deferred_answer_is_that_answer(place: LocalDiscord) -> None:
    """Its own flag is not heard; the next one is a message."""
    async with asked(place) as (_, ask):
        one = await ask()
        await one.response.defer(thinking=True)
        assert place.messages(place.general)[0].is_thinking
        await one.followup.send("first", ephemeral=True)
        await one.followup.send("second", ephemeral=True)
        await one.delete_original_response()
    assert [one.text for one in place.ephemeral(place.ann)] == ["second"]
    assert place.messages(place.general) == []


async def test_what_is_private_stays_so(place: LocalDiscord) -> None:
    """From the moment of deferring; nobody else is shown it, nor may press it."""
    async with asked(place) as (_, ask):
        one = await ask()
        await one.response.defer(ephemeral=True, thinking=True)
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="x", custom_id="x"))
        await one.edit_original_response(content=place.ben.mention, view=view)
        (shown,) = place.ephemeral(place.ann)
        with pytest.raises(NotShown):
            place.press_soon(place.ben, shown, "x")
        with refused(404, 10008):
            await one.channel.fetch_message(int(shown.id))
    assert (place.messages(place.general), place.pings()) == ([], [])


async def test_answers_must_fit_the_question(place: LocalDiscord) -> None:
    """A form cannot answer a form; a deferred answer holds nothing but its flag; an answer has a message's limits."""
    async with asked(place) as (_, ask):
        one = await ask()
        with refused(400, 50035, "2000"):
            await one.response.send_message("x" * 2001)
        with refused(400, 50035):
            await raw(one, {"type": 7, "data": {"content": "there is no message"}})
        with refused(400, 50035, "Only flags"):
            await raw(one, {"type": 5, "data": {"content": "x"}})
        with refused(400, 50035, "callback types"):
            await raw(one, {"type": 99})
        await one.response.send_modal(Form())
        form = await place.submit(place.ann, place.interactions.all[-1], {"brief": "x"})
        assert form.text == "x: []"
    place.api.problems.clear()  # Discord's OpenAPI refuses some of these, too


@pytest.mark.parametrize(
    ("modal", "says"),
    [
        ({"title": "x" * 46}, "title"),
        ({"custom_id": ""}, "custom_id"),
        ({"components": []}, "components"),
        ({"components": [{"type": 18, "label": "x" * 46, "component": INPUT}]}, "label"),
        ({"components": [{"type": 18, "label": "x", "component": INPUT}] * 2}, "duplicated"),
        ({"components": [{"type": 18, "label": "x", "component": INPUT | {"max_length": 4001}}]}, "4000"),
        ({"components": [{"type": 18, "label": "x", "component": {"type": 2, "custom_id": "b"}}]}, "fields of forms"),
        ({"components": [{"type": 2, "custom_id": "b"}]}, "one of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_forms_have_limits(place: LocalDiscord, modal: dict[str, Any], says: str) -> None:
    """Of titles, names, parts and fields."""
    whole = {"title": "x", "custom_id": "f", "components": [{"type": 18, "label": "x", "component": INPUT}]}
    async with asked(place) as (_, ask):
        one = await ask()
        with refused(400, 50035, says):
            await raw(one, {"type": 9, "data": whole | modal})
        await raw(one, {"type": 9, "data": whole})
    assert place.interactions.all[-1].modal == whole
    place.api.problems.clear()  # Discord's OpenAPI refuses some of these, too


async def test_people_cannot_send_what_a_form_does_not_take(place: LocalDiscord) -> None:
    """Required fields, lengths, and fields that are not there."""
    async with running(place):
        opened = await place.slash(place.ann, place.general, "atelier form")
        for fields in ({}, {"brief": "x" * 51}, {"brief": "x", "other": "y"}, {"brief": "x", "docs": [("a", b"")] * 6}):
            with pytest.raises(NotShown):
                await place.submit(place.ann, opened, fields)
        with pytest.raises(NotShown):
            await place.submit(place.ben, opened, {"brief": "x"})


async def test_buttons_that_are_not_there_cannot_be_pressed(place: LocalDiscord) -> None:
    """Nor can disabled ones; a choice must be one of the menu's."""
    async with asked(place) as (bot, ask):
        view = discord.ui.View(timeout=None)
        view.add_item(discord.ui.Button(label="off", custom_id="off", disabled=True))
        options = [discord.SelectOption(label="A", value="a")]
        view.add_item(discord.ui.Select(custom_id="menu", options=options))
        await (await ask()).response.send_message("x", view=view)
        (message,) = place.messages(place.general)
        for custom_id, values in (("off", None), ("gone", None), ("menu", ["b"])):
            with pytest.raises(NotShown):
                place.press_soon(place.ann, message, custom_id, values)
        place.press_soon(place.ann, message, "menu", ["a"])
        await place.until(lambda: len(bot.had("interaction")) == 2)
        assert bot.had("interaction")[-1][0].data["values"] == ["a"]


async def test_who_is_not_there_does_not_answer(place: LocalDiscord) -> None:
    """A hand on a button of a bot that is away returns at once."""
    async with running(place):
        await place.slash(place.ann, place.general, "atelier new", brief="x")
        await place.until(lambda: place.threads(place.general))
    card = place.messages(place.general)[1]
    assert not (await place.press(place.ann, card, "t:accept:1")).is_answered
    bot = Bot()
    bot.syncs = False
    async with running(place, bot):
        assert (await place.press_label(place.ann, card, "reject")).is_answered
    assert card.text == "rejected 1"


async def test_two_hundred_commands_at_once_are_answered(clock: FakeClock) -> None:
    """However long it takes the machine, each once."""
    async with LocalDiscord(clock, checks_openapi=False) as place, running(place):
        many = [place.slash(place.ann, place.general, "atelier twice") for _ in range(200)]
        answers = await asyncio.gather(*many)
        await place.until(lambda: len(place.ephemeral(place.ann)) == 200)
    assert [one.text for one in answers] == ["first"] * 200
    assert len(place.messages(place.general)) == 200


async def raw(interaction: Any, body: dict[str, Any]) -> None:
    """Answer with a body that discord.py would not write."""
    route = Route("POST", f"/interactions/{interaction.id}/{interaction.token}/callback")
    await interaction.client.http.request(route, json=body)


@pytest.mark.parametrize("where", ["thread", "direct"])
async def test_commands_may_be_typed_in_threads_and_directly(place: LocalDiscord, where: str) -> None:
    """The app is told where, and what it and the person may do there."""
    async with running(place) as bot:
        thread = place.start_thread(place.ann, place.general, "talk")
        room = thread if where == "thread" else place.direct(place.ann)
        one = await place.slash(place.ann, room, "atelier twice")
        assert (one.text, [said.text for said in place.messages(room)]) == ("first", ["first"])
        seen = bot.had("interaction")[0][0]
        assert seen.channel.id == int(room.id)
        assert seen.context.guild is (where == "thread")
        await place.until(lambda: place.ephemeral(place.ann, room))


async def test_a_first_answer_may_bring_files(place: LocalDiscord) -> None:
    """In a multipart body."""
    async with asked(place) as (_, ask):
        one = await ask()
        await one.response.send_message("x", file=discord.File(io.BytesIO(b"1"), "a.md"), ephemeral=True)
        await one.followup.send("y", file=discord.File(io.BytesIO(b"2"), "b.md"))
    (private,), (public,) = place.ephemeral(place.ann), place.messages(place.general)
    assert [(file.name, file.content, file.is_ephemeral) for file in private.attachments] == [("a.md", b"1", True)]
    assert [(file.name, file.content, file.is_ephemeral) for file in public.attachments] == [("b.md", b"2", False)]
