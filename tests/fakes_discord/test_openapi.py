"""The judge of bodies."""

import pytest

from tests.fakes.discord.openapi import OpenApi


@pytest.fixture
def judge() -> OpenApi:
    judge = OpenApi()
    if not judge.is_present:
        pytest.skip("Discord's OpenAPI is not there")
    return judge


SEND = "POST /channels/{channel_id}/messages"


def test_what_is_right_passes(judge: OpenApi) -> None:
    """Ids may be numbers, as discord.py writes some."""
    judge.check_request(SEND, {"content": "x", "attachments": [{"id": 0, "filename": "a"}]})
    judge.check_request("POST /users/@me/channels", {"recipient_id": 5})
    judge.check_answer("GET /gateway", 200, {"url": "ws://127.0.0.1/"})
    judge.check_answer(SEND, 400, {"message": "wrong", "code": 50035, "errors": {"anything": "goes in errors"}})
    assert (judge.problems, judge.checked) == ([], 4)


def test_what_is_wrong_is_named_once(judge: OpenApi) -> None:
    """Unknown routes, bodies where none belongs, wrong types, missing keys, undocumented statuses."""
    for _ in range(2):
        judge.check_request("POST /nowhere", {})
        judge.check_request("GET /gateway", {"x": 1})
        judge.check_request(SEND, {"content": 5})
        judge.check_answer(SEND, 200, {"id": "1"})
        judge.check_answer("GET /gateway", 201, {"url": "x"})
    assert [one.partition(":")[0] for one in dict.fromkeys(judge.problems)][:3] == [
        "POST /nowhere",
        "GET /gateway",
        f"{SEND} request",
    ]
    assert judge.problems[-1] == "GET /gateway: answers no 201"
    assert len(set(judge.problems)) == len(judge.problems)


def test_it_can_be_left_out() -> None:
    """Where time counts, and where the file is absent."""
    judge = OpenApi(enabled=False)
    judge.check_request(SEND, {"content": 5})
    judge.check_answer(SEND, 200, {})
    assert (judge.problems, judge.checked) == ([], 0)
