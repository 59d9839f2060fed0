"""What a member has for themselves in Slack: the Home tab that follows what is pressed on it, and forms that remember."""

import pytest

from core.sessions.model import Status
from tests.fakes.slack.model import Channel, Person, View
from tests.scenarios.slack_office import Office

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
PACE = 60.0
_TRIES = 8
BRIEF = "A one-page launch note for our new bicycle lights, for shop owners"
LONG = "We open the new hall on Monday, and everybody who works there gets a key. " * 110


def _text(view: View | None) -> str:
    assert view is not None
    return str(view.content["blocks"])


async def _open_form(house: Office, person: Person, channel: Channel) -> View:
    """Open the form with all of its fields; where this machine takes longer than a trigger lives, as the app says."""
    await house.slack.command(person, channel, "new")
    await house.settled()
    for _ in range(_TRIES):
        form = house.slack.modal(person)
        if form is not None:
            await house.press(person, form, "More choices")
            await house.settled()
            if "field.team" in str(form.content["blocks"]):
                return form
        else:
            await house.press(person, house.slack.ephemeral(person, channel)[-1], "Open the form")
            await house.settled()
    raise AssertionError("the form did not open")


async def test_home_follows_what_is_pressed_on_it(house: Office) -> None:
    """The sample that was started from it stands on it, without anybody opening it anew."""
    slack = house.slack
    await slack.open_home(slack.ann)
    await house.settled()
    home = slack.home(slack.ann)
    assert home is not None
    assert "There are none yet" in _text(home)
    await house.press(slack.ann, home, "Run free sample")
    await house.settled()
    shown = _text(slack.home(slack.ann))
    assert "proposal" in shown
    assert "There are none yet" not in shown
    (session,) = await house.sessions()
    await house.parts.sessions.stop(session.id, actor="test")


async def test_a_form_remembers_the_model_and_the_team(house: Office) -> None:
    """What somebody chose under More is chosen when the form opens the next time; what it was about is not."""
    slack = house.slack
    channel = await house.room("forms", slack.ben)
    await _open_form(house, slack.ben, channel)
    given = {
        "brief": BRIEF,
        "model": "v:rehearsal",
        "team": "v:quick",
        "editors": "2",
        "rounds": "1",
        "good-enough": "9",
        "reference-notes": "Take every number from it",
    }
    outcome = await slack.submit(slack.ben, given)
    assert not outcome.errors
    session = await house.ended(channel)
    assert (session.model, session.cast.key, session.status) == ("rehearsal", "quick", Status.COMPLETED)
    assert (session.cast.stop.max_rounds, session.cast.stop.threshold) == (1, 9)
    again = await _open_form(house, slack.ben, channel)
    held = {block["block_id"]: block["element"] for block in again.content["blocks"] if block["type"] == "input"}
    chosen = {name: held[f"field.{name}"]["initial_option"]["value"] for name in ("model", "team")}
    assert chosen == {"model": "v:rehearsal", "team": "v:quick"}
    written = {name: held[f"field.{name}"].get("initial_value") for name in ("editors", "rounds", "good-enough")}
    assert written == {"editors": "2", "rounds": "1", "good-enough": "9"}
    assert "initial_value" not in held["field.reference-notes"]
    await slack.dismiss(slack.ben)


async def test_the_menu_of_a_long_message_takes_all_of_it(house: Office) -> None:
    """A message of more than 6,000 characters is a document: its last words are in what the room reads."""
    slack = house.slack
    channel = await house.room("long", slack.ann)
    message = await slack.say(slack.ann, channel, f"{LONG}Bring your old key.")
    await slack.message_shortcut(slack.ann, message, "edit_with_atelier")
    await house.whispered(slack.ann, "Reading We open the new hall on Monday")
    session = await house.running(channel)
    versions = await house.parts.database.read(lambda tx: tx.sessions.list_versions(session.id))
    assert versions[0].document.markdown.rstrip().endswith("Bring your old key.")
    await house.parts.sessions.stop(session.id, actor="test")
    await house.ended(channel)
