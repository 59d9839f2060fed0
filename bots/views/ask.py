"""Answers to one person: what was understood, what it costs, what is needed before it can go on."""

from collections.abc import Mapping, Sequence

from bots.commands import COMMANDS, help_text, offered
from bots.views.elements import Button, Buttons, Element, Fields, Heading, Small, Style, Text, View
from bots.views.errors import ErrorView, words_for, words_for_code
from bots.views.pager import page_of, turning
from bots.views.words import editors_line, left, limit_of, lower_first, money, price_range
from core.errors import UserFacingError
from core.money import Unit
from core.sessions.model import Session

OPEN_FORM = "Open the form"
_COMMANDS_A_PAGE = 12
_EXCERPT_CHARACTERS = 200
_CHOICES = {  # verbs whose command is no verb, or that say too little: the question's end, and the button's begin
    "status": ("see", "Show"),
    "files": ("see the files of", "Show files of"),
    "more": ("run one more round of", "Run one more round of"),
    "project-move": ("move", "Move"),
    "template-save": ("make a template of", "Make a template of"),
    "data-delete": ("remove the texts of", "Remove texts of"),
    "mute": ("take your directions out of", "Take my directions out of"),
}
_NO_FILE = "**No file came with this.** To have one edited, post it together with your words."
_PRIVATELY = {"slack": "It works in your messages with Atelier: only you see it there."}
_STEER_BY_BUTTON = "To say what to do differently, press Steer session on its card."
_STEERING = {
    "slack": "To say what to do differently, reply in its thread; begin with `//` and it stays between people.",
    "discord": "To say what to do differently, press Steer session on its card, or reply to the app in its thread.",
}
PLACES = {"slack": "this Slack", "discord": "this server"}


def place_words(platform: str) -> str:
    """Return what people call their workspace."""
    return PLACES.get(platform, "this installation")


def failure_view(
    error: UserFacingError | None, *, code: str = "", buttons: Sequence[Button] = (), unit: Unit = Unit.CREDITS
) -> View:
    """Return what went wrong, with the way out; without an error and a code, that somebody else was faster.

    Args:
        error: What went wrong.
        code: The code alone, where there is no error; never one about money.
        buttons: Ways out.
        unit: In which unit people see amounts.
    """
    if error is not None:
        return error_view(words_for(error, unit), buttons)
    return error_view(words_for_code(code or "overtaken", unit), buttons)


def error_view(words: ErrorView, buttons: Sequence[Button] = ()) -> View:
    """Return an error as a view."""
    elements: list[Element] = [Heading(words.title, 2)]
    lines = [line for line in (words.explanation, words.way_out) if line]
    if lines:
        elements.append(Text("\n".join(lines)))
    if buttons:
        elements.append(Buttons(tuple(buttons)))
    return View(tuple(elements), words.sentence)


def said(text: str, *, buttons: Sequence[Button] = (), small: str = "") -> View:
    """Return a short answer in our own words."""
    elements: list[Element] = [Text(text)]
    if small:
        elements.append(Small(small))
    if buttons:
        elements.append(Buttons(tuple(buttons)))
    return View(tuple(elements), text)


def lost_form_view(command: str, button: Button) -> View:
    """Return what is said to somebody whose form did not open.

    Args:
        command: What they typed; empty for a press.
        button: Opens it.
    """
    way = f"Type `/atelier {command}` again, or press the button." if command else "Press the button to open it."
    return said(f"The form could not be opened in time, and nothing was started. {way}", buttons=(button,))


def help_view(command: str = "", problem: str = "", *, platform: str = "", page: int = 0, sells: bool = True) -> View:
    """Return the help of one command, or a page of the list of all of them."""
    if not sells:
        command, problem = unsold(command, problem)
    elements: list[Element] = [Text(problem)] if problem else []
    if command:
        elements.append(Text(help_text(command, sells=sells)))
    else:
        shown, pages = page_of(offered(platform=platform, sells=sells), page, _COMMANDS_A_PAGE)
        lines = [f"- `{item.typed}`: {item.help}" for item in shown]
        elements += [Heading("What you can do here", 2), Text("\n".join(lines))]
        elements.append(Small("`help COMMAND` says more about one of them. In a thread, mention the app instead."))
        elements += turning("help", "", page, pages)
    fallback = problem or (f"How to use {command}." if command else "What you can do here.")
    return View(tuple(elements), fallback)


def unsold(command: str, problem: str) -> tuple[str, str]:
    """Return what somebody needs help with, without the commands that exist only where credits are sold."""
    sold = [item for item in COMMANDS if item.sold_only]
    if any(item.name == command for item in sold):
        return "", "Nothing is sold here."
    for item in sold:
        problem = problem.removesuffix(f" Did you mean {item.typed!r}?")
    return command, problem


def price_view(
    session: Session,
    *,
    balance_microcredits: int,
    unit: Unit,
    is_started: bool,
    first_time: str = "",
    lacks_file: bool = False,
) -> View:
    """Return what a session costs, as it starts or before somebody says so.

    Args:
        session: The session, priced.
        balance_microcredits: What the workspace can spend.
        unit: In which unit people see amounts.
        is_started: Whether it runs already, or is about to: a first session waits until these words were said.
        first_time: The sentence about AI and vendors for somebody's first session, empty for later ones.
        lacks_file: Whether the words sound as if a file belonged to them, and none came.
    """
    price = price_range(session.quote_low_microcredits, session.quote_high_microcredits, unit)
    cap = money(session.cap_microcredits, unit)
    state = "Ready to start" if not is_started else "Starting" if first_time else "Started"
    title = f"{state}: {session.title}"
    buttons: tuple[Button, ...] = (
        Button("start", "Start session", session.id, style=Style.PRIMARY),
        Button("discard", "Discard session", session.id),
    )
    if lacks_file and not is_started:  # rather a slip than a session: one question, and what it would cost
        asked = f"{_NO_FILE} To have a text written from these few words, start: {price}, never more than {cap}."
        first = (Small(f"**Before your first session:** {first_time}"),) if first_time else ()
        return View((Text(asked), *first, Buttons(buttons)), f"{title}. {asked}")
    pairs = [
        ("Price", f"{price}, never more than {cap}"),
        ("Editors", editors_line(session.cast)),
        ("Model", session.model),
    ]
    if not session.notes_only:
        pairs.append(("Rounds", f"at most {session.cast.stop.max_rounds}, good enough at {limit_of(session)}"))
    if unit is Unit.CREDITS:
        pairs.append(("Balance", left(balance_microcredits)))
    elements: list[Element] = [Heading(title, 2), Fields(tuple(pairs))]
    elements += [Small(notice) for notice in session.notices]
    if first_time:
        elements.append(Text(f"**Before your first session:** {first_time}"))
    if session.origin:
        elements.append(Text(_PRIVATELY.get(session.thread.platform, "Only you see it.")))
    if is_started:
        elements.append(Small(_steering(session)))
        elements.append(Small("You are mentioned once, at the end, and when you are needed."))
        buttons = (Button("stop", "Stop session", session.id, style=Style.DANGER),)
    elements.append(Buttons(buttons))
    return View(tuple(elements), f"{title}. Price: {price}, never more than {cap}.")


def _steering(session: Session) -> str:
    """Return how to say what to do differently, which differs with what the platform lets us hear."""
    return _STEERING.get(session.thread.platform, _STEER_BY_BUTTON)


def consent_view(*, asker: str, names: Sequence[str], request_id: str, vendors: Sequence[str]) -> View:
    """Return the question to the author of files that somebody else wants to use."""
    files = ", ".join(names)
    where = f" Their text goes to {spoken(vendors)}." if vendors else ""
    text = f"{asker} wants to work on what you posted: {files}.{where} May the editors read it?"
    return View(
        (
            Text(text),
            Buttons(
                (
                    Button("allow", "Allow this use", request_id, style=Style.PRIMARY),
                    Button("refuse", "Refuse this use", request_id),
                )
            ),
        ),
        text,
    )


def invite_view(remedy: str, request_id: str) -> View:
    """Return that the app may not post, what to do about it, and the ways on; the request is kept."""
    title = "I may not post here"
    return View(
        (
            Heading(title, 2),
            Text(f"{remedy} Your request is kept, and nothing was charged."),
            Buttons(
                (
                    Button("again", "Try again", request_id, style=Style.PRIMARY),
                    Button("direct", "Run it in my DM", request_id),
                )
            ),
        ),
        f"{title}. {remedy}",
    )


def offer_view(session: Session, request_id: str, text: str, *, price: str = "") -> View:
    """Return the one question after the end, with the price of the round that it means: go on with what was said?"""
    excerpt = text if len(text) <= _EXCERPT_CHARACTERS else f"{text[:_EXCERPT_CHARACTERS]}..."
    question = f"{session.title} is over, so nothing was taken or charged. Continue with this?"
    elements: list[Element] = [Text(question)]
    if excerpt:
        elements.append(Text(f"> {excerpt}".replace("\n", "\n> ")))
    if price:
        elements.append(Small(price))
    elements.append(Buttons((Button("go", "Continue with this", request_id, style=Style.PRIMARY),)))
    return View(tuple(elements), question)


def chooser_view(
    verb: str,
    sessions: Sequence[Session],
    request_id: str,
    *,
    page: int,
    pages: int,
    prices: Mapping[str, str] | None = None,
) -> View:
    """Return a button for each session that may be meant, with what its press costs: *prices*, sentences by id."""
    asked, pressed = _CHOICES.get(verb, (verb, f"{verb[:1].upper()}{verb[1:]}"))
    question = f"Which session do you want to {asked}?"
    buttons = tuple(Button("pick", f"{pressed} {session.title}"[:75], request_id, session.id) for session in sessions)
    known = prices or {}
    lines = [f"- {session.title}: {lower_first(known[session.id])}" for session in sessions if known.get(session.id)]
    elements: list[Element] = [Text("\n".join((question, *lines)))]
    elements += [Buttons(buttons), *turning("choose", request_id, page, pages)]
    return View(tuple(elements), question)


def delete_view(session: Session) -> View:
    """Return the question before everything in a session goes."""
    question = f"Delete {session.title}? Its texts, comments and files go for good; the receipt stays."
    button = Button("delete", "Delete session", session.id, "yes", Style.DANGER)
    return View((Text(question), Buttons((button,))), question)


def spoken(names: Sequence[str]) -> str:
    """Return ``Anthropic, Google and OpenAI``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nobody"
