"""The readers against about a hundred files by other programs: normal, encrypted, corrupt and hostile ones."""

import asyncio
import csv
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.documents.errors import UnreadableFile
from core.documents.markdown import inline_text
from core.documents.model import Document
from core.documents.sandbox import Sandbox

_CORPUS = Path(__file__).parents[4] / "shared" / "corpus"
_DASHES_AND_QUOTES = {
    0x2018: "'",
    0x2019: "'",
    0x201C: '"',
    0x201D: '"',
    0x2010: "-",
    0x2011: "-",
    0x2013: "-",
    0x2014: "-",
}
_DOCX_SHARE = 0.985
_PDF_SHARE = 0.965

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (_CORPUS / "index.tsv").exists(), reason="the corpus of third-party files is not here"),
]


@dataclass(frozen=True)
class Result:
    name: str
    category: str
    expected: str
    phrases: tuple[str, ...]
    outcome: Document | UnreadableFile

    @property
    def text(self) -> str:
        """What a reader sees, without what Markdown adds."""
        if isinstance(self.outcome, UnreadableFile):
            return ""
        return "\n".join(inline_text(block.markdown) for block in self.outcome.blocks)


def normalised(text: str) -> str:
    """Return *text* as the index of the corpus compares it: no white space, no markers, plain quotes and dashes."""
    plain = unicodedata.normalize("NFKC", text).replace("\u00ad", "").translate(_DASHES_AND_QUOTES)
    return re.sub(r"[\s*_|#>`\\]+", "", plain).lower()


@pytest.fixture(scope="module")
def results() -> list[Result]:
    """Every file of the corpus, read once through the sandbox."""

    async def read(sandbox: Sandbox, row: dict[str, str]) -> Result:
        data = (_CORPUS / row["file"]).read_bytes()
        phrases = tuple(row[key] for key in ("phrase1", "phrase2", "phrase3") if row[key])
        try:
            outcome: Document | UnreadableFile = await sandbox.read(data, name=row["file"])
        except UnreadableFile as refusal:
            outcome = refusal
        return Result(row["file"], row["category"], row["expected"], phrases, outcome)

    async def read_all() -> list[Result]:
        with (_CORPUS / "index.tsv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        sandbox = Sandbox()
        return await asyncio.gather(*(read(sandbox, row) for row in rows))

    return asyncio.run(read_all())


@pytest.mark.parametrize(("suffix", "share"), [(".docx", _DOCX_SHARE), (".pdf", _PDF_SHARE)])
def test_nearly_every_phrase_is_found(results: list[Result], suffix: str, share: float) -> None:
    """Phrases that other programs find are found here; the few misses are named."""
    asked: list[str] = []
    missed: list[tuple[str, str]] = []
    for result in results:
        if result.name.endswith(suffix) and result.phrases:
            text = normalised(result.text)
            asked += result.phrases
            missed += [(result.name, phrase) for phrase in result.phrases if normalised(phrase) not in text]
    assert len(asked) > 0
    assert 1 - len(missed) / len(asked) >= share, missed


def test_files_that_cannot_be_read_are_refused_with_a_reason(results: list[Result]) -> None:
    """Encrypted and corrupt files are refused as what they are, in one sentence."""
    outcomes = {result.name: result.outcome for result in results if result.expected == "error"}
    assert [name for name, outcome in outcomes.items() if isinstance(outcome, Document)] == []
    codes = {
        result.outcome.code
        for result in results
        if result.category == "encrypted" and isinstance(result.outcome, UnreadableFile)
    }
    assert codes == {"file_encrypted"}


def test_files_with_text_are_never_refused(results: list[Result]) -> None:
    """A file that other programs read is read here."""
    refused = [
        result.name for result in results if result.expected == "text" and isinstance(result.outcome, UnreadableFile)
    ]
    assert refused == []


def test_no_parser_fails_in_a_way_that_was_not_foreseen(results: list[Result]) -> None:
    """No traceback, no hang, no crash: every refusal is one that a reader chose."""
    refusals = [(result, result.outcome) for result in results if isinstance(result.outcome, UnreadableFile)]
    unforeseen = [(result.name, refusal.__notes__) for result, refusal in refusals if hasattr(refusal, "__notes__")]
    assert unforeseen == []
    slow = [result.name for result, refusal in refusals if refusal.code == "file_timeout"]
    assert slow == []
    crashed = [
        result.name for result, refusal in refusals if refusal.code == "file_hostile" and result.category != "hostile"
    ]
    assert crashed == []


def test_hostile_files_give_nothing_away(results: list[Result]) -> None:
    """No external entity is resolved and no bomb is opened."""
    hostile = [result for result in results if result.category == "hostile"]
    assert [result.name for result in hostile if "root:x:0:0" in result.text] == []
    assert [result.name for result in hostile if "bomb" in result.name and isinstance(result.outcome, Document)] == []


def test_files_without_text_do_not_get_any(results: list[Result]) -> None:
    """Where other programs find nothing, at most odd letters of a missing font are found."""
    invented = [result.name for result in results if result.expected == "empty" and len(result.text.split()) > 10]
    assert invented == []
