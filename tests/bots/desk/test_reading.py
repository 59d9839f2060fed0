"""Reading: what words to the app mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.commands import BY_NAME
from bots.desk.reading import FreeText, read_brief, read_command, read_mention
from bots.parsing import HelpNeeded, Invocation

_VERBS = ("pause", "resume", "stop", "status", "files", "retry", "more", "mute", "start", "delete", "star")


@pytest.mark.parametrize("verb", _VERBS)
@pytest.mark.parametrize(
    "after", ["", " please", " it now", " this session, please!"], ids=["bare", "please", "it", "this"]
)
def test_an_order_is_an_order(verb: str, after: str) -> None:
    """A verb, alone or politely."""
    read = read_mention(f"{verb}{after}")
    assert isinstance(read, Invocation)
    assert (read.command.name, dict(read.values)) == (verb, {})


@pytest.mark.parametrize(
    "text",
    [
        "stop using the passive voice",
        "more examples in section 2",
        "files are mentioned twice in the summary",
        "start with the conclusion",
        "delete the second paragraph",
        "status quo should be explained",
        "help me write a launch note",
        "models of governance need their own section",
        "home offices are missing in the list",
        "settings of the study are unclear",
        "billing terms must be plainer",
        "credits must be mentioned at the end",
        "tighten this",
        "shorter",
    ],
)
def test_prose_is_no_order(text: str) -> None:
    """What follows a verb must fit it."""
    assert read_mention(text) == FreeText(text)


@pytest.mark.parametrize(
    ("text", "command", "values"),
    [
        ("stop s_abc", "stop", {"session": "s_abc"}),
        ("steer keep the tone", "steer", {"text": "keep the tone"}),
        ("rename Launch note", "rename", {"title": "Launch note"}),
        ("continue make it shorter", "continue", {"text": "make it shorter"}),
        ("new a note --rounds 2", "new", {"brief": "a note", "rounds": 2}),
        ("sessions --all", "sessions", {"all": True}),
        ("models please", "models", {}),
    ],
    ids=["id", "steer", "rename", "continue", "new", "flag", "polite"],
)
def test_orders_with_details(text: str, command: str, values: dict[str, object]) -> None:
    """Options and rests are read as everywhere."""
    read = read_mention(text)
    assert isinstance(read, Invocation)
    assert (read.command.name, dict(read.values)) == (command, values)


@pytest.mark.parametrize("text", ["", "help", "help new", "rename", "new a note --rounds 99", "help billing plans"])
def test_who_needs_help_gets_it(text: str) -> None:
    """An empty mention, a call for help, a verb without what it needs, an option out of range."""
    assert isinstance(read_mention(text), HelpNeeded)


@given(st.text(max_size=80))
def test_everything_means_something(text: str) -> None:
    """No words break the reader, and free text comes back whole."""
    read = read_mention(text)
    assert not isinstance(read, FreeText) or read.text == text.strip()


def test_a_word_with_nothing_to_work_on_is_a_slip() -> None:
    """``pasue`` starts no session about the word pasue; with a file it may be what to do."""
    slip = read_brief("pasue", has_files=False)
    assert isinstance(slip, HelpNeeded)
    assert "Did you mean 'pause'?" in slip.problem
    assert isinstance(read_brief("pasue", has_files=True), Invocation)


def test_a_whole_document_in_a_message_is_a_brief() -> None:
    """Its length is the intake's business, and two dashes in it are prose."""
    text = "word " * 2_000 + "--rounds many"
    read = read_brief(text)
    assert isinstance(read, Invocation)
    assert read.text("brief") == text


@given(
    st.sampled_from(sorted(BY_NAME)),
    st.dictionaries(
        st.text(max_size=8),
        st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)),
    ),
)
def test_forms_and_menus_are_checked_as_typed_text_is(name: str, values: dict[str, str | int | float | bool]) -> None:
    """Whatever a platform sends is a command with values in their limits, or help."""
    read = read_command(name, values)
    if isinstance(read, Invocation):
        for option in read.command.options:
            value = read.values.get(option.name)
            if isinstance(value, int | float) and option.minimum is not None:
                assert value >= option.minimum
