"""What a template says where somebody says nothing, and what ships."""

from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.casts.catalogue import load_cast
from core.sessions.errors import TextsForgotten
from core.sessions.model import ThreadRef
from core.sessions.requests import NewSession, Upload, with_notes, without_notes
from core.sessions.templates import Templates, apply_template, shipped_templates
from core.workspaces.errors import NameTaken
from core.workspaces.model import Template, Verbosity
from storage.database import Database
from tests.core.orchestration.harness import MEMBER, WORKSPACE, Harness
from tests.fakes.clock import FakeClock
from tests.fakes.model import ScriptedModel, helpful

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_EMPTY = NewSession(WORKSPACE, MEMBER, ThreadRef("fake", "c1"))
_CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "editors": st.integers(1, 12),
        "rounds": st.integers(1, 20),
        "threshold": st.floats(0, 10),
        "model": st.sampled_from(["claude-opus-5-5", "gpt-6"]),
        "cap_microcredits": st.integers(1, 10**9),
        "language": st.sampled_from(["en", "de"]),
        "verbosity": st.sampled_from(Verbosity),
        "notes_only": st.just(value=True),
    },
)


@pytest.fixture
async def house(memory_store: Database) -> Harness:
    harness = Harness(memory_store, FakeClock(auto=True), ScriptedModel(helpful({0: 6.0, 1: 8.0, 2: 9.0})))
    await harness.found()
    return harness


@given(_CHOICES, _CHOICES)
def test_what_somebody_says_wins(said: dict[str, object], kept: dict[str, object]) -> None:
    """Whatever they leave open is the template's, and what neither says stays open; nothing else changes."""
    new = replace(_EMPTY, brief="Mine.", **said)  # type: ignore[arg-type]  # drawn by name
    template = Template("t_1", WORKSPACE, "T", _NOW, "t", brief="Theirs.", **kept)  # type: ignore[arg-type]  # the same
    applied = apply_template(template, new)
    for field in fields(NewSession):
        if field.name == "preface":
            assert applied.preface == "Theirs."
        elif field.name in said:
            assert getattr(applied, field.name) == said[field.name]
        elif field.name in kept:
            assert getattr(applied, field.name) == kept[field.name]
        else:
            assert getattr(applied, field.name) == getattr(new, field.name)


def test_editors_belong_to_their_team() -> None:
    """Another team brings its own number of editors."""
    template = Template("t_1", WORKSPACE, "T", _NOW, "t", team="technical", editors=5)
    assert apply_template(template, _EMPTY).editors == 5
    assert apply_template(template, replace(_EMPTY, cast="technical")).editors == 5
    assert apply_template(template, replace(_EMPTY, cast="quick")).editors is None


@given(st.text(max_size=40).map(str.strip), st.text(min_size=1, max_size=40).map(str.strip).filter(bool))
def test_notes_on_references_come_off_again(brief: str, notes: str) -> None:
    """A brief and how to use the files are told apart when a template is saved."""
    assert without_notes(with_notes(brief, notes)) == (brief, notes)
    assert without_notes(brief) == (brief, "")


def test_what_ships_can_be_used() -> None:
    """Every team exists, names differ, and every one has words."""
    known = shipped_templates()
    assert {"Tighten", "Proofread", "Press release", "Blog post", "Release notes"} <= {one.name for one in known}
    assert len({one.key for one in known}) == len({one.id for one in known}) == len(known)
    for template in known:
        assert template.brief == template.brief.strip() != ""
        assert not template.team or load_cast(template.team).key == template.team
        assert (template.workspace_id, template.made_by) == ("", "")


async def test_a_session_begun_anew_is_begun_the_same(house: Harness) -> None:
    """A template of a session gives a session with the same brief, team, rounds and settings; the cap is its own."""
    templates = Templates(store=house.store, clock=house.clock)
    asked = house.request(
        brief=with_notes("Tighten this.", "House style"), references=(Upload("style.md", b"Plain words."),), editors=2
    )
    first = await house.service.create(replace(asked, verbosity=Verbosity.FULL, language="de"))
    template = await templates.save(first, "Ours", actor=MEMBER)
    assert (template.brief, template.reference_notes) == ("Tighten this.", "House style")
    again = await house.service.create(
        apply_template(template, replace(_EMPTY, upload=Upload("report.md", b"# Another\n\nText.\n")))
    )
    assert (again.brief, again.cast, again.model, again.verbosity, again.language) == (
        "Tighten this.", first.cast, first.model, Verbosity.FULL, "de",
    )  # fmt: skip
    assert template.cap_microcredits is None


async def test_a_cap_below_the_quote_is_kept(house: Harness) -> None:
    """It was meant: any other is the quote's own upper end."""
    templates = Templates(store=house.store, clock=house.clock)
    session = await house.service.create(house.request(cap_microcredits=1_000_000))
    assert (await templates.save(session, "Cheap", actor=MEMBER)).cap_microcredits == 1_000_000


async def test_names_are_unique_and_go_before_what_ships(house: Harness) -> None:
    """A workspace's own Tighten is the one that is found, until it is deleted."""
    templates = Templates(store=house.store, clock=house.clock)
    session = await house.service.create(house.request())
    own = await templates.save(session, "TIGHTEN", actor=MEMBER)
    with pytest.raises(NameTaken):
        await templates.save(session, "tighten", actor=MEMBER)
    assert await templates.find(WORKSPACE, "Tighten") == own
    assert [one.key for one in await templates.list_for(WORKSPACE)].count("tighten") == 1
    assert (await templates.find("fake:w2", "tighten")).workspace_id == ""
    await templates.delete(own, actor=MEMBER)
    await templates.delete(own, actor=MEMBER)
    assert (await templates.find(WORKSPACE, "tighten")).workspace_id == ""


async def test_a_forgotten_session_is_no_template(house: Harness) -> None:
    """There is nothing left to keep."""
    session = await house.begin()
    assert (await house.run(session.id))["reason"] == "rounds"
    await house.service.forget_texts(session.id, actor=MEMBER)
    with pytest.raises(TextsForgotten):
        await Templates(store=house.store, clock=house.clock).save(
            await house.service.get(session.id), "Ours", actor=MEMBER
        )


async def test_the_title_is_of_the_brief(house: Harness) -> None:
    """Not of the template's words, which would be the same each time."""
    template = shipped_templates()[3]
    session = await house.service.create(apply_template(template, replace(_EMPTY, brief="We sell tea now.")))
    assert session.title == "We sell tea now."
    assert session.brief == f"{template.brief}\n\nWe sell tea now."
