"""Casts: what ships, what a TOML text may say, and what is stored."""

import json
import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.casts.catalogue import DEFAULT_CAST, cast_from_json, cast_to_json, list_casts, load_cast, parse_cast
from core.casts.editors import with_editors
from core.casts.errors import CastInvalid, CastUnknown
from core.casts.model import Cast, Phase, StopRule
from core.casts.schema import MAX_EDITORS

_KEYS = [cast.key for cast in list_casts()]


def _luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _text(**changes: object) -> str:
    role = 'instructions = "Work."\n'
    criteria = '[[roles.criteria]]\nkey = "a"\nasks = "Good?"\n'
    lines = {
        "head": 'key = "mine"\nname = "Mine"\n',
        "writer": f'[[roles]]\nkey = "w"\nname = "W"\nphase = "writer"\nemoji = "✍️"\ncolour = "#111111"\n{role}',
        "editor": f'[[roles]]\nkey = "e"\nname = "E"\nphase = "editor"\nemoji = "🧭"\ncolour = "#222222"\n{role}{criteria}',
        "end": f'[[roles]]\nkey = "s"\nname = "S"\nphase = "synthesizer"\nemoji = "⚖️"\ncolour = "#333333"\n{role}{criteria}',
    }
    return "".join(str(value) for value in {**lines, **changes}.values())


def test_standard_comes_first_and_has_the_five_built_in_roles() -> None:
    """The default cast is the five roles of the product, in the order of a round."""
    names = [role.name for role in list_casts()[0].roles]

    assert names == ["Writer", "Content editor", "Style editor", "Fact checker", "Synthesizer"]
    assert load_cast(DEFAULT_CAST).stop == StopRule(threshold=8.0, max_rounds=3, plateau_rounds=2, gain=0.1)


@pytest.mark.parametrize("key", _KEYS)
def test_a_file_is_named_after_its_cast(key: str) -> None:
    """The key of a cast is the name of its file, so that people find the file."""
    text = resources.files("core.casts").joinpath("shipped", f"{key}.toml").read_text(encoding="utf-8")

    assert tomllib.loads(text)["key"] == key


@pytest.mark.parametrize("key", _KEYS)
def test_instructions_are_prompts_and_not_labels(key: str) -> None:
    """Every shipped role says in several sentences what it does."""
    assert all(len(role.instructions.split()) >= 30 for role in load_cast(key).roles)


@pytest.mark.parametrize("key", _KEYS)
def test_colours_can_carry_white_text(key: str) -> None:
    """Every colour has a contrast of at least 4.5 with white (WCAG 2.2, 1.4.3)."""
    roles = with_editors(load_cast(key), MAX_EDITORS).roles

    assert [role.colour for role in roles if 1.05 / (_luminance(role.colour) + 0.05) < 4.5] == []


def test_an_unknown_cast_is_named_with_those_that_exist() -> None:
    """Asking for a cast that does not exist says which do."""
    with pytest.raises(CastUnknown) as caught:
        load_cast("nobody")

    assert caught.value.known == tuple(_KEYS)


@pytest.mark.parametrize("key", _KEYS)
def test_a_cast_survives_storage(key: str) -> None:
    """What is stored with a session is JSON and gives the same cast again."""
    cast = with_editors(load_cast(key), 7)

    assert cast_from_json(json.loads(json.dumps(cast_to_json(cast)))) == cast


@given(key=st.sampled_from(_KEYS), count=st.integers(1, MAX_EDITORS))
def test_any_number_of_editors(key: str, count: int) -> None:
    """There are as many editors as asked, no two roles look alike, and one more editor changes none of the others."""
    cast = load_cast(key)
    sized = with_editors(cast, count)

    assert len(sized.editors) == count
    assert sized == with_editors(cast, count)
    for field in ("key", "name", "emoji", "colour"):
        assert len({getattr(role, field) for role in sized.roles}) == len(sized.roles)
    assert sized.editors[: len(cast.editors)] == cast.editors[:count]
    if count < MAX_EDITORS:
        assert with_editors(cast, count + 1).editors[:count] == sized.editors
    assert all(role.phase is Phase.EDITOR and role.criteria for role in sized.editors)


@pytest.mark.parametrize("count", [-1, 0, MAX_EDITORS + 1])
def test_too_few_or_too_many_editors_are_refused(count: int) -> None:
    """A cast has at least one editor and not more than anybody can follow."""
    with pytest.raises(CastInvalid):
        with_editors(load_cast("standard"), count)


def test_a_small_cast_is_enough() -> None:
    """A TOML text with one role of each phase is a cast."""
    cast = parse_cast(_text())

    assert isinstance(cast, Cast)
    assert [role.key for role in cast.roles] == ["w", "e", "s"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("key = ", "not TOML"),
        ("", "roles: Field required"),
        (_text(writer=""), "exactly one Writer"),
        (_text(editor=""), "1 to 40 editors"),
        (_text(editor=_text(head="", writer="", end="") * 2), "two roles share the key 'e'"),
        (_text(head='key = "mine"\nname = "Mine"\nspeed = 3\n'), "speed: Extra inputs are not permitted"),
        (_text(head='key = "Not good"\nname = "Mine"\n'), "key: String should match pattern"),
        (_text(editor=_text(head="", writer="", end="").replace("#222222", "green")), "roles.1.colour"),
        (_text(editor=_text(head="", writer="", end="").replace("🧭", ":compass:")), "roles.1.emoji"),
        (_text(editor=_text(head="", writer="", end="").replace("🧭", "(c)")), "is not an emoji"),
        (_text(editor=_text(head="", writer="", end="").replace("#222222", "#111111")), "share the colour"),
        (_text(editor=_text(head="", writer="", end="").split("[[roles.criteria]]")[0]), "at least one criterion"),
        (_text(editor=_text(head="", writer="", end="") + "weight = -1\n"), "weight: Input should be greater than 0"),
        (_text(head='key = "mine"\nname = "Mine"\n[stop]\nthreshold = 11\n'), "stop.threshold"),
        (_text(head='key = "mine"\nname = "Mine"\n[stop]\nthreshold = nan\n'), "stop.threshold"),
    ],
)
def test_what_is_wrong_is_named(text: str, says: str) -> None:
    """A cast that cannot be used says where and why."""
    with pytest.raises(CastInvalid) as caught:
        parse_cast(text)

    assert says in str(caught.value)


def test_roles_out_of_order_are_refused() -> None:
    """Roles stand in the order in which they act, so that a list of roles is the order of a round."""
    pieces = _text().split("[[roles]]")

    with pytest.raises(CastInvalid, match="order of a round"):
        parse_cast("[[roles]]".join([pieces[0], pieces[2], pieces[1], pieces[3]]))
