"""The local Slack's laws of blocks and views: what slack_sdk's models miss is caught as well."""

from typing import Any

import pytest

from tests.fakes.slack.blocks import check_blocks, check_view
from tests.fakes.slack.model import Refusal


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def _mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _button(number: int = 0, **more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": f"a{number}", "text": _plain("Go"), **more}


def _select(**more: Any) -> dict[str, Any]:
    options = [{"text": _plain("One"), "value": "1"}]
    return {"type": "static_select", "action_id": "s", "options": options, **more}


def _actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


CELL = {"type": "raw_text", "text": "x"}
GOOD = [
    {"type": "section", "text": _mrkdwn("x" * 3000), "accessory": _button()},
    {"type": "section", "fields": [_mrkdwn("x")] * 10},
    {"type": "header", "text": _plain("x" * 150)},
    {"type": "markdown", "text": "x" * 12_000},
    {
        "type": "context",
        "elements": [_mrkdwn("x"), {"type": "image", "image_url": "https://x.test/a", "alt_text": "a"}],
    },
    _actions(*(_button(number) for number in range(25))),
    _actions(_select(), _button(1, value="x" * 2000, style="danger")),
    {"type": "table", "rows": [[CELL] * 20] * 100},
    {"type": "divider", "block_id": "x" * 255},
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "f",
                "positive_button": {"text": _plain("Good"), "value": "1"},
                "negative_button": {"text": _plain("Bad"), "value": "0"},
            }
        ],
    },
]
BAD = [
    {"type": "section", "text": _mrkdwn("x" * 3001)},
    {"type": "section", "fields": [_mrkdwn("x")] * 11},
    {"type": "section", "fields": [_mrkdwn("x" * 2001)]},
    {"type": "section"},
    {"type": "section", "text": _mrkdwn("")},
    {"type": "section", "text": _mrkdwn("x"), "colour": "red"},
    {"type": "header", "text": _mrkdwn("x")},
    {"type": "header", "text": _plain("x" * 151)},
    {"type": "markdown", "text": "x" * 12_001},
    {"type": "markdown", "text": ""},
    {"type": "context", "elements": [_mrkdwn("x")] * 11},
    {"type": "context", "elements": []},
    _actions(*(_button(number) for number in range(26))),
    _actions(_button(), _button()),
    _actions(_button(text=_plain("x" * 76))),
    _actions(_button(text=_mrkdwn("x"))),
    _actions(_button(value="x" * 2001)),
    _actions(_button(style="loud")),
    _actions(_button(action_id="x" * 256)),
    _actions(_button(onclick="x")),
    _actions(_select(options=[])),
    _actions(_select(options=[{"text": _plain("x" * 76), "value": "1"}])),
    _actions(_select(options=[{"text": _plain("x"), "value": "x" * 151}])),
    _actions(_select(options=[{"text": _plain("x"), "value": str(number)} for number in range(101)])),
    _actions(_select(initial_option={"text": _plain("Two"), "value": "2"})),
    {"type": "table", "rows": [[CELL]] * 101},
    {"type": "table", "rows": [[CELL] * 21]},
    {"type": "image", "image_url": "https://x.test/a"},
    {"type": "divider", "block_id": "x" * 256},
    {"type": "input", "label": _plain("x"), "element": {"type": "plain_text_input", "action_id": "a"}},
    {"type": "task_card", "task_id": "1", "title": "t", "status": "done"},
    {"type": "marquee", "text": "x"},
    {"text": "x"},
]


@pytest.mark.parametrize("block", GOOD)
def test_what_slack_takes_is_taken(block: dict[str, Any]) -> None:
    """Blocks at their limits are fine."""
    check_blocks([block])


@pytest.mark.parametrize("block", BAD)
def test_what_slack_refuses_is_refused(block: dict[str, Any]) -> None:
    """One beyond a limit, an unknown key or an unknown type refuses the whole message."""
    with pytest.raises(Refusal, match="invalid_blocks"):
        check_blocks([block])


@pytest.mark.parametrize(
    ("blocks", "error"),
    [
        ([{"type": "divider"}] * 51, "invalid_blocks"),
        ([{"type": "divider", "block_id": "a"}] * 2, "invalid_blocks"),
        ([{"type": "table", "rows": [[CELL]]}] * 2, "invalid_attachments"),
        ([{"type": "markdown", "text": "x" * 6_001}] * 2, "msg_blocks_too_long"),
        ([{"type": "section", "text": _mrkdwn("x" * 2_700)}] * 5, "msg_blocks_too_long"),
        ("[]", "invalid_blocks_format"),
    ],
)
def test_messages_have_limits_too(blocks: Any, error: str) -> None:
    """Blocks that are fine each may be too many, too long or alike together."""
    with pytest.raises(Refusal, match=error):
        check_blocks(blocks)


def _input(number: int = 0, **element: Any) -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": f"a{number}", **element}
    return {"type": "input", "block_id": f"b{number}", "label": _plain("What"), "element": field}


def _modal(*blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "modal", "title": _plain("T"), "submit": _plain("Go"), "blocks": list(blocks), **more}


def test_a_modal_with_files_is_taken() -> None:
    """A form with text, menu and files, as ours is."""
    files = {**_input(2), "element": {"type": "file_input", "action_id": "f", "max_files": 10, "filetypes": ["docx"]}}
    check_view(_modal(_input(), {**_input(1), "element": _select()}, files, private_metadata="x" * 3000))


@pytest.mark.parametrize(
    "view",
    [
        _modal(_input(), title=_plain("x" * 25)),
        _modal(_input(), submit=_mrkdwn("x")),
        _modal(_input(), private_metadata="x" * 3001),
        _modal(_input(), callback_id="x" * 256),
        _modal(_input(), colour="red"),
        _modal(),
        _modal(*(_input(number) for number in range(101))),
        _modal({"type": "markdown", "text": "x"}),
        {key: value for key, value in _modal(_input()).items() if key != "submit"},
        {key: value for key, value in _modal(_input()).items() if key != "title"},
        {"type": "home", "blocks": [_input(type="file_input")]},
        {"type": "home", "blocks": [{"type": "divider"}], "submit": _plain("Go")},
        {"type": "poster", "blocks": [{"type": "divider"}]},
        "{}",
    ],
)
def test_views_that_slack_refuses_are_refused(view: Any) -> None:
    """Lengths, required parts, places of blocks and unknown keys are looked at."""
    with pytest.raises(Refusal, match="invalid_arguments"):
        check_view(view)
