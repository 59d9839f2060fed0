"""What a session costs: ``python -m benchmarks.cost [--json]``. Deterministic, offline, no key.

The session of the goal: an upload of 4,000 tokens, references of 8,000, 3 rounds, 3 editors; the prompts that Atelier
builds against a naive room's, each priced under its provider's cache rules and today's list. The ratio is that of the
whole bills, answers included. The same without an upload (the Writer drafts), and the session of ``make demo`` in credits.

Tokens that models think before they answer are left out unless ``--reasoning-tokens`` says how many a turn: both rooms
pay them alike.
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from benchmarks.cache_rules import AutomaticCache, Cache, ExplicitCache
from benchmarks.cost_session import Setting, document_of, play, text_of
from benchmarks.harness import Table, show
from core.agents.context import Reference
from core.casts.catalogue import load_cast
from core.credits.tariff import Tariff
from core.credits.tiers import FREE, load_price_list
from core.documents.readers import docx
from core.money import microcredits_to_credits
from core.providers.base import Usage
from core.providers.catalogue import CacheMode, Catalogue, ModelSpec
from core.providers.pricing import cost_dollars

PRICED_AT = datetime(2026, 11, 23, tzinfo=UTC)  # the day of the price list, so that the numbers can be compared
REFERENCE_TOKENS = 8_000
DOCUMENT_TOKENS = 4_000
SAMPLES = Path(__file__).parent.parent / "samples"
PROVIDERS = ("anthropic", "openai", "google")
_SAMPLES_FREE = 3  # what Free promises a month; see decision 0043
_MINUTES_5, _MINUTES_10, _MINUTES_30 = 300.0, 600.0, 1800.0
_CLAUDE_LOOK_BACK = 20
_OPENAI_STEP = 128


def cache_of(spec: ModelSpec) -> Cache:
    """Return the cache rules of *spec*'s provider, with the model's own minimum."""
    minimum = spec.cache.min_tokens
    if spec.cache.mode is CacheMode.EXPLICIT and spec.provider == "anthropic":
        return ExplicitCache(minimum, _MINUTES_5, look_back=_CLAUDE_LOOK_BACK)
    if spec.cache.mode is CacheMode.EXPLICIT:
        return ExplicitCache(minimum, _MINUTES_30, marks_end=True)
    return AutomaticCache(minimum, _MINUTES_10, step=_OPENAI_STEP if spec.provider == "openai" else 1)


def goal_setting(*, reasoning_tokens: int = 0) -> Setting:
    """Return the session that the goal names."""
    return Setting(
        cast=load_cast("standard"),
        brief="Make it clear enough that a busy board says yes: plain words, short sentences, one claim a paragraph.",
        references=(Reference("figures.md", text_of(REFERENCE_TOKENS)),),
        document=document_of(DOCUMENT_TOKENS),
        reasoning_tokens=reasoning_tokens,
    )


def usages_of(spec: ModelSpec, setting: Setting, *, atelier: bool) -> Sequence[Usage]:
    """Return the usage of every call of a session on *spec*."""
    calls = play(setting, atelier=atelier, leads=atelier and spec.cache.writes_cost_extra)
    return cache_of(spec).bill(calls)


def price(spec: ModelSpec, usages: Sequence[Usage]) -> Decimal:
    """Return the list price of a session in US dollars."""
    return sum((cost_dollars(spec, usage, at=PRICED_AT) for usage in usages), Decimal(0))


def compare(spec: ModelSpec, setting: Setting) -> dict[str, Any]:
    """Return what *setting* costs on *spec*, as Atelier asks and naively, and the ratio of the two."""
    naive, mine = (usages_of(spec, setting, atelier=atelier) for atelier in (False, True))
    naive_dollars, dollars = price(spec, naive), price(spec, mine)
    total, naive_total = sum(mine, Usage()), sum(naive, Usage())
    return {
        "model": spec.id,
        "naive_dollars": round(float(naive_dollars), 4),
        "dollars": round(float(dollars), 4),
        "ratio": round(float(dollars / naive_dollars), 3),
        "naive_input_tokens": naive_total.input_tokens,
        "naive_output_tokens": naive_total.output_tokens,
        "input_tokens": total.input_tokens,
        "cache_read_tokens": total.cache_read_tokens,
        "cache_write_tokens": total.cache_write_5m_tokens,
        "output_tokens": total.output_tokens,
    }


def sample_credits(catalogue: Catalogue, *, reasoning_tokens: int = 0) -> dict[str, float]:
    """Return what the session of the demo costs on each provider's default model, all three rounds, in credits."""
    setting = Setting(
        cast=load_cast("standard"),
        brief=(SAMPLES / "brief.txt").read_text(),
        references=(),
        document=docx.read((SAMPLES / "proposal.docx").read_bytes(), name="proposal.docx"),
        reasoning_tokens=reasoning_tokens,
    )
    tariff = Tariff(load_price_list())
    found: dict[str, float] = {}
    for spec in filter(None, map(catalogue.default, PROVIDERS)):
        charges = (
            tariff.charge_microcredits(spec, usage, at=PRICED_AT) for usage in usages_of(spec, setting, atelier=True)
        )
        found[spec.id] = round(float(microcredits_to_credits(sum(charges))), 1)
    return found


def make_report(*, reasoning_tokens: int = 0) -> dict[str, Any]:
    """Return the whole report; see the module."""
    catalogue = Catalogue.load()
    upload = goal_setting(reasoning_tokens=reasoning_tokens)
    draft = replace(upload, drafts=True)
    defaults = {provider: catalogue.default(provider) for provider in PROVIDERS}
    priced = [spec for spec in catalogue.list() if spec.provider in PROVIDERS]
    rows = {spec.id: compare(spec, upload) for spec in priced}
    return {
        "ratio": {provider: rows[spec.id]["ratio"] for provider, spec in defaults.items() if spec},
        "ratio_without_upload": {
            provider: compare(spec, draft)["ratio"] for provider, spec in defaults.items() if spec
        },
        "models": list(rows.values()),
        "sample_credits": sample_credits(catalogue, reasoning_tokens=reasoning_tokens),
        "free_credits_month": load_price_list().tier(FREE).credits_month,
        "reasoning_tokens": reasoning_tokens,
    }


def as_table(report: dict[str, Any]) -> Table:
    """Return *report* for people."""
    table = Table(
        ("model", "naive $", "Atelier $", "ratio", "input", "of it cached", "of it written", "output", "naive")
    )
    for row in report["models"]:
        table = table.with_row(
            row["model"],
            *(row[name] for name in ("naive_dollars", "dollars", "ratio", "input_tokens", "cache_read_tokens")),
            *(row[name] for name in ("cache_write_tokens", "output_tokens", "naive_output_tokens")),
        )
    return table


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one object on one line")
    parser.add_argument("--reasoning-tokens", type=int, default=0, help="what a model thinks before each answer")
    options = parser.parse_args()
    report = make_report(reasoning_tokens=options.reasoning_tokens)
    show(as_table(report), report, as_json=options.json)
    if not options.json:
        for name, title in (("ratio", "with an upload"), ("ratio_without_upload", "from a brief alone")):
            print(f"\n{title}:", ", ".join(f"{provider} {ratio:.3f}" for provider, ratio in report[name].items()))
        priced = ", ".join(f"{amount} on {model}" for model, amount in report["sample_credits"].items())
        print(f"\nthe demo's session in credits: {priced}; Free has {report['free_credits_month']} a month")
    dearest = max(report["sample_credits"].values())
    if _SAMPLES_FREE * dearest > report["free_credits_month"]:
        raise SystemExit(f"Free no longer covers {_SAMPLES_FREE} sample sessions a month: one costs {dearest} credits")


if __name__ == "__main__":
    _main()
