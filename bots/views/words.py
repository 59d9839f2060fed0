"""The small change of every view: names, amounts, scores and counts in the words that people see."""

from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from core.casts.model import Cast, Phase, Role
from core.credits.estimate import Range
from core.money import CREDITS_PER_DOLLAR, Unit, microcredits_to_credits
from core.orchestration.ports import Snapshot
from core.sessions.model import WORKING, Desired, EndReason, ParkReason, Session, Status

_TENTH = Decimal("0.1")
_HUNDREDTH = Decimal("0.01")
_CENTS, _FINEST = 2, 4
_MINUTE = 60
_MOST_PEOPLE = 4
REHEARSAL = "rehearsal"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 comment``, ``3 comments``, ``no comments``."""
    many = plural or f"{noun}s"
    if number == 0:
        return f"no {many}"
    return f"{number:,} {noun if number == 1 else many}"


def amount(microcredits: int, rounding: str = ROUND_CEILING) -> str:
    """Return credits, finer the smaller they are: ``0.04``, ``2.5``, ``12``, ``1,240``; rounded up: no cost is hidden."""
    credits_ = microcredits_to_credits(microcredits)
    size = abs(credits_)
    step = _HUNDREDTH if size < 1 else _TENTH if size < 10 else Decimal(1)  # noqa: PLR2004 - see the examples
    rounded = credits_.quantize(step, rounding)
    whole = rounded == rounded.to_integral_value()
    return f"{rounded:,.0f}" if whole else f"{rounded.normalize():f}"


def left(microcredits: int, unit: Unit = Unit.CREDITS) -> str:
    """Return what somebody still has, with its unit, rounded down: nobody is promised what is not there.

    Below zero it is nothing; what is owed is said in words of its own.
    """
    microcredits = max(0, microcredits)
    if unit is Unit.DOLLARS:
        return dollars(microcredits, ROUND_FLOOR)
    return _credits(amount(microcredits, ROUND_FLOOR), dollars(microcredits, ROUND_FLOOR))


def exact(microcredits: int, unit: Unit = Unit.CREDITS, *, places: int = _FINEST) -> str:
    """Return ``1.20 ($0.0120)``: a hundredth of a credit, as columns of a receipt need it, to add up for the eye.

    Where nothing is sold it is the dollars alone, just as exact.

    Args:
        microcredits: The amount.
        unit: In which unit people see it.
        places: Decimals of the dollars, the same in all that is read together: see `places_of`.
    """
    credits_ = microcredits_to_credits(microcredits).quantize(_HUNDREDTH, ROUND_HALF_UP)
    shown = f"{'-' if credits_ < 0 else ''}${abs(credits_ / CREDITS_PER_DOLLAR):,.{places}f}"
    return shown if unit is Unit.DOLLARS else f"{credits_:,f} ({shown})"


def places_of(amounts: Iterable[int]) -> int:
    """Return the decimals that dollars need to be exact in all of *amounts* (micro-credits): cents if they can be."""
    finest = (microcredits_to_credits(one).quantize(_HUNDREDTH, ROUND_HALF_UP) for one in amounts)
    return _CENTS if all(one == one.to_integral_value() for one in finest) else _FINEST


def dollars(microcredits: int, rounding: str = ROUND_CEILING) -> str:
    """Return an amount in dollars and cents: ``$0.12``; rounded up: no cost is hidden."""
    rounded = (microcredits_to_credits(microcredits) / CREDITS_PER_DOLLAR).quantize(_HUNDREDTH, rounding)
    return f"{'-' if rounded < 0 else ''}${abs(rounded):,f}"


def money(microcredits: int, unit: Unit = Unit.CREDITS) -> str:
    """Return an amount with its unit: ``12 credits ($0.12)``, or ``$0.12`` where nothing is sold."""
    if unit is Unit.DOLLARS:
        return dollars(microcredits)
    return _credits(amount(microcredits), dollars(microcredits))


def exact_money(microcredits: int, unit: Unit = Unit.CREDITS, *, places: int = _FINEST) -> str:
    """Return an amount as exact as the lines that it sums up, with its unit: ``4.21 credits ($0.0421)``."""
    shown = exact(microcredits, unit, places=places)
    return shown if unit is Unit.DOLLARS else shown.replace(" (", " credits (", 1)


def spent_of(spent_microcredits: int, cap_microcredits: int, unit: Unit = Unit.CREDITS) -> str:
    """Return how much of the cap is used: ``10 of at most 40 credits ($0.10 of $0.40)``, or ``$0.10 of at most $0.40``."""
    spent, cap = dollars(spent_microcredits), dollars(cap_microcredits)
    if unit is Unit.DOLLARS:
        return f"{spent} of at most {cap}"
    return f"{amount(spent_microcredits)} of at most {amount(cap_microcredits)} credits ({spent} of {cap})"


def _credits(shown: str, in_dollars: str) -> str:
    return f"{shown} {'credit' if shown == '1' else 'credits'} ({in_dollars})"


def price_range(low_microcredits: int, high_microcredits: int, unit: Unit = Unit.CREDITS) -> str:
    """Return ``8 to 12 credits ($0.08 to $0.12)``, or one number where both ends read the same."""
    in_dollars = _span(dollars(low_microcredits), dollars(high_microcredits))
    if unit is Unit.DOLLARS:
        return in_dollars
    return _credits(_span(amount(low_microcredits), amount(high_microcredits)), in_dollars)


def round_price(price: Range | None, unit: Unit) -> str:
    """Return what one more round costs, as a sentence; empty where nobody can tell."""
    if price is None:
        return ""
    return f"One more round costs {price_range(price.low_microcredits, price.high_microcredits, unit)}."


def people(names: Iterable[str]) -> str:
    """Return ``Ann``, ``Ann and Bo``, ``Ann, Bo and 2 others``."""
    known = list(dict.fromkeys(names))
    if len(known) > _MOST_PEOPLE:
        known = [*known[: _MOST_PEOPLE - 1], count(len(known) - _MOST_PEOPLE + 1, "other")]
    return known[0] if len(known) == 1 else f"{', '.join(known[:-1])} and {known[-1]}" if known else ""


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def score(value: float | None) -> str:
    """Return ``7.8``, or a dash where nothing could be scored."""
    return "–" if value is None else f"{value:.1f}"  # noqa: RUF001 - a dash is meant


def score_line(scores: Iterable[float | None]) -> str:
    """Return ``6.1 > 7.0 > 7.8``, empty when there is none yet."""
    return " > ".join(score(value) for value in scores if value is not None)


def lower_first(text: str) -> str:
    """Return *text* as the rest of a sentence."""
    return f"{text[:1].lower()}{text[1:]}"


def duration(seconds: float) -> str:
    """Return ``45 s`` or ``3 min 5 s``."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    minutes, rest = divmod(whole, _MINUTE)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def role_name(role: Role) -> str:
    """Return what people call a role; the one who decides is the lead editor in every cast."""
    return "Lead editor" if role.phase is Phase.SYNTHESIZER else role.name


def signature(role: Role) -> str:
    """Return emoji and name: never the emoji alone."""
    return f"{role.emoji} {role_name(role)}".strip()


def find_role(cast: Cast, key: str) -> Role | None:
    """Return the role with *key*, None for one that left."""
    return next((role for role in cast.roles if role.key == key), None)


def name_of(cast: Cast, key: str) -> str:
    """Return emoji and name of the role with *key*, or the key of one that left."""
    role = find_role(cast, key)
    return signature(role) if role else key


def round_name(number: int) -> str:
    """Return ``Reading`` for round 0, which has no Writer, else ``Round 2``."""
    return "Reading" if number == 0 else f"Round {number}"


def editors_line(cast: Cast) -> str:
    """Return the editors by name, with their emoji."""
    return ", ".join(signature(role) for role in cast.editors)


def is_rehearsal(snapshot: Snapshot) -> bool:
    """Whether any of it was, or is going to be, the work of the rehearsal model, which must say so."""
    return snapshot.session.model.startswith(REHEARSAL) or any(turn.provider == REHEARSAL for turn in snapshot.turns)


def share_label(session: Session) -> str:
    """Return what the button says that posts a private session's result where it was asked for."""
    return f"Share to {session.origin_name or 'channel'}"


def limit_of(session: Session) -> str:
    """Return the score that is good enough, without a needless decimal: ``8`` or ``7.5``."""
    return f"{session.cast.stop.threshold:g}"


def state_line(snapshot: Snapshot) -> str:  # noqa: PLR0911 - one return a case
    """Return where the session stands, in one line."""
    session = snapshot.session
    if is_stopping(session):
        return "Stopping; the best version is kept"
    match session.status:
        case Status.DRAFT:
            return "Not started yet"
        case Status.QUEUED:
            return "Starts in a moment"
        case Status.RUNNING:
            return _working(snapshot)
        case Status.PAUSING:
            return "Pausing; what is being written is finished first"
        case Status.PAUSED:
            return "Paused"
        case Status.WAITING:
            return f"Waiting: {park_words(session.park_reason, snapshot.unit)}"
        case Status.STOPPED:
            return "Stopped"
        case Status.COMPLETED | Status.FAILED:
            return f"{_ENDED[session.status]}: {end_words(session)}"


_ENDED = {Status.COMPLETED: "Done", Status.FAILED: "Ended with an error"}


def is_stopping(session: Session) -> bool:
    """Return whether somebody stopped it a moment ago, and what runs is being cut."""
    return session.desired is Desired.STOP and session.status in WORKING


def _working(snapshot: Snapshot) -> str:
    session = snapshot.session
    running = [round_.number for round_ in snapshot.rounds if round_.finished_at is None]
    if not running and snapshot.rounds:
        return "Working"
    # what comes first is known before it began, so that a card need not be changed at once
    number = running[-1] if running else int(not session.has_upload)
    if number == 0:
        return "Reading the document"
    return f"Working on round {number} of up to {max(session.cast.stop.max_rounds, number)}"


def end_words(session: Session) -> str:  # noqa: PLR0911 - one return a case
    """Return why a session ended, without a full stop."""
    rounds = session.cast.stop.max_rounds
    match session.end_reason:
        case EndReason.THRESHOLD:
            return f"it reached {limit_of(session)}, which counts as good enough"
        case EndReason.ROUNDS:
            return {1: "the round is done", 2: "both rounds are done"}.get(rounds, f"all {rounds} rounds are done")
        case EndReason.PLATEAU:
            return f"{session.cast.stop.plateau_rounds} rounds brought no gain"
        case EndReason.CREDITS:
            return "the price cap is reached"
        case EndReason.TIME:
            return "the time limit is reached"
        case EndReason.NOTES_ONLY:
            return "comments only, nothing was rewritten"
        case EndReason.STOPPED:
            return "it was stopped"
        case EndReason.FAILED:
            return "something went wrong"
        case None:
            return "it is over"


def park_words(reason: ParkReason | None, unit: Unit) -> str:
    """Return what a session waits for, without a full stop."""
    match reason:
        case ParkReason.BALANCE:
            return "there are no credits left" if unit is Unit.CREDITS else "what may be spent is used up"
        case ParkReason.PROVIDER:
            return "the AI provider is out of reach"
        case ParkReason.REVIEW:
            return "somebody's review is needed"
        case ParkReason.QUESTION:
            return "a question is open"
        case ParkReason.PAUSED:
            return "somebody paused it"
        case None:
            return "for a moment"
