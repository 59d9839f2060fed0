"""What a session costs stays well under half, and Free's month stays worth something."""

import pytest

from benchmarks.cache_rules import MAX_BREAKPOINTS
from benchmarks.cost import (
    DOCUMENT_TOKENS,
    REFERENCE_TOKENS,
    compare,
    goal_setting,
    make_report,
    sample_credits,
    usages_of,
)
from benchmarks.cost_session import document_of, play, revised, text_of
from core.credits.tiers import FREE, load_price_list
from core.documents.edits import Edit, EditOp, apply_edits
from core.providers.catalogue import Catalogue
from core.providers.tokens import estimate_tokens

CATALOGUE = Catalogue.load()
SONNET = CATALOGUE.get("claude-sonnet-5-5")
THINKING_TOKENS = 100  # a turn, at low effort: between none and a third of the reply (core.credits.profiles)


def test_the_goal_is_met() -> None:
    """The session of the goal costs at most 0.40 of the naive price on Anthropic and OpenAI."""
    ratio = make_report()["ratio"]
    assert ratio["anthropic"] <= 0.40
    assert ratio["openai"] <= 0.40
    assert ratio["google"] < 1.0


def test_the_report_is_deterministic() -> None:
    """Two runs say the same."""
    assert compare(SONNET, goal_setting()) == compare(SONNET, goal_setting())


@pytest.mark.parametrize("tokens", [REFERENCE_TOKENS, DOCUMENT_TOKENS])
def test_sizes_are_as_said(tokens: int) -> None:
    """References and document have the size that the goal names, within two in a hundred."""
    assert estimate_tokens(text_of(tokens)) == pytest.approx(tokens, rel=0.02)
    assert estimate_tokens(document_of(tokens).markdown) == pytest.approx(tokens, rel=0.02)


def test_calls_are_those_of_the_session() -> None:
    """A reading and three rounds make 4 + 3 x 5 calls; nobody asks before the one before him has answered."""
    calls = play(goal_setting(), atelier=True, leads=True)
    assert len(calls) == 4 + 3 * 5
    assert [call.at for call in calls] == sorted(call.at for call in calls)
    assert max(sum(piece.breakpoint for piece in call.pieces) for call in calls) <= MAX_BREAKPOINTS


def test_a_round_shares_its_prefix() -> None:
    """Everybody who reads one version is asked with the same words up to the document's end."""
    reading = play(goal_setting(), atelier=True)[:4]
    shared = {call.pieces[:-1] for call in reading}
    assert len(shared) == 1
    assert len({call.pieces[-1] for call in reading}) == 4


def test_a_later_round_reads_what_an_earlier_one_wrote() -> None:
    """Where one editor leads, the document is written once a round and the references once a session."""
    usages = usages_of(SONNET, goal_setting(), atelier=True)
    written = [usage.cache_write_5m_tokens for usage in usages if usage.cache_write_5m_tokens]
    assert len(written) == 4
    assert max(written[1:]) < written[0] / 2


def test_a_revision_applies() -> None:
    """The simulated Writer's edits are edits that Atelier would apply, about a seventh of the document."""
    before = document_of(DOCUMENT_TOKENS)
    after, changed = revised(before, 1)
    edits = [Edit(EditOp.REPLACE, before.by_id[block.id].ref, block.markdown) for block in changed]
    assert apply_edits(before, edits).markdown == after.markdown
    assert len(changed) / len(before.blocks) == pytest.approx(0.15, abs=0.02)


def test_free_covers_three_samples() -> None:
    """Free's monthly credits pay for the demo's session three times over, low thinking included, on any default model."""
    priced = sample_credits(CATALOGUE, reasoning_tokens=THINKING_TOKENS)
    assert len(priced) == 3
    assert 3 * max(priced.values()) <= load_price_list().tier(FREE).credits_month
