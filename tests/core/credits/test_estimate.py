"""The quote: what normal sessions cost lies inside it, and a cap at its top does not cut them short."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.casts.catalogue import load_cast
from core.casts.model import Cast
from core.credits.estimate import Job, Quote, Range, estimate, find_draft_words, make_job
from core.credits.tariff import Tariff
from core.credits.tiers import load_price_list
from core.money import MICROCREDITS_PER_CREDIT
from core.providers.base import Effort
from core.providers.catalogue import Catalogue, ModelSpec
from tests.core.credits.sessions import AT, SENTENCE, Habits, NormalSession, make_document

CATALOGUE = Catalogue.load()
TARIFF = Tariff(load_price_list())
STANDARD = load_cast("standard")
SONNET = CATALOGUE.get("claude-sonnet-5-5")
PAID = [spec for spec in CATALOGUE.list() if spec.provider != "rehearsal"]
NORMAL = st.builds(
    Habits,
    notes=st.floats(0.6, 1.6),
    edited=st.floats(0.08, 0.25),
    thinking=st.floats(0.0, 0.25),
    token_factor=st.floats(0.7, 0.95),
    stays_warm=st.booleans(),
)


def quote_of(session: NormalSession, *, max_rounds: int) -> Quote:
    cast = with_rounds(session.cast, max_rounds)
    job = make_job(
        cast=cast,
        chains={role.key: (session.spec,) for role in cast.roles},
        brief=session.brief,
        document=session.document,
        references=session.references,
    )
    return estimate(job, TARIFF, at=AT)


def with_rounds(cast: Cast, rounds: int) -> Cast:
    return replace(cast, stop=replace(cast.stop, max_rounds=rounds))


def with_editors(cast: Cast, number: int) -> Cast:
    pattern = cast.editors[0]
    editors = tuple(replace(pattern, key=f"editor_{index}") for index in range(number))
    return replace(cast, roles=(cast.writer, *editors, cast.synthesizer))


@st.composite
def normal_sessions(draw: st.DrawFn) -> NormalSession:
    has_upload = draw(st.booleans())
    draft_words = draw(st.integers(300, 1_000))
    reference_words = draw(st.sampled_from([0, 0, 500, 4_000]))
    return NormalSession(
        cast=with_editors(STANDARD, draw(st.integers(1, 5))),
        spec=draw(st.sampled_from(PAID)),
        document=make_document(draw(st.integers(150, 4_000))) if has_upload else None,
        brief=draw(st.sampled_from(["", SENTENCE * 3])) if has_upload else SENTENCE * 3,
        references=(SENTENCE * (reference_words // 17),) if reference_words else (),
        rounds=draw(st.integers(1, 4)),
        draft_words=draft_words,
        habits=draw(NORMAL),
    )


@given(session=normal_sessions(), spare_rounds=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_what_a_normal_session_costs_lies_inside_its_quote(session: NormalSession, spare_rounds: int) -> None:
    """Whatever the models, the sizes, the rounds and the luck with caches."""
    quote = quote_of(session, max_rounds=session.rounds + spare_rounds)
    spent = sum(
        TARIFF.charge_microcredits(session.spec, call.usage, at=AT) for phase in session.phases() for call in phase
    )
    assert quote.low_microcredits <= spent <= quote.high_microcredits


def replies_that_fit(session: NormalSession, cap: int) -> Iterator[bool]:
    """Yield for each turn whether its hold under *cap* leaves room for its reply, as a worker would take it."""
    spent = 0
    for phase in session.phases():
        held = 0
        for call in phase:
            room = cap - spent - held
            tokens = TARIFF.affordable_output_tokens(
                [session.spec], input_tokens=call.prompt_tokens, budget_microcredits=max(0, room), at=AT
            )
            tokens = min(tokens, call.role.max_output_tokens)
            yield tokens >= call.usage.output_tokens
            held += TARIFF.hold_microcredits(
                [session.spec], input_tokens=call.prompt_tokens, max_output_tokens=tokens, at=AT
            )
        spent += sum(TARIFF.charge_microcredits(session.spec, call.usage, at=AT) for call in phase)


@given(session=normal_sessions())
@settings(max_examples=40, deadline=None)
def test_a_cap_at_the_top_cuts_no_normal_session_short(session: NormalSession) -> None:
    """Every turn of a session that runs all its rounds finds room for its whole reply."""
    quote = quote_of(session, max_rounds=session.rounds)
    assert all(replies_that_fit(session, quote.high_microcredits))


def job(**changes: object) -> Job:
    chains = {role.key: (SONNET,) for role in STANDARD.roles}
    return replace(Job(cast=STANDARD, chains=chains, document_tokens=2_600), **changes)  # type: ignore[arg-type]


def test_the_parts_of_a_quote_add_up() -> None:
    """The low end is the reading and one round; the high end is every round, and what must be set aside besides."""
    quote = estimate(job(), TARIFF, at=AT)
    assert list(quote.by_round) == [0, 1, 2, 3]
    assert quote.low_microcredits == sum(quote.by_round[number].low_microcredits for number in (0, 1))
    assert quote.low_microcredits == sum(part.low_microcredits for part in quote.by_role.values())
    rounds = sum(part.high_microcredits for part in quote.by_round.values())
    assert rounds == sum(part.high_microcredits for part in quote.by_role.values())
    assert rounds <= quote.high_microcredits <= rounds * Decimal("1.3")
    assert set(quote.by_role) == {role.key for role in STANDARD.roles}
    facts = quote.assumptions
    assert (facts.reading, facts.low_rounds, facts.high_rounds, facts.editors) == (True, 1, 3, 3)
    assert facts.models == ("claude-sonnet-5-5",)


@given(
    tokens=st.integers(0, 50_000),
    references=st.integers(0, 50_000),
    spec=st.sampled_from(CATALOGUE.list()),
    effort=st.sampled_from(Effort),
    notes_only=st.booleans(),
    data=st.data(),
)
@settings(max_examples=80, deadline=None)
def test_more_work_never_costs_less(
    *, tokens: int, references: int, spec: ModelSpec, effort: Effort, notes_only: bool, data: st.DataObject
) -> None:
    """A longer document, more references, editors or rounds never lower either end; low is at most high."""
    chains = {role.key: (spec,) for role in with_editors(STANDARD, 9).roles}
    small = Job(
        cast=with_editors(STANDARD, 3),
        chains=chains,
        document_tokens=tokens,
        reference_tokens=references,
        effort=effort,
        notes_only=notes_only and tokens > 0,
        first_round=0 if tokens else 1,
    )
    bigger = data.draw(
        st.sampled_from(
            [
                replace(small, reference_tokens=references + 5_000),
                replace(small, cast=with_editors(STANDARD, 4)),
                replace(small, cast=with_rounds(small.cast, 4)),
                replace(small, document_tokens=tokens + (5_000 if tokens else 0)),
            ]
        )
    )
    one, other = estimate(small, TARIFF, at=AT), estimate(bigger, TARIFF, at=AT)
    assert one.low_microcredits <= one.high_microcredits
    assert all(part.low_microcredits <= part.high_microcredits for part in one.by_round.values())
    assert one.high_microcredits <= other.high_microcredits
    # A prefix that grows past the least that is cached gets cheaper to read.
    assert bigger.reference_tokens > references or one.low_microcredits <= other.low_microcredits * Decimal("1.2")


def test_notes_only_is_the_reading_alone() -> None:
    """A critique without rewriting costs round 0 and nothing else."""
    quote = estimate(job(notes_only=True), TARIFF, at=AT)
    assert list(quote.by_round) == [0]
    assert quote.by_role["writer"] == Range(0, 0)
    assert quote.low_microcredits == quote.by_round[0].low_microcredits


def test_one_more_round_is_priced_alone() -> None:
    """Going on with a session prices the rounds to come, with a Writer that answers notes."""
    quote = estimate(job(first_round=4, last_round=4), TARIFF, at=AT)
    assert list(quote.by_round) == [4]
    assert quote.low_microcredits == quote.by_round[4].low_microcredits
    assert not quote.assumptions.reading


def test_no_round_has_no_price() -> None:
    """A session that may not run any round cannot be quoted."""
    with pytest.raises(ValueError, match="no round"):
        estimate(job(first_round=4), TARIFF, at=AT)


def test_a_dear_fallback_raises_the_top_only() -> None:
    """The top leaves room to set aside for the dearest of the chain; what is expected is the preferred one."""
    plain = estimate(job(), TARIFF, at=AT)
    opus = CATALOGUE.get("claude-opus-5-5")
    guarded = estimate(job(chains={role.key: (SONNET, opus) for role in STANDARD.roles}), TARIFF, at=AT)
    assert guarded.low_microcredits == plain.low_microcredits
    assert guarded.by_round == plain.by_round
    assert guarded.high_microcredits > plain.high_microcredits


def test_three_small_files_a_month_are_free() -> None:
    """A document of a page or two, with the default cast and models, fits Free three times over."""
    month = load_price_list().tier("free").microcredits_month
    for provider in ("anthropic", "google", "openai"):
        spec = CATALOGUE.default(provider)
        assert spec is not None
        session = NormalSession(STANDARD, spec, make_document(700), rounds=3)
        spent = sum(TARIFF.charge_microcredits(spec, call.usage, at=AT) for phase in session.phases() for call in phase)
        assert 3 * spent <= month
        assert spent > MICROCREDITS_PER_CREDIT


@pytest.mark.parametrize(
    ("brief", "words"),
    [
        ("Write about 1,200 words on bees.", 1_200),
        ("an 800-word post, or 1000 words if needed", 1_000),
        ("Schreib 1.500 Wörter", 1_500),
        ("2 000 mots", 2_000),
        ("Our 3 products in 2026", None),
        ("", None),
    ],
)
def test_a_length_in_the_brief_is_heard(brief: str, words: int | None) -> None:
    """The largest number of words that a brief names."""
    assert find_draft_words(brief) == words
