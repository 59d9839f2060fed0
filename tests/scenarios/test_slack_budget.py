"""How much a session says and how often it calls Slack, a member's first one included: counted by the Slack it talks to."""

import pytest

from core.sessions.model import Status
from tests.scenarios.slack_office import Office, jargon_in
from tests.scenarios.test_slack_thread import SAMPLE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.loopback,
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),  # slack_sdk in oauth.v2.access
]
PACE = 1_000.0
BUDGETS = {"quiet": (2, 15), "normal": (5, 40), "full": (20, 10_000)}
WORDS = {
    "file": "tighten this --rounds 2",
    "brief": "write a one-page launch note for the new pricing page --rounds 3",
    "command": "new A one-page launch note for the new pricing page --rounds 3",
}


def _calls(house: Office, begun: int) -> list[str]:
    """Return every call since *begun*; appends to streams are not counted."""
    return [call.method for call in house.slack.api.calls[begun:] if call.method != "chat.appendStream"]


@pytest.mark.parametrize("show", list(BUDGETS))
@pytest.mark.parametrize("what", list(WORDS))
async def test_the_budget_of_a_members_first_session(house: Office, what: str, show: str) -> None:
    """A Word file and two rounds, or a brief and three: so many posts and calls, for somebody whom nobody knows yet."""
    slack, (posts, calls) = house.slack, BUDGETS[show]
    newcomer = slack.world.add_person(slack.north, f"new{what}{show}")
    channel = await house.room(f"first-{what}-{show}", slack.ann, newcomer)
    begun = len(slack.api.calls)
    files = [("proposal.docx", SAMPLE)] if what == "file" else []
    text = f"{WORDS[what]} --good-enough 10 --show {show}"
    if what == "command":
        await slack.command(newcomer, channel, text)
    else:
        await slack.say(newcomer, channel, f"{house.named()} {text}", files=files)
    session = await house.ended(channel, seconds=30)
    assert session.status is Status.COMPLETED
    assert len(await house.parts.database.read(lambda tx: tx.sessions.list_rounds(session.id))) == 3
    made = _calls(house, begun)
    assert "users.info" in made
    assert len(made) <= calls, made
    thread = house.thread(channel)
    assert len([one for one in slack.said_by_app(channel) if not one.is_reply]) == 1
    assert len(thread) <= posts
    texts = "\n".join(one.visible_text for one in [house.card(channel), *thread])
    assert texts.count(f"<@{newcomer.id}>") == 1
    assert jargon_in(texts) == []
    told = [text for text in house.whispers(newcomer) if "can be wrong" in text or "only rehearses" in text]
    assert len(told) == 1
