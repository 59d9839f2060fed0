"""Discord, as people live it: projects, templates, and their own data."""

import io
import zipfile

import pytest

from tests.fakes.discord.mentions import shown_text
from tests.scenarios.discord_office import Office, field_of, labels_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.loopback]
NOTES = b"Due to the fact that it rained, we stayed at home in order to read.\n\nIt was very, very nice.\n"


async def test_projects_are_completed_and_filled(discord_house: Office) -> None:
    """Made under their noun, offered while somebody types, by whom it is seen; archived ones are not offered."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("folders")
    for name in ("Spring launch", "Autumn"):
        await discord.slash(discord.ann, channel, "atelier project new", name=name)
        await house.told(discord.ann, f"{name} is there")
    offered = await discord.autocomplete(discord.ben, channel, "atelier new", "project", "spr")
    assert [one["name"] for one in offered] == ["Spring launch"]
    await discord.slash(
        discord.ann, channel, "atelier new", file=("notes.md", NOTES), rounds=1, project=offered[0]["value"]
    )
    session = await house.ended(channel)
    assert session.project_id is not None
    await discord.slash(discord.ben, channel, "atelier project show", project="Spring launch")
    shown = await house.told(discord.ben, "charged for the sessions")
    assert "notes.md" in shown_text(shown)
    assert "Archive project" not in labels_of(shown)
    await discord.slash(discord.ann, channel, "atelier project archive", project="Autumn")
    await house.told(discord.ann, "Autumn is archived")
    assert await discord.autocomplete(discord.ben, channel, "atelier new", "project", "aut") == []
    back = await discord.autocomplete(discord.ben, channel, "atelier project unarchive", "project", "")
    assert [one["name"] for one in back] == ["Autumn"]


async def test_the_form_has_a_template_among_its_five_parts(discord_house: Office) -> None:
    """What somebody remembered of teams and rounds does not stand in its way."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("starts")
    opened = await discord.slash(discord.ann, channel, "atelier new")
    fields = {field_of(opened, "files"): [("notes.md", NOTES)], field_of(opened, "template"): ["shipped-proofread"]}
    sent = await discord.submit(discord.ann, opened, fields)
    assert sent.is_answered
    session = await house.ended(channel)
    assert session.brief.startswith("Correct spelling, grammar, punctuation")
    assert (session.cast.key, session.cast.stop.max_rounds) == ("quick", 1)


async def test_what_is_kept_is_given_and_removed_privately(discord_house: Office) -> None:
    """The ZIP comes with the private answer; the texts go after one question."""
    house, discord = discord_house, discord_house.discord
    channel = house.room("data")
    await discord.slash(discord.ann, channel, "atelier new", brief="Write a line about rain", rounds=1)
    session = await house.ended(channel)
    await discord.slash(discord.ann, channel, "atelier data export")
    given = await house.told(discord.ann, "what is kept of your sessions")
    (archive,) = given.attachments
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert any(session.id in name for name in opened.namelist())
    await discord.slash(discord.ann, channel, "atelier data delete", session=session.id)
    question = await house.told(discord.ann, "What stays")
    await house.press(discord.ann, question, "data-delete")
    await house.told(discord.ann, "receipts stay")
    (kept,) = [one for one in await house.sessions_in(channel) if one.id == session.id]
    assert (kept.brief, kept.forgotten_at is not None) == ("", True)
