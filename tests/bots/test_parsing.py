"""Text into commands: what people really type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.parsing import HelpNeeded, Invocation, parse_command
from core.money import Unit


def _invocation(text: str, otherwise: str = "") -> Invocation:
    result = parse_command(text, otherwise=otherwise)
    assert isinstance(result, Invocation), result
    return result


def _help(text: str) -> HelpNeeded:
    result = parse_command(text)
    assert isinstance(result, HelpNeeded), result
    return result


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("new Tighten this", "new", {"brief": "Tighten this"}),
        ("NEW  Tighten   this ", "new", {"brief": "Tighten   this"}),
        ("new Tighten\nthis\n\nplease", "new", {"brief": "Tighten\nthis\n\nplease"}),
        ("new --rounds 2 Tighten this", "new", {"brief": "Tighten this", "rounds": 2}),
        ("new Tighten this --rounds=2 --private", "new", {"brief": "Tighten this", "rounds": 2, "private": True}),
        ("new Tighten this —rounds 2", "new", {"brief": "Tighten this", "rounds": 2}),
        ("new Tighten this rounds:2 model:opus", "new", {"brief": "Tighten this", "rounds": 2, "model": "opus"}),
        ('new Tighten --model "Claude Opus 4"', "new", {"brief": "Tighten", "model": "Claude Opus 4"}),
        ("new Tighten --model “Claude Opus 4”", "new", {"brief": "Tighten", "model": "Claude Opus 4"}),
        ("new Tighten --good-enough 8,5", "new", {"brief": "Tighten", "good-enough": 8.5}),
        ("new About our --fancy dashes", "new", {"brief": "About our --fancy dashes"}),
        ("new Compare these: rounds:many", "new", {"brief": "Compare these: rounds:many"}),
        ("new see https://example.com/a:b", "new", {"brief": "see https://example.com/a:b"}),
        ("new Tighten --show FULL", "new", {"brief": "Tighten", "show": "full"}),
        ("new", "new", {}),
        ("status", "status", {}),
        ("stop s_abc", "stop", {"session": "s_abc"}),
        ("session rename Launch note", "rename", {"title": "Launch note"}),
        ("rename Launch note --session s_abc", "rename", {"title": "Launch note", "session": "s_abc"}),
        ("sessions --all", "sessions", {"all": True}),
    ],
)
def test_what_people_type(text: str, name: str, values: dict[str, object]) -> None:
    """Options stand anywhere, prose stays prose, line breaks survive."""
    invocation = _invocation(text)
    assert invocation.command.name == name
    assert invocation.values == values


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("strat", "There is no command 'strat'. Did you mean 'start'?"),
        ("new x --rounds 99", "rounds must be from 1 to 20, not 99."),
        ("new x --rounds two", "rounds must be a whole number, not 'two'."),
        ("new x --cap 0", "cap must be at least 0.01, not 0."),
        ("new x --cap much", "cap must be an amount, not 'much'."),
        ("new x --show loud", "show must be one of quiet, normal, full."),
        ("new x --rounds", "--rounds needs a value."),
        ("rename", "rename needs title: the new title."),
        ("sessions everything", "sessions takes no 'everything'."),
        ("sessions --everything", "sessions has no option 'everything'."),
        ("help strat", "There is no command 'strat'. Did you mean 'start'?"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, problem: str) -> None:
    """A mistake answers with what is wrong, never with a guess that costs money."""
    assert _help(text).problem == problem


@pytest.mark.parametrize(
    ("text", "unit", "microcredits"),
    [
        ("--cap 60", Unit.CREDITS, 60_000_000),
        ("--cap 0.60", Unit.DOLLARS, 60_000_000),
        ("--cap 0,6", Unit.DOLLARS, 60_000_000),
        ("--cap $0.60", Unit.CREDITS, 60_000_000),
        ("--cap $0.60", Unit.DOLLARS, 60_000_000),
        ("--cap 1,200", Unit.CREDITS, 1_200_000_000),
        ("--cap 1,200.5", Unit.CREDITS, 1_200_500_000),
        ("--cap $2,000", Unit.CREDITS, 200_000_000_000),
        ("--cap 0,600", Unit.DOLLARS, 60_000_000),
        ("--cap 12,00", Unit.CREDITS, 12_000_000),
        ("--cap 1,20,000", Unit.CREDITS, None),
        ("--cap $.6", Unit.DOLLARS, None),
    ],
)
def test_amounts_are_in_the_unit_that_people_see(text: str, unit: Unit, microcredits: int | None) -> None:
    """A bare number is credits where they are sold and dollars where nothing is; a dollar sign is plain everywhere."""
    given = parse_command(f"new x {text}")
    assert isinstance(given, Invocation) == (microcredits is not None)
    if isinstance(given, Invocation):
        assert given.money("cap", unit) == microcredits


@given(st.integers(0, 10**15), st.sampled_from(Unit))
def test_what_a_field_shows_is_read_back(microcredits: int, unit: Unit) -> None:
    """A form that is saved unchanged changes nothing, to the micro-credit."""
    assert unit.read(unit.write(microcredits)) == microcredits


def test_help_is_found() -> None:
    """Nothing, ``help`` and ``help new`` ask for help without a problem."""
    assert _help("") == HelpNeeded()
    assert _help("help") == HelpNeeded()
    assert _help("help new") == HelpNeeded("new")


def test_a_mention_without_a_verb_is_a_brief() -> None:
    """``@Atelier tighten this`` starts a session; a verb is still a verb."""
    assert _invocation("tighten this", otherwise="new").values == {"brief": "tighten this"}
    assert _invocation("pause", otherwise="new").command.name == "pause"


@given(st.text(max_size=400))
def test_any_text_is_understood_or_answered(text: str) -> None:
    """No text raises, with or without a default."""
    assert isinstance(parse_command(text), Invocation | HelpNeeded)
    assert isinstance(parse_command(text, otherwise="new"), Invocation | HelpNeeded)
