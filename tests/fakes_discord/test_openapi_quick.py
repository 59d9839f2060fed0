"""The judge of both sides is asked itself: it says the same as the plain validator, and misses nothing that it is shown."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.fakes.discord.openapi import OpenApi, QuickValidator, whole

pytestmark = pytest.mark.skipif(not OpenApi().is_present, reason="Discord's OpenAPI is not here")
CREATE = "POST /channels/{channel_id}/messages"
ASKED = json.dumps({"$ref": "#/components/schemas/MessageCreateRequest"})
BUTTON = {"type": 2, "style": 1, "label": "Stop", "custom_id": "atelier:stop:s_1"}
BODY: dict[str, Any] = {
    "flags": 1 << 15,
    "allowed_mentions": {"parse": []},
    "components": [
        {
            "type": 17,
            "accent_color": 255,
            "components": [
                {"type": 10, "content": "Words"},
                {"type": 9, "components": [{"type": 10, "content": "More"}], "accessory": BUTTON},
                {"type": 1, "components": [BUTTON, BUTTON | {"style": 5, "url": "https://atelier.test"}]},
            ],
        }
    ],
}
PLAIN, QUICK = Draft202012Validator(whole(ASKED)), QuickValidator(whole(ASKED))


def _places(body: Any) -> list[tuple[Any, Any]]:
    """Return every key of *body*, with what it stands in."""
    keys = list(body) if isinstance(body, dict) else list(range(len(body))) if isinstance(body, list) else []
    return [(body, key) for key in keys] + [place for key in keys for place in _places(body[key])]


@given(
    st.integers(0, len(_places(BODY)) - 1), st.sampled_from([None, True, 0, 1, 2, 10, 17, 99, -1, "", "x", [], {}, 1.5])
)
def test_leaving_out_what_cannot_fit_changes_no_verdict(place: int, value: Any) -> None:
    """Whatever is put anywhere into a message, both validators take it, or neither does."""
    body = copy.deepcopy(BODY)
    inside, key = _places(body)[place]
    inside[key] = value
    assert QUICK.is_valid(body) is PLAIN.is_valid(body)


def test_what_a_bot_sends_is_fine() -> None:
    """A message of ours is."""
    judge = OpenApi()
    judge.check_request(CREATE, BODY)
    assert (judge.problems, judge.checked) == ([], 1)


@pytest.mark.parametrize(
    ("route", "body"),
    [
        (CREATE, None),
        (CREATE, {"components": [{"type": 10}]}),
        (CREATE, {"components": [{"type": 99}]}),
        (CREATE, {"content": 5}),
        ("GET /users/@me", {"content": "a body"}),
        ("POST /nowhere", {}),
    ],
    ids=["no body", "a part without words", "no such part", "another kind", "a body too many", "no such route"],
)
def test_what_discord_does_not_take_is_noted(route: str, body: Any) -> None:
    """Of a request."""
    judge = OpenApi()
    judge.check_request(route, body)
    assert len(judge.problems) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"id": "1"}), (201, {}), (404, {"message": "gone"}), (429, {"message": "wait", "code": 0})],
    ids=["half a message", "another status", "an error without a code", "a limit without a wait"],
)
def test_what_discord_does_not_answer_is_noted(status: int, body: Any) -> None:
    """Of an answer, errors as well."""
    judge = OpenApi()
    judge.check_answer(CREATE, status, body)
    assert judge.problems != []
