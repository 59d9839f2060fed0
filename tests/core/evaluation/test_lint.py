"""The free checks: findings that point at their passage."""

from core.documents.align import document_from_markdown
from core.evaluation.lint import Finding, lint
from core.evaluation.quotes import find_quote
from core.sessions.model import Severity


def test_findings_point_at_their_passage() -> None:
    """Every finding names its block, and its quote stands there."""
    document = document_from_markdown("# A note\n\nWe sent the the letter to all of you.\n", title="")
    report = lint(document)

    assert report.findings == (
        Finding(
            kind="Doubled word",
            ref=document.blocks[1].ref,
            quote="sent the the letter to",
            message="“the” stands twice.",
            suggestion="sent the letter to",
            severity=Severity.MAJOR,
        ),
    )
    assert find_quote(document, report.findings[0].ref, report.findings[0].quote).found


def test_an_empty_document_has_no_findings() -> None:
    """Where there is no text there is nothing to find."""
    report = lint(document_from_markdown("", title=""))

    assert (report.findings, report.english, report.reading_ease) == ((), False, None)
