"""Logs: ids, levels, observers."""

import io
import json
import logging
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import structlog

from bots.logs import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:] = handlers
    logging.getLogger().setLevel(level)


def test_json_is_one_object_a_line() -> None:
    """Machines read an event, its level, its time and its ids; libraries' warnings come in the same form."""
    output = io.StringIO()
    configure_logging(log_format="json", stream=output)
    structlog.get_logger("x").info("turn_finished", session="s_1", turn="s_1/r1/writer")
    logging.getLogger("library").warning("careful")
    ours, theirs = (json.loads(line) for line in output.getvalue().splitlines())
    assert (ours["event"], ours["level"], ours["session"]) == ("turn_finished", "info", "s_1")
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"]) == ("careful", "warning")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_shows_no_values(log_format: str) -> None:
    """What a variable held where something broke may be somebody's text, or a key."""
    output, words = io.StringIO(), ["held", "by", "a", "variable"]
    configure_logging(log_format=log_format, stream=output)
    try:
        words.remove("broken")
    except ValueError:
        logging.getLogger("library").exception("careful")
        structlog.get_logger("x").error("session_failed", exc_info=True)
    assert output.getvalue().count("ValueError: ") == 2
    assert "variable" not in output.getvalue()


def test_observers_see_what_is_not_written() -> None:
    """Metrics count events below the level of the log."""
    output, seen = io.StringIO(), []

    def observe(event: str, fields: Mapping[str, Any]) -> None:
        seen.append((event, fields["n"]))

    configure_logging(level="WARNING", stream=output, observers=[observe])
    structlog.get_logger("x").info("quiet", n=1)
    structlog.get_logger("x").warning("loud", n=2)
    assert seen == [("quiet", 1), ("loud", 2)]
    assert "quiet" not in output.getvalue()
    assert "loud" in output.getvalue()


def test_libraries_are_heard_from_warnings_on() -> None:
    """SDKs log requests at INFO and DEBUG, texts of people included: never ours to write."""
    output = io.StringIO()
    configure_logging(level="DEBUG", stream=output)
    logging.getLogger("openai").info("the whole document")
    assert output.getvalue() == ""
