"""The local Slack's laws of commands, buttons, forms and answers, with the unmodified slack_bolt."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.clock import FakeClock
from tests.fakes.slack.forms import NotShown
from tests.fakes.slack.local import LocalSlack
from tests.fakes.slack.model import Grant, Json
from tests.fakes_slack.bolt import BUTTONS, MODAL, Got, build_app, served
from tests.fakes_slack.refusals import refused

pytestmark = pytest.mark.loopback

HOME: Json = {"type": "home", "blocks": BUTTONS}


@pytest.fixture
async def got(slack: LocalSlack, grant: Grant, session: aiohttp.ClientSession) -> AsyncIterator[Got]:
    """What an app got that is reached over HTTP."""
    got = Got()
    slack.events.echoes = False
    async with served(slack, build_app(slack, session, got)):
        yield got


async def test_a_command_is_answered_in_the_response(slack: LocalSlack, got: Got) -> None:
    """The answer is seen by the person who typed alone, even where the bot is not."""
    other = slack.world.add_channel(slack.north, "other", [slack.ann])
    outcome = await slack.command(slack.ann, other, "new brief")
    assert (outcome.error, outcome.text) == ("", "Reading new brief, price follows")
    assert [one.text for one in slack.ephemeral(slack.ann, other)] == [outcome.text]
    assert slack.ephemeral(slack.ben) == slack.messages(other) == []
    assert "thread_ts" not in got.interactions[0]
    assert (got.interactions[0]["team_id"], got.interactions[0]["is_enterprise_install"]) == (slack.north.id, "false")


async def test_who_waits_in_vain_is_told(slack: LocalSlack, got: Got) -> None:
    """A command that fails is not delivered again; its person sees dispatch_failed."""
    outcome = await slack.command(slack.ann, slack.general, "fail")
    assert (outcome.error, len(outcome.delivery.attempts)) == ("dispatch_failed", 1)
    slack.world.app.request_url = "http://127.0.0.1:9/"
    assert (await slack.command(slack.ann, slack.general, "x")).error == "dispatch_failed"


async def test_a_response_url_is_good_for_five_answers(
    slack: LocalSlack, got: Got, session: aiohttp.ClientSession
) -> None:
    """To one person or to the channel; the sixth is refused."""
    outcome = await slack.command(slack.ann, slack.general, "x")
    hook = AsyncWebhookClient(outcome.response_url, session=session)
    answers = [await hook.send(text=str(n), response_type="in_channel" if n == 1 else "ephemeral") for n in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [404]
    assert "used_url" in answers[-1].body
    assert [one.text for one in slack.messages(slack.general)] == ["1"]
    assert [one.text for one in slack.ephemeral(slack.ann)] == [outcome.text, "0", "2", "3", "4"]


async def test_a_response_url_lives_half_an_hour(
    slack: LocalSlack, got: Got, session: aiohttp.ClientSession, clock: FakeClock
) -> None:
    """Later it is expired_url, unknown fields and bad blocks are refused always."""
    outcome = await slack.command(slack.ann, slack.general, "x")
    hook = AsyncWebhookClient(outcome.response_url, session=session)
    assert (await hook.send_dict({"text": "x", "colour": "red"})).status_code == 400
    assert (await hook.send(text="x", blocks=[{"type": "marquee"}])).status_code == 400
    clock.move(1_801)
    assert "expired_url" in (await hook.send(text="x")).body


async def test_a_button_brings_message_value_and_the_right_to_answer(
    slack: LocalSlack, got: Got, client: AsyncWebClient, session: aiohttp.ClientSession
) -> None:
    """The payload says where and what was pressed; the answer may replace or take away the message."""
    parent = (await client.chat_postMessage(channel=slack.general.id, text="parent"))["ts"]
    await client.chat_postMessage(channel=slack.general.id, text="card", blocks=BUTTONS, thread_ts=parent)
    card = slack.messages(slack.general, parent)[1]
    outcome = await slack.click(slack.ben, card, "stop")
    body = got.interactions[0]
    assert (body["actions"][0]["value"], body["container"]["thread_ts"]) == ("s1", parent)
    assert (body["message"]["ts"], body["user"]["id"], body["team"]["id"]) == (card.ts, slack.ben.id, slack.north.id)
    hook = AsyncWebhookClient(outcome.response_url, session=session)
    await hook.send(text="stopped", replace_original=True)
    assert (card.text, card.blocks, len(card.editions)) == ("stopped", [], 1)
    await hook.send(delete_original=True)
    assert len(slack.messages(slack.general, parent)) == 1


async def test_nobody_presses_what_they_do_not_see(slack: LocalSlack, got: Got, client: AsyncWebClient) -> None:
    """A missing button, another person's whisper and a channel one is not in cannot be pressed."""
    await client.chat_postEphemeral(channel=slack.general.id, user=slack.ann.id, text="x", blocks=BUTTONS)
    whisper = slack.ephemeral(slack.ann)[0]
    for person, action in ((slack.ben, "stop"), (slack.ann, "start")):
        with pytest.raises(NotShown):
            await slack.click(person, whisper, action)
    await slack.click(slack.ann, whisper, "stop")
    assert (got.interactions[0]["container"]["is_ephemeral"], "message" in got.interactions[0]) == (True, False)


async def test_a_trigger_opens_one_modal_within_three_seconds(
    slack: LocalSlack, got: Got, client: AsyncWebClient, clock: FakeClock
) -> None:
    """Once; later it is expired, twice it is exchanged, made up it is invalid."""
    first = (await slack.command(slack.ann, slack.general, "x")).trigger_id
    await client.views_open(trigger_id=first, view=MODAL)
    assert await refused(client.views_open(trigger_id=first, view=MODAL)) == "exchanged_trigger_id"
    second = (await slack.command(slack.ann, slack.general, "x")).trigger_id
    clock.move(3.1)
    assert await refused(client.views_open(trigger_id=second, view=MODAL)) == "expired_trigger_id"
    assert await refused(client.views_open(trigger_id="1.2", view=MODAL)) == "invalid_trigger_id"


async def test_a_form_goes_round(slack: LocalSlack, got: Got, client: AsyncWebClient, grant: Grant) -> None:
    """What was put in, chosen from the start and attached arrives, and the app may read the files."""
    await slack.command(slack.ann, slack.general, "form")
    with pytest.raises(NotShown, match="must be filled in"):
        await slack.submit(slack.ann, {"team": "legal"})
    await slack.submit(slack.ann, {"brief": "A note", "files": [("a.docx", b"bytes")]})
    values = got.interactions[-1]["view"]["state"]["values"]
    assert values["what"]["brief"]["value"] == "A note"
    assert values["team"]["team"]["selected_option"]["value"] == "standard"
    file = values["files"]["files"]["files"][0]
    assert (await client.files_info(file=file["id"]))["file"]["name"] == "a.docx"
    assert slack.modal(slack.ann) is None


async def test_a_form_may_complain_change_and_grow(slack: LocalSlack, got: Got) -> None:
    """Errors keep it open and name fields, update and push show another, clear closes all."""
    await slack.command(slack.ann, slack.general, "form")
    got.submission = {"response_action": "errors", "errors": {"what": "Too short"}}
    assert (await slack.submit(slack.ann, {"brief": "x"})).errors == {"what": "Too short"}
    got.submission = {"response_action": "errors", "errors": {"nowhere": "x"}}
    assert (await slack.submit(slack.ann, {"brief": "x"})).error == "invalid_errors"
    got.submission = {"response_action": "push", "view": {**MODAL, "private_metadata": "second"}}
    await slack.submit(slack.ann, {"brief": "x"})
    top = slack.modal(slack.ann)
    assert top is not None
    assert (top.content["private_metadata"], bool(top.previous_id)) == ("second", True)
    got.submission = {"response_action": "update", "view": {**MODAL, "private_metadata": "third"}}
    await slack.submit(slack.ann, {"brief": "x"})
    assert top.content["private_metadata"] == "third"
    got.submission = {"response_action": "clear"}
    await slack.submit(slack.ann, {"brief": "x"})
    assert slack.modal(slack.ann) is None


async def test_a_closed_form_is_told_when_asked_for(slack: LocalSlack, got: Got) -> None:
    """view_closed comes for views with notify_on_close."""
    await slack.command(slack.ann, slack.general, "form")
    await slack.dismiss(slack.ann)
    assert (got.interactions[-1]["type"], slack.modal(slack.ann)) == ("view_closed", None)


async def test_a_view_is_updated_by_who_saw_it_last(slack: LocalSlack, got: Got, client: AsyncWebClient) -> None:
    """A stale hash is a conflict, a closed view is not found."""
    await slack.command(slack.ann, slack.general, "form")
    view = slack.modal(slack.ann)
    assert view is not None
    stale = view.hash
    await client.views_update(view_id=view.id, view=MODAL, hash=stale)
    assert await refused(client.views_update(view_id=view.id, view=MODAL, hash=stale)) == "hash_conflict"
    await slack.dismiss(slack.ann)
    assert await refused(client.views_update(view_id=view.id, view=MODAL)) == "not_found"


async def test_a_home_tab_has_buttons_too(slack: LocalSlack, got: Got, client: AsyncWebClient) -> None:
    """app_home_opened, views.publish, and a press whose payload holds the view instead of a message."""
    await slack.open_home(slack.ann)
    assert got.kinds == ["app_home_opened"]
    await client.views_publish(user_id=slack.ann.id, view=HOME)
    home = slack.home(slack.ann)
    assert home is not None
    await slack.click(slack.ann, home, "stop")
    assert (got.interactions[0]["view"]["id"], "channel" in got.interactions[0]) == (home.id, False)
    assert slack.home(slack.ben) is None


async def test_shortcuts_bring_the_message_or_nothing(slack: LocalSlack, got: Got) -> None:
    """A message's shortcut holds the message with files and thread, the global one a trigger."""
    message = await slack.say(slack.ann, slack.general, "see here", files=[("a.docx", b"x")])
    await slack.message_shortcut(slack.ben, message, "edit")
    await slack.global_shortcut(slack.ben, "edit")
    first, second = got.interactions
    assert (first["type"], first["message"]["files"][0]["name"]) == ("message_action", "a.docx")
    assert (second["type"], bool(second["trigger_id"]), "channel" in second) == ("shortcut", True, False)


async def test_an_organisation_s_interactions_name_no_team(slack: LocalSlack, got: Got) -> None:
    """Installed for an organisation, payload.team is None and the workspace is the person's; commands say theirs."""
    org = slack.world.install(slack.grid, slack.eve)
    slack.eastern.members.add(org.user_id)
    await slack.global_shortcut(slack.eve, "edit")
    await slack.command(slack.eve, slack.eastern, "x")
    shortcut, command = got.interactions
    assert (shortcut["team"], shortcut["enterprise"]["id"], shortcut["user"]["team_id"]) == (
        None,
        slack.grid.id,
        slack.east.id,
    )
    assert (command["team_id"], command["is_enterprise_install"]) == (slack.east.id, "true")


async def test_answers_are_scanned_for_mentions(slack: LocalSlack, got: Got, session: aiohttp.ClientSession) -> None:
    """What is said in answers counts as sent, too."""
    outcome = await slack.command(slack.ann, slack.general, "<!here>")
    assert slack.mentions() == ["<!here>"]
    await AsyncWebhookClient(outcome.response_url, session=session).send(text="<@U0BEN> look")
    assert slack.mentions(allowed={"<!here>"}) == ["<@U0BEN>"]
