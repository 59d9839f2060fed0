"""Slack, as people live it: projects, templates, and their own data."""

import io
import zipfile

import pytest

from core.sessions.model import Status
from tests.scenarios.slack_office import Office, buttons_of

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
NOTES = b"Due to the fact that it rained, we stayed at home in order to read.\n\nIt was very, very nice.\n"


async def test_the_form_has_templates_and_projects_under_more(house: Office) -> None:
    """Both are chosen there; the session is begun with the one and lies in the other."""
    slack = house.slack
    channel = await house.room("folders", slack.ann)
    await slack.command(slack.ann, channel, "project new Spring launch")
    await house.whispered(slack.ann, "Spring launch is there")
    form = await house.form(slack.ann, channel)
    assert "Template" not in str(form.content)
    await house.press(slack.ann, form, "More choices")
    await house.settled()
    whole = slack.modal(slack.ann)
    assert whole is not None
    fields = {block["block_id"].removeprefix("field."): block for block in whole.content["blocks"]}
    offered = {
        name: {one["text"]["text"]: one["value"] for one in fields[name]["element"]["options"]}
        for name in ("template", "project")
    }
    assert {"Tighten", "Press release", "Blog post", "Release notes", "Proofread"} <= offered["template"].keys()
    outcome = await slack.submit(
        slack.ann,
        {
            "files": [("notes.md", NOTES)],
            "template": offered["template"]["Proofread"],
            "project": offered["project"]["Spring launch"],
        },
    )
    assert (outcome.error, outcome.errors) == ("", None)
    session = await house.ended(channel)
    assert session.status is Status.COMPLETED
    assert session.brief.startswith("Correct spelling, grammar, punctuation")
    assert (session.cast.key, session.cast.stop.max_rounds) == ("quick", 1)
    await slack.command(slack.ann, channel, "project show spring")
    shown = await house.whispered(slack.ann, "charged for the sessions")
    assert "notes.md" in shown.visible_text
    assert "Archive project" in buttons_of(shown)


async def test_a_template_is_saved_in_a_thread_and_named_in_a_mention(house: Office) -> None:
    """By whoever started the session; a colleague begins with it in one message."""
    slack = house.slack
    channel = await house.room("starts", slack.ann, slack.ben)
    await slack.command(slack.ann, channel, "new Write three lines about bicycle lights --rounds 1")
    await house.ended(channel)
    card = house.card(channel)
    await slack.say(slack.ann, channel, f"{house.named()} template save Three lines", thread_ts=card.ts)
    await house.whispered(slack.ann, "Three lines is saved")
    await slack.say(slack.ben, channel, f"{house.named()} For dealers, please --template three")
    await house.ended(channel, 2)
    newest = max(await house.sessions_in(channel), key=lambda session: session.created_at)
    assert newest.brief == "Write three lines about bicycle lights\n\nFor dealers, please"
    assert newest.cast.stop.max_rounds == 1


async def test_what_is_kept_is_given_and_removed_privately(house: Office) -> None:
    """The ZIP comes to the asker's direct messages; the texts go after one question, and the receipt can be read."""
    slack = house.slack
    channel = await house.room("data", slack.ben)
    await slack.command(slack.ben, channel, "new Write a line about rain --rounds 1")
    session = await house.ended(channel)
    await slack.command(slack.ben, channel, "data export")
    await house.settled()
    (archive,) = [file for file in slack.files() if file.name.endswith(".zip")]
    assert {place for place, _ in archive.shares} == {one.channel for one in slack.direct_messages(slack.ben)}
    assert archive.content is not None
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        assert any(name.endswith("/receipt.json") and session.id in name for name in opened.namelist())

    await slack.command(slack.ben, channel, f"data delete {session.id}")
    question = await house.whispered(slack.ben, "What stays")
    assert "the ledger" in question.visible_text
    await house.press(slack.ben, question, "Remove texts")
    await house.whispered(slack.ben, "receipts stay")
    (kept,) = [one for one in await house.sessions_in(channel) if one.id == session.id]
    assert (kept.brief, kept.forgotten_at is not None) == ("", True)
    await slack.command(slack.ben, channel, f"status {kept.id}")
    shown = await house.whispered(slack.ben, "texts were removed")
    assert "bicycle" not in shown.visible_text
