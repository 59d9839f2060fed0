"""What went wrong, in words: what it is, why, and the way out. One place for every platform."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bots.errors import CannotPost, DatabaseUnreachable, FileUnavailable
from bots.views.words import left, money
from core.billing.errors import UnknownProduct
from core.casts.errors import CastInvalid, CastUnknown
from core.credits.errors import AllowanceReached, InsufficientCredits, NotEntitled
from core.documents.errors import EditsRejected, UnreadableFile
from core.errors import UserFacingError
from core.money import Unit
from core.orchestration.ports import PostRefused
from core.providers.errors import ModelNotAllowed, ProviderError, ProviderNotConfigured, UnknownModel
from core.sessions.errors import BadRequest, NotPossibleNow, SessionNotFound
from core.sessions.model import Status
from core.workspaces.access import Denial
from core.workspaces.errors import NameInvalid, NameTaken, NameUnknown, NotAllowed


@dataclass(frozen=True, slots=True)
class ErrorView:
    """An error as people read it.

    Attributes:
        title: What happened, a few words.
        explanation: Why, one or two sentences; may be empty.
        way_out: What to do now, one sentence; may be empty.
    """

    title: str
    explanation: str = ""
    way_out: str = ""

    @property
    def sentence(self) -> str:
        """The whole on one line, for a command line and for a notification."""
        return " ".join(piece for piece in (_sentence(self.title), self.explanation, self.way_out) if piece)


_LATER = "The session is paused where it stands; resume it when you like."
_OPERATOR = "The operator of this installation has been told in the log; nothing was charged for it."
WORDS: dict[str, ErrorView] = {
    "error": ErrorView("Something went wrong", "", "Try again; if it happens again, tell the operator."),
    "internal": ErrorView("Something went wrong on our side", _OPERATOR, "Retry the session."),
    "session_not_found": ErrorView("There is no such session here", "", "List sessions to see which there are."),
    "not_possible_now": ErrorView("That is not possible now"),
    "texts_forgotten": ErrorView(
        "The texts of this session were removed", "There is nothing left to go on with.", "Start a new session."
    ),
    "name_invalid": ErrorView("That cannot be a name"),
    "name_taken": ErrorView("That name is taken"),
    "name_unknown": ErrorView("There is nothing of that name here"),
    "bad_request": ErrorView("That request cannot be met"),
    "cast_unknown": ErrorView("There is no such team of editors"),
    "cast_invalid": ErrorView("This team of editors cannot be used as it is written"),
    "credits_insufficient": ErrorView("There are not enough credits", "", "Add credits, or lower the price cap."),
    "session_cap_reached": ErrorView("The session's price cap is reached", "", "Run one more round to raise the cap."),
    "not_entitled": ErrorView("Your plan does not include that"),
    "file_encrypted": ErrorView("The file is locked with a password", "", "Send it without the password."),
    "file_scanned": ErrorView(
        "The file holds pictures of text, not text", "", "Run text recognition over it first, or send the original."
    ),
    "file_empty": ErrorView("The file is empty", "", "Send a file that holds text."),
    "file_corrupt": ErrorView("The file is damaged", "", "Open and save it again where it was made, then send that."),
    "file_too_large": ErrorView("The file is too large", "", "Send the part that needs work."),
    "file_unsupported": ErrorView("This kind of file cannot be read", "", "Send a DOCX, PDF, TXT or MD file."),
    "file_hostile": ErrorView(
        "The file was refused", "It is built in a way that harms programs that read it.", "Save it anew and send that."
    ),
    "file_timeout": ErrorView("Reading the file took too long", "", "Send a smaller part of it."),
    "edits_rejected": ErrorView("The changes do not fit the document", "None of them was made.", "Retry the session."),
    "post_refused": ErrorView(
        "The message could not be posted", "The platform refused it.", "Check that the app may post here."
    ),
    "provider_failed": ErrorView("The AI provider failed", "", _LATER),
    "provider_rate_limited": ErrorView("The AI provider has too much to do for us", "", _LATER),
    "provider_overloaded": ErrorView("The AI provider is overloaded", "", _LATER),
    "provider_unreachable": ErrorView("The AI provider cannot be reached", "", _LATER),
    "provider_incomplete": ErrorView("The AI provider broke off in the middle", "", _LATER),
    "provider_account": ErrorView(
        "The AI provider refuses our account", "Its key is wrong or unpaid.", "Only the operator can mend that."
    ),
    "provider_model_gone": ErrorView(
        "The AI provider does not have this model any more", "", "Choose another model, then resume."
    ),
    "provider_context_too_long": ErrorView(
        "The text is too long for this model", "", "Choose a model with a larger window, or send a shorter text."
    ),
    "provider_request_refused": ErrorView(
        "The AI provider refuses this request", "", "Change the brief or the model, then resume."
    ),
    "model_unknown": ErrorView("There is no such model", "", "List models to see which there are."),
    "model_refused": ErrorView(
        "The AI declined to answer",
        "It judged the text or the brief to be against its rules.",
        "Change the brief or the model, then resume.",
    ),
    "model_not_allowed": ErrorView(
        "That model may not be used here", "", "Choose another one, or ask who manages this place to allow it."
    ),
    "provider_not_configured": ErrorView("No AI provider is set up for that", "", "Only the operator can add its key."),
    "characters_unsupported": ErrorView(
        "That format lacks some of the text's characters", "", "Ask for the text as DOCX or MD instead."
    ),
    "export_failed": ErrorView(
        "The file could not be written in that format", "", "Ask for the text as MD instead, and tell the operator."
    ),
    "reply_empty": ErrorView("The AI answered nothing", "", "Change the brief or the model, then resume."),
    "reply_truncated": ErrorView(
        "The AI's answer was cut off",
        "The text is longer than it can write in one piece.",
        "Choose a model with a longer answer, then resume.",
    ),
    "cannot_post": ErrorView("I may not post here"),
    "file_unavailable": ErrorView("The file could not be fetched"),  # its reason says what to do
    "not_allowed": ErrorView("You may not do that"),
    "allowance_reached": ErrorView("The allowance of this month does not cover it"),
    "billing_off": ErrorView("Nothing is sold here", "", "`billing` shows what was used."),
    "buyer_required": ErrorView(
        "You may not buy here",
        "Admins may, and those whom they named.",
        "Ask one of them; `billing` says who they are.",
    ),
    "product_unknown": ErrorView("That is not for sale here", "", "Look at `billing plans`."),
    "plan_highest": ErrorView(
        "You have the highest plan", "", "Buy credits for more, or look at `billing plans` for the others."
    ),
    "plan_unchanged": ErrorView("That is your plan already", "", "Look at `billing plans` for the others."),
    "subscription_missing": ErrorView(
        "There is no subscription to manage", "", "Look at `billing plans` to begin one."
    ),
    "payment_pending": ErrorView(
        "A payment for that is under way", "A second one would be paid twice.", "You hear from me when it is through."
    ),
    "purchases_frozen": ErrorView(
        "Nothing can be bought right now", "A payment is disputed.", "Once that is decided, buying is possible again."
    ),
    "billing_unavailable": ErrorView(
        "Stripe does not answer right now", "Nothing was charged.", "Try again in a moment."
    ),
    "overtaken": ErrorView(
        "Somebody was faster", "This was done already, or does not apply any more.", "Nothing was done twice."
    ),
    "choice_gone": ErrorView("This is not open any more", "It was answered already, or it is too old.", "Ask anew."),
    "settings_invalid": ErrorView("The settings are not right"),
    "database_unreachable": ErrorView("The database cannot be reached: is it running, and is DATABASE_URL right?"),
    "unavailable": ErrorView("A part of Atelier is not reachable right now", "", "Try again in a moment."),
}


_SALES = frozenset(
    {
        "buyer_required", "product_unknown", "plan_highest", "plan_unchanged", "subscription_missing", "payment_pending",
        "purchases_frozen", "billing_unavailable",
    }
)  # fmt: skip
_UNSOLD = {
    **dict.fromkeys(_SALES, WORDS["billing_off"]),
    "credits_insufficient": ErrorView(
        "What may be spent here is used up", "", "Lower the price cap, or ask the operator of this installation."
    ),
    "not_entitled": ErrorView("That is more than this installation allows", "", "Ask for less, or ask its operator."),
}


def words_for_code(code: str, unit: Unit) -> ErrorView:
    """Return the words of a code that was stored without its error; never fails.

    Args:
        code: The error's.
        unit: In which unit people see amounts; in dollars nothing is sold, and nobody hears of buying.
    """
    words = WORDS.get(code, WORDS["error"])
    return _UNSOLD.get(code, words) if unit is Unit.DOLLARS else words


def _plain(code: str) -> ErrorView:
    """Return the words of a code that says nothing of money."""
    return WORDS.get(code, WORDS["error"])


def words_for(error: UserFacingError, unit: Unit) -> ErrorView:
    """Return the words of *error*, with the facts that it carries; see `words_for_code` for *unit*."""
    if unit is Unit.DOLLARS and error.code in _SALES:
        return _UNSOLD[error.code]
    for kind, tell in _IN_UNIT:
        if isinstance(error, kind):
            return tell(error, unit)
    for kind, refine in _REFINED:
        if isinstance(error, kind):
            return refine(error)
    return words_for_code(error.code, unit)


def _unreadable(error: UnreadableFile) -> ErrorView:
    words = _plain(error.code)
    reason = _sentence(error.reason)
    # the reason may be the very title: nobody needs to hear it twice
    return ErrorView(words.title, "" if reason == _sentence(words.title) else reason, words.way_out)


def _insufficient(error: InsufficientCredits, unit: Unit) -> ErrorView:
    required, available = money(error.required_microcredits, unit), left(error.available_microcredits, unit)
    words = words_for_code(InsufficientCredits.code, unit)
    there = f"the balance is {available}" if unit is Unit.CREDITS else f"{available} is left"
    return ErrorView(words.title, f"It needs {required}, and {there}.", words.way_out)


_LIMITS = {
    "rounds": "rounds",
    "editors": "editors",
    "models": "models",
    "words": "words in a document",
    "concurrent_sessions": "sessions at a time",
    "sessions_month": "sessions a month",
}


def _not_entitled(error: NotEntitled, unit: Unit) -> ErrorView:
    words = words_for_code(NotEntitled.code, unit)
    what = _LIMITS.get(error.limit, error.limit.replace("_", " "))
    has = f"your plan has {_figure(error.allowed)}" if unit is Unit.CREDITS else f"{_figure(error.allowed)} may be had"
    way_out = f"The {error.lifted_by.capitalize()} plan includes it." if error.lifted_by else _NO_PLAN[error.limit]
    return ErrorView(
        words.title,
        f"Asked for {what}: {_figure(error.asked)}; {has}.",
        way_out if unit is Unit.CREDITS else words.way_out,
    )


def _figure(text: str) -> str:
    return f"{int(text):,}" if text.isdigit() else text


_NO_PLAN = {
    "rounds": "No plan has so many; run one more round after the end.",
    "editors": "No plan has so many; ask for fewer.",
    "models": "No plan includes it; choose another model.",
    "words": "No plan takes so much at once; send the part that needs work.",
    "concurrent_sessions": "No plan has more; wait until one of them ends.",
    "sessions_month": "No plan has more; wait for the next month.",
}
_VERBS = {
    "start": "started",
    "pause": "paused",
    "resume": "resumed",
    "stop": "stopped",
    "retry": "retried",
    "one_more_round": "given one more round",
    "continue": "continued",
    "guide": "given directions",
    "delete": "deleted",
    "forget": "cleared of its texts",
}
STATUS_WORDS = {
    Status.DRAFT: "not started yet",
    Status.QUEUED: "about to start",
    Status.RUNNING: "working",
    Status.PAUSING: "pausing",
    Status.PAUSED: "paused",
    Status.WAITING: "waiting",
    Status.COMPLETED: "done",
    Status.STOPPED: "stopped",
    Status.FAILED: "ended with an error",
}
_INSTEAD = {
    Status.DRAFT: "Start it first.",
    Status.QUEUED: "Give it a moment.",
    Status.RUNNING: "Pause or stop it first.",
    Status.PAUSING: "Wait until what is being written is finished.",
    Status.PAUSED: "Resume it, or stop it.",
    Status.WAITING: "Resume it, or stop it.",
    Status.COMPLETED: "You can run one more round, or continue with directions.",
    Status.STOPPED: "You can run one more round, or continue with directions.",
    Status.FAILED: "You can retry it, or stop it.",
}


def _not_possible(error: NotPossibleNow) -> ErrorView:
    verb = _VERBS.get(error.verb, error.verb.replace("_", " "))
    return ErrorView(
        WORDS[NotPossibleNow.code].title,
        f"A session that is {STATUS_WORDS[error.status]} cannot be {verb}.",
        _INSTEAD[error.status],
    )


def _bad_request(error: BadRequest) -> ErrorView:
    return ErrorView(WORDS[BadRequest.code].title, _sentence(error.reason))


def _not_found(error: SessionNotFound) -> ErrorView:
    words = WORDS[SessionNotFound.code]
    known = (
        f"Nobody here knows {error.session_id!r}."
        if error.session_id
        else "You have none here that this could be done with."
    )
    return ErrorView(words.title, known, words.way_out)


_DENIALS = {
    Denial.BOT: ("Only people can ask.", ""),
    Denial.BLOCKED: ("You were blocked here.", "Ask an admin."),
    Denial.OUTSIDER: (
        "People of other organisations may not start or steer sessions here.",
        "Ask an admin to allow it.",
    ),
    Denial.GUEST: ("Guests may not start or steer sessions here.", "Ask an admin to allow it."),
    Denial.NOT_SET_UP: (
        "Nobody has set Atelier up here yet; until then only those who may manage the server can start sessions.",
        "Ask one of them to type `/atelier` once.",
    ),
    Denial.ROLE: ("Your roles may not start sessions here.", "Ask an admin to allow one of them."),
    Denial.CHANNEL: ("Sessions may not be started in this channel.", "Ask in another channel, or in a direct message."),
    Denial.NOT_STARTER: ("Only whoever started the session, and admins, may do that.", "Ask them to."),
    Denial.NOT_OWN: ("Only whoever started the session may have its texts removed.", "Ask them to."),
    Denial.NOT_MAKER: ("Only whoever made it, and admins, may do that.", "Ask them to."),
    Denial.NOT_ADMIN: ("Only admins may change this.", "Ask one of them."),
    Denial.NOT_OURS: ("Guests and people of other organisations may not see that.", "Ask a colleague here."),
    Denial.NOT_ADDRESSEE: ("This question is for somebody else.", "Only they can answer it."),
}


def _denied(error: NotAllowed) -> ErrorView:
    explanation, way_out = _DENIALS[Denial(error.reason)]
    return ErrorView(WORDS[NotAllowed.code].title, explanation, way_out)


def _allowance(error: AllowanceReached, unit: Unit) -> ErrorView:
    whose = "Your limit" if error.is_members else "The limit of all together"
    limit, spent = money(error.limit_microcredits, unit), money(error.spent_microcredits, unit)
    return ErrorView(
        WORDS[AllowanceReached.code].title,
        f"{whose} is {limit} a month; {spent} of it {'are' if unit is Unit.CREDITS else 'is'} used or set aside, and this "
        f"session may need {money(error.required_microcredits, unit)}.",
        "Ask an admin to raise it, or wait for the next month.",
    )


def _name_invalid(error: NameInvalid) -> ErrorView:
    explanation = f"The name of a {error.what} has 1 to {error.most_characters} characters."
    return ErrorView(WORDS[NameInvalid.code].title, explanation, "Choose another one.")


def _name_taken(error: NameTaken) -> ErrorView:
    explanation = f"There is a {error.what} called {error.name} already{', archived' if error.is_archived else ''}."
    way_out = "Choose another one, or change that one: `template edit`." if error.what == "template" else ""
    return ErrorView(WORDS[NameTaken.code].title, explanation, way_out or "Choose another one.")


def _name_unknown(error: NameUnknown) -> ErrorView:
    explanation = f"Nobody here knows {error.name!r}." if error.name else ""
    known = f"There are {', '.join(error.known)}." if error.known else ""
    return ErrorView(f"There is no such {error.what} here", explanation, known or f"`{error.what} list` shows them.")


def _with_reason(error: Any) -> ErrorView:
    """Return the words of an error that brings its own sentences: what happened, and perhaps the remedy."""
    words = _plain(error.code)
    remedy = getattr(error, "remedy", "")
    if remedy:
        return ErrorView(words.title, "", _sentence(remedy))
    return ErrorView(f"{words.title}: {error.name}", _sentence(error.reason), words.way_out)


def _unknown_model(error: UnknownModel) -> ErrorView:
    words = WORDS[UnknownModel.code]
    nearest = f"Did you mean {' or '.join(error.known)}?" if error.known else words.way_out
    return ErrorView(words.title, f"Nobody knows {error.model!r}.", nearest)


def _not_allowed(error: ModelNotAllowed) -> ErrorView:
    words = WORDS[ModelNotAllowed.code]
    return ErrorView(words.title, f"{error.model} is not among the allowed ones.", words.way_out)


def _not_configured(error: ProviderNotConfigured) -> ErrorView:
    words = WORDS[ProviderNotConfigured.code]
    name = _PROVIDERS.get(error.provider, error.provider)
    return ErrorView(words.title, f"There is no key for {name}." if name else "", words.way_out)


def _unknown_product(error: UnknownProduct) -> ErrorView:
    words = WORDS[UnknownProduct.code]
    known = f"There are {', '.join(error.known)}." if error.known else ""
    return ErrorView(words.title, f"Nobody sells {error.key!r}. {known}".strip(), words.way_out)


def _unknown_cast(error: CastUnknown) -> ErrorView:
    return ErrorView(WORDS[CastUnknown.code].title, f"There are {', '.join(error.known)}.")


def _invalid_cast(error: CastInvalid) -> ErrorView:
    return ErrorView(WORDS[CastInvalid.code].title, " ".join(_sentence(problem) for problem in error.problems))


def _unreachable(error: DatabaseUnreachable) -> ErrorView:
    return ErrorView(
        WORDS[DatabaseUnreachable.code].title.replace("The database", f"The database at {error.address}", 1)
    )


def _edits(error: EditsRejected) -> ErrorView:
    words = WORDS[EditsRejected.code]
    failures = "; ".join(f"{ref} is {why}" for _, ref, why in error.failures)
    return ErrorView(words.title, f"{words.explanation} {_sentence(failures)}".strip(), words.way_out)


def _post(error: PostRefused) -> ErrorView:
    words = WORDS[PostRefused.code]
    return ErrorView(words.title, f"The platform refused it ({error.reason}).", words.way_out)


_PROVIDERS = {"anthropic": "Anthropic", "google": "Google", "openai": "OpenAI", "rehearsal": "The rehearsal model"}


def _provider(error: ProviderError) -> ErrorView:
    words = _plain(error.code)
    name = _PROVIDERS.get(error.provider, error.provider)
    return ErrorView(
        words.title.replace("The AI provider", name) if name else words.title, words.explanation, words.way_out
    )


def _sentence(text: str) -> str:
    """Return *text* as a sentence: a capital at its start, a full stop at its end."""
    text = text.strip()
    if not text:
        return ""
    return text[0].upper() + text[1:] + ("" if text[-1] in ".!?" else ".")


_IN_UNIT: tuple[tuple[type[UserFacingError], Callable[[Any, Unit], ErrorView]], ...] = (
    (InsufficientCredits, _insufficient),
    (NotEntitled, _not_entitled),
    (AllowanceReached, _allowance),
)
_REFINED: tuple[tuple[type[UserFacingError], Callable[[Any], ErrorView]], ...] = (
    (UnreadableFile, _unreadable),
    (NotPossibleNow, _not_possible),
    (BadRequest, _bad_request),
    (SessionNotFound, _not_found),
    (UnknownModel, _unknown_model),
    (UnknownProduct, _unknown_product),
    (CastUnknown, _unknown_cast),
    (CastInvalid, _invalid_cast),
    (EditsRejected, _edits),
    (PostRefused, _post),
    (NotAllowed, _denied),
    (NameInvalid, _name_invalid),
    (NameTaken, _name_taken),
    (NameUnknown, _name_unknown),
    (CannotPost, _with_reason),
    (FileUnavailable, _with_reason),
    (ModelNotAllowed, _not_allowed),
    (ProviderNotConfigured, _not_configured),
    (ProviderError, _provider),
    (DatabaseUnreachable, _unreachable),
)
