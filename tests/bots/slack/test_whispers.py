"""Private answers of which nobody knows whether they were seen, and those that another try must not give again."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bots.desk.requests import Request
from bots.views.elements import Text, View
from core.errors import TransientError
from tests.bots.slack.entrance import Entrance, entrance
from tests.fakes.slack.faults import Trouble

pytestmark = pytest.mark.loopback
PRICE, BALANCE = (View((Text(words),), words) for words in ("About 40 credits.", "You have 60 credits."))


@pytest.fixture
async def room() -> AsyncIterator[Entrance]:
    """The app in the workspace north."""
    async with entrance() as opened:
        yield opened


async def asked(room: Entrance, *, by_address: bool) -> Request:
    await room.slack.command(room.slack.ann, room.slack.general, "status")
    request = room.desk.asked[-1]
    return request if by_address else replace(request, spot=replace(request.spot, answer={}))


def shown(room: Entrance) -> list[str]:
    return [one.visible_text for one in room.slack.ephemeral(room.slack.ann)]


@pytest.mark.parametrize("by_address", [True, False], ids=["address", "call"])
async def test_what_was_delivered_is_not_given_again(room: Entrance, by_address: bool) -> None:
    """The process died before the request was closed: the next try leaves out what is noted, and says the rest."""
    request = await asked(room, by_address=by_address)
    await room.door.whisper(request, PRICE)
    [(request_id, key)] = room.noted
    assert request_id == request.id
    again = replace(request, answered=(key,))
    await room.door.whisper(again, PRICE)
    await room.door.whisper(again, BALANCE)
    assert shown(room) == ["About 40 credits.", "You have 60 credits."]
    assert len(room.noted) == 2


async def test_a_long_answer_goes_on_where_it_broke_off(room: Entrance) -> None:
    """Each of its messages is noted as it is delivered."""
    view = View((Text("\n\n".join(f"Paragraph {number}. {'word ' * 300}" for number in range(14))),), "Long")
    request = await asked(room, by_address=True)
    await room.door.whisper(request, view)
    whole, keys = shown(room), [key for _, key in room.noted]
    assert len(whole) == len(keys) > 1
    await room.door.whisper(replace(request, answered=tuple(keys[:1])), view)
    assert shown(room) == whole + whole[1:]


@pytest.mark.parametrize("trouble", [Trouble.LOST_ANSWER, Trouble.ERROR_AFTER])
async def test_an_answer_at_an_address_that_nobody_knows_of_is_given_again_and_counted(
    room: Entrance, trouble: Trouble, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be seen twice, never not at all; once it is known to be there, it is noted."""
    request = await asked(room, by_address=True)
    room.slack.faults.add(trouble, "response_url")
    await room.door.whisper(request, PRICE)
    assert shown(room) == ["About 40 credits."] * 2
    said = capsys.readouterr().out
    assert said.count("slack_answer_uncertain") == 1
    assert "way=response_url" in said
    assert len(room.noted) == 1


async def test_an_answer_by_a_call_that_nobody_knows_of_waits_for_another_try(
    room: Entrance, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is counted, not noted, and the request is tried again later."""
    request = await asked(room, by_address=False)
    room.slack.faults.add(Trouble.LOST_ANSWER, "chat.postEphemeral")
    with pytest.raises(TransientError):
        await room.door.whisper(request, PRICE)
    assert room.noted == []
    await room.door.whisper(request, PRICE)
    assert shown(room) == ["About 40 credits."] * 2
    assert "way=chat.postEphemeral" in capsys.readouterr().out


async def test_an_answer_that_certainly_was_not_seen_is_not_counted(
    room: Entrance, capsys: pytest.CaptureFixture[str]
) -> None:
    """Refusals and limits are no doubt."""
    request = await asked(room, by_address=True)
    room.slack.faults.add(Trouble.RATE_LIMITED, "response_url")
    await room.door.whisper(request, PRICE)
    assert shown(room) == ["About 40 credits."]
    assert "slack_answer_uncertain" not in capsys.readouterr().out


async def test_the_line_beside_an_acknowledgement_is_not_noted(room: Entrance) -> None:
    """No try says it again."""
    room.door.whisper_soon(await asked(room, by_address=True), "Reading a.docx, price follows.")
    await room.settled()
    assert (shown(room), room.noted) == (["Reading a.docx, price follows."], [])
