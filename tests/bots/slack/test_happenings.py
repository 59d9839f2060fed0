"""What happens in Slack and asks nothing, from the stored request to what is done about it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.desk.requests import RequestKind, dump_request, load_request
from bots.slack.decode import Install
from bots.slack.happenings import CLOSED, LEFT, decode_happening
from bots.slack.leaving import LEAVING, Departure, dump_departure, load_departure
from bots.slack.places import place_of

INSTALL = Install("T1", "U0BOT")
_IDS = st.lists(st.text("ABC0123", min_size=1, max_size=9), max_size=4).map(tuple)


@given(
    st.builds(
        Departure,
        st.sampled_from(LEAVING),
        st.just("T1"),
        st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001 - replaced below
            lambda at: at.replace(microsecond=0, tzinfo=UTC)
        ),
        st.booleans(),
        st.booleans(),
        _IDS,
        _IDS,
    )
)
def test_a_departure_survives_being_stored(departure: Departure) -> None:
    """What was told is what is done, to the last id."""
    assert load_departure(dump_departure(departure)) == departure


def envelope(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"team_id": "T1", "event_id": "Ev1", "event_time": 1_800_000_000, "event": event, **more}


def test_a_removal_is_a_request() -> None:
    """Known again by its event, and whole after JSON."""
    decoded = decode_happening(envelope({"type": "app_uninstalled"}), INSTALL)
    assert decoded is not None
    request = load_request(dump_request(decoded.request))
    assert (request.kind, request.action, request.actor.workspace_id) == (RequestKind.HAPPENED, LEFT, "slack:T1")
    assert load_departure(request.values).is_app
    assert decoded.keys == ("Ev1",)


@pytest.mark.parametrize(
    ("event", "is_ours"),
    [
        ({"type": "channel_archive", "channel": "C1"}, True),
        ({"type": "group_archive", "channel": "C1"}, True),
        ({"type": "member_left_channel", "channel": "C1", "user": "U0BOT"}, True),
        ({"type": "member_left_channel", "channel": "C1", "user": "U1"}, False),
        ({"type": "star_added"}, False),
    ],
    ids=["archive", "private", "app left", "person left", "star"],
)
def test_a_channel_that_closes_is_a_request(event: dict[str, Any], is_ours: bool) -> None:
    """If it closes for the app."""
    decoded = decode_happening(envelope(event), INSTALL)
    assert (decoded is not None) == is_ours
    if decoded is not None:
        assert (decoded.request.action, place_of(decoded.request.spot.thread).channel) == (CLOSED, "C1")


def test_what_has_no_id_is_known_by_what_it_is() -> None:
    """A repeat has the same key."""
    body = envelope({"type": "app_uninstalled"}, event_id="")
    one, two = decode_happening(body, INSTALL), decode_happening(body, INSTALL)
    assert one is not None
    assert two is not None
    assert one == two
    assert one.keys[0]
