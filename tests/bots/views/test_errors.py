"""Every error that people can meet has words and a way on."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

import core
from bots.views.errors import STATUS_WORDS, WORDS, words_for, words_for_code
from core.casts.errors import CastUnknown
from core.credits.errors import InsufficientCredits, NotEntitled
from core.documents.errors import UnreadableFile
from core.errors import UserFacingError
from core.money import Unit
from core.providers.errors import Overloaded, ProviderError, UnknownModel
from core.sessions.errors import BadRequest, NotPossibleNow, SessionNotFound
from core.sessions.model import Status

_FILE_CODES = re.findall(r"``(file_\w+)``", UnreadableFile.__doc__ or "")
_NEVER_RAISED = {ProviderError}


def _subclasses(kind: type[UserFacingError]) -> Iterator[type[UserFacingError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _subclasses(child)


def _error_modules() -> None:
    for module in pkgutil.walk_packages(core.__path__, "core."):
        if module.name.endswith(("errors", "ports")):
            importlib.import_module(module.name)


def test_every_error_of_the_core_has_words() -> None:
    """A code without words would be shown as nothing in particular."""
    _error_modules()
    codes = {kind.code for kind in _subclasses(UserFacingError) if kind not in _NEVER_RAISED}
    assert codes | set(_FILE_CODES) <= set(WORDS) | {"error"}


def test_file_codes_are_those_of_the_readers() -> None:
    """The readers document eight codes."""
    assert len(_FILE_CODES) == 8


@pytest.mark.parametrize("code", sorted(WORDS))
def test_words_are_sentences(code: str) -> None:
    """A title without a full stop; explanation and way out as sentences; the whole on one line."""
    words = WORDS[code]
    assert words.title
    assert not words.title.endswith(".")
    for text in (words.explanation, words.way_out):
        assert text == "" or text.endswith((".", "!", "?"))
    assert "\n" not in words.sentence


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            InsufficientCredits(required_microcredits=12_400_000, available_microcredits=300_000),
            ("There are not enough credits. It needs 13 credits ($0.13), and the balance is 0.3 credits ($0.00). "
            "Add credits, or lower the price cap."),
        ),
        (
            NotEntitled(limit="rounds", allowed="3", asked="5", lifted_by="starter"),
            "Your plan does not include that. Asked for rounds: 5; your plan has 3. The Starter plan includes it.",
        ),
        (
            NotPossibleNow("pause", Status.COMPLETED),
            ("That is not possible now. A session that is done cannot be paused. "
            "You can run one more round, or continue with directions."),
        ),
        (SessionNotFound("s_x"),
("There is no such session here. Nobody here knows 's_x'. "
"List sessions to see which there are.")),
        (BadRequest("rounds", "rounds must be 1 to 20"), "That request cannot be met. Rounds must be 1 to 20."),
        (UnknownModel("oppus", ("claude-opus-5-5",)),
("There is no such model. Nobody knows 'oppus'. "
"Did you mean claude-opus-5-5?")),
        (CastUnknown("x", ("standard",)), "There is no such team of editors. There are standard."),
        (
            UnreadableFile("file_too_large", "the file has 31 MiB, 20 MiB are allowed"),
            "The file is too large. The file has 31 MiB, 20 MiB are allowed. Send the part that needs work.",
        ),
        (
            Overloaded("529", provider="anthropic", model="claude-opus-5-5"),
            "Anthropic is overloaded. The session is paused where it stands; resume it when you like.",
        ),
    ],
)  # fmt: skip
def test_facts_are_told(error: UserFacingError, sentence: str) -> None:
    """What an error knows stands in its words: numbers, names, limits."""
    assert words_for(error, Unit.CREDITS).sentence == sentence


def test_an_unknown_code_still_has_words() -> None:
    """A code of another version, stored with a session, is no crash."""
    assert words_for_code("never_heard_of", Unit.CREDITS) == WORDS["error"]


def test_every_status_has_words() -> None:
    """A status without words would end in a KeyError in front of somebody."""
    assert set(STATUS_WORDS) == set(Status)
