"""The table of models and the names that people use."""

from datetime import date
from decimal import Decimal

import pytest

from core.providers.base import Effort
from core.providers.catalogue import CacheMode, Catalogue, ModelSpec, Thinking
from core.providers.errors import UnknownModel

TODAY = date(2026, 11, 23)
AFTER_4O = date(2027, 1, 14)


@pytest.mark.parametrize(
    ("name", "model", "effort", "gone"),
    [
        ("Claude Opus 4", "claude-opus-5-5", Effort.NONE, True),
        ("claude-opus-4-20250514", "claude-opus-5-5", Effort.NONE, True),
        ("Claude Sonnet 4", "claude-sonnet-5-5", Effort.NONE, True),
        ("  sonnet 4 ", "claude-sonnet-5-5", Effort.NONE, True),
        ("Claude Sonnet 4 thinking", "claude-sonnet-5-5", Effort.MEDIUM, True),
        ("sonnet 4 (Thinking)", "claude-sonnet-5-5", Effort.MEDIUM, True),
        ("HAIKU", "claude-haiku-5-5", Effort.NONE, True),
        ("Claude 3.5 Haiku", "claude-haiku-5-5", Effort.NONE, True),
        ("Gemini 2.5 Pro", "gemini-2.5-pro", None, False),
        ("gemini-2.5-flash", "gemini-2.5-flash", None, False),
        ("2.5 Flash", "gemini-2.5-flash", None, False),
        ("Gemini 2.0 Flash", "gemini-3.5-flash-lite", Effort.NONE, True),
        ("GPT-4o", "gpt-4o", None, False),
        ("gpt 4o", "gpt-4o", None, False),
        ("4o-mini", "gpt-4o-mini", None, False),
        ("GPT-4o mini", "gpt-4o-mini", None, False),
        ("o1", "gpt-6.1-sol", Effort.HIGH, True),
        ("O1 mini", "gpt-6.1-terra", Effort.MEDIUM, True),
        ("o3-mini", "gpt-6.1-terra", Effort.MEDIUM, True),
        ("Opus 5.5", "claude-opus-5-5", None, False),
        ("anthropic/claude-haiku-5-5", "claude-haiku-5-5", None, False),
        ("rehearsal", "rehearsal", None, False),
    ],
)
def test_names_that_people_use(
    catalogue: Catalogue, name: str, model: str, effort: Effort | None, *, gone: bool
) -> None:
    """A name means a model of today, carries its thinking setting, and says so when another model answers."""
    found = catalogue.resolve(name, today=TODAY)
    assert (found.spec.id, found.effort) == (model, effort)
    assert (found.notice is not None) is gone
    if found.notice is not None:
        assert found.spec.name in found.notice


def test_a_model_is_replaced_from_its_last_day_on(catalogue: Catalogue) -> None:
    """A model answers until its end of life; from that day on its replacement does, and that is said."""
    assert catalogue.resolve("gpt-4o", today=date(2027, 1, 13)).spec.id == "gpt-4o"
    found = catalogue.resolve("gpt-4o", today=AFTER_4O)
    assert (found.spec.id, found.effort) == ("gpt-6.1-sol", Effort.NONE)
    assert found.notice == "GPT-4o was switched off by its provider on 2027-01-14; GPT-6.1 Sol answers instead."


def test_an_unknown_name_names_the_nearest(catalogue: Catalogue) -> None:
    """An unknown model is an error that names those that may be meant, nearest first."""
    with pytest.raises(UnknownModel) as raised:
        catalogue.resolve("claude sonet 5.5", today=TODAY)
    assert raised.value.known[0] == "claude-sonnet-5-5"
    with pytest.raises(UnknownModel):
        catalogue.get("claude-sonnet-4")


def test_no_alias_leads_to_a_dead_model(catalogue: Catalogue) -> None:
    """Whatever people type leads to a model that answers today, now and after the announced ends of life."""
    for today in (TODAY, date(2027, 6, 1)):
        for name in catalogue.names():
            assert not catalogue.resolve(name, today=today).spec.is_over(today)


def test_capabilities_are_data(catalogue: Catalogue) -> None:
    """Models that always think take no budget, and only Anthropic's and the newer OpenAI models charge for writes."""
    assert catalogue.get("claude-sonnet-5-5").thinking is Thinking.ALWAYS
    assert [spec.id for spec in catalogue.list("google") if spec.cache.writes_cost_extra] == []
    assert catalogue.get("gpt-6.1-sol").cache.writes_cost_extra
    assert not catalogue.get("gpt-4o").cache.writes_cost_extra
    assert catalogue.get("claude-sonnet-5-5").cache.write_factor == Decimal("1.25")
    assert catalogue.get("claude-sonnet-5-5").cache.read_factor == Decimal("0.05")
    assert not catalogue.get("gpt-4o-mini").edit_ops


def test_every_grade_has_a_peer(catalogue: Catalogue) -> None:
    """For every model of a provider each other provider has one that may stand in, of the same grade where it has one."""
    for provider in ("anthropic", "google", "openai"):
        for spec in catalogue.list(provider):
            for other in {"anthropic", "google", "openai"} - {provider}:
                peer = catalogue.peer(spec, other)
                assert peer is not None
                assert peer.provider == other
                assert not peer.is_over(date(2027, 6, 1))


def test_a_model_of_ones_own(catalogue: Catalogue) -> None:
    """A model that an operator named is known, costs the ceiling he set, and claims no cache and no thinking."""
    grown = catalogue.with_custom("llama3.1:8b", input_dollars=Decimal(1), output_dollars=Decimal(2))
    spec = grown.get("llama3.1:8b")
    assert spec.custom
    assert (spec.cache.mode, spec.thinking) == (CacheMode.NONE, Thinking.NONE)
    assert spec.price(TODAY, 10**6).output == Decimal(2)
    assert grown.resolve("o1", today=TODAY).spec.id == "gpt-6.1-sol"
    with pytest.raises(UnknownModel):
        catalogue.get("llama3.1:8b")


def test_a_table_that_contradicts_itself(catalogue: Catalogue) -> None:
    """A replacement that nobody knows is found when the table is read, not when the model dies."""
    row = catalogue.get("gpt-4o")
    broken = ModelSpec(row.id, row.provider, row.name, 1, 1, row.prices, replacement="gpt-7")
    with pytest.raises(ValueError, match="unknown replacement gpt-7"):
        Catalogue([broken])._check()
