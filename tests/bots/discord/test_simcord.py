"""The same bot on a Discord that others wrote: simcord runs its tree, its modals and its buttons in process.

It is no party to our local Discord's opinion of Discord. It covers no sockets, no rate limits and no resuming.
"""

import aiohttp
import discord
import simcord

from bots.desk.forms import Field, FieldKind, Form
from bots.desk.requests import RequestKind
from bots.discord.door import DiscordDoor
from bots.discord.gateway import AtelierBot, make_discord_bot
from bots.discord.invalid import InvalidRequests
from bots.views.ask import said
from bots.views.elements import Button, Buttons, Text, View
from tests.bots.discord.entrance import Desk, Rows
from tests.core.orchestration.harness import MemoryFiles
from tests.fakes.clock import FakeClock


async def test_commands_forms_menus_and_buttons_on_another_discord() -> None:
    """A whole visit: a command with a file, completion, a form, a menu, a button after a restart."""
    clock, desk, rows = FakeClock(auto=True), Desk(), Rows()
    invalid = InvalidRequests(clock)
    bots: list[AtelierBot] = []

    async def connect() -> discord.Client:
        return bots[-1]

    async def closed(workspace_id: str, channel: str, why: str) -> None:
        return

    async with aiohttp.ClientSession() as http:
        door = DiscordDoor(connect, http, invalid=invalid, files=MemoryFiles(), clock=clock)
        bot = make_discord_bot(desk, door, rows, closed=closed, clock=clock, invalid=invalid, shard_count=1)
        bots.append(bot)
        async with simcord.run(bot) as env:
            guild = env.create_guild()
            general = guild.create_text_channel("general")
            alice = guild.add_member(env.create_user("alice"))
            shown = await alice.slash(
                general, "atelier new", brief="Tighten it", file=("draft.docx", b"words"), rounds=2
            )
            request = desk.asked[-1]
            assert request.values == {"brief": "Tighten it", "rounds": 2}
            assert [(one.name, one.size_bytes) for one in request.files] == [("draft.docx", 5)]
            assert request.actor.member_id == f"discord:{guild.id}/{alice.id}"
            await door.whisper(request, View((Text("Price"), Buttons((Button("stop", "Stop", "s_1"),))), "Price"))
            assert shown.ephemeral
            assert shown.response is not None
            assert shown.followups == []
            await env.restart_bot()
            await alice.click(shown.response, label="Stop")
            pressed = desk.asked[-1]
            assert (pressed.kind, pressed.action, pressed.target) == (RequestKind.PRESS, "stop", "s_1")
            assert pressed.spot.is_private
            await door.whisper(pressed, said("Stopped."))
            desk.completions["session"] = [("s_1", "Note")]
            offered = await alice.autocomplete(general, "atelier status", "session", "No")
            assert [one["value"] for one in offered] == ["s_1"]
            message = await alice.send(general, "see file", attachments=[("essay.docx", b"essay")])
            await alice.context_menu(general, "Edit with Atelier", message)
            assert [one.name for one in desk.asked[-1].files] == ["essay.docx"]
            fields = (Field("brief", "What", FieldKind.PARAGRAPH), Field("files", "Files", FieldKind.FILES))
            desk.forms["new"] = Form("new", "New session", "Start session", fields)
            opened = await alice.slash(general, "atelier new")
            await alice.submit_modal(opened, {"p.brief": "hi", "f.files": [("up.md", b"x")]})
            assert (desk.asked[-1].values, [one.name for one in desk.asked[-1].files]) == ({"brief": "hi"}, ["up.md"])
            await alice.send(general, f"<@{bot.user.id if bot.user else 0}> write a note")
            assert (desk.asked[-1].kind, desk.asked[-1].text) == (RequestKind.MENTION, "write a note")
            await door.whisper(desk.asked[-1], said("Started."))
            assert env.errors == []
