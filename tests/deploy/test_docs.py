"""The operator's page is true: it lists every variable, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

from bots.settings import Settings

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_every_variable_is_explained() -> None:
    """The table of variables has all that the settings read, and no other."""
    section = (ROOT / "docs/operations.md").read_text().partition("## Configuration")[2]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    listed = [name for cell in cells for name in re.findall(r"`([A-Z_]+)`", cell)]
    assert sorted(listed) == sorted(name.upper() for name in Settings.model_fields)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """A relative link names a file or folder that exists."""
    text = re.sub(r"`[^`\n]*`", "", page.read_text())
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_decisions_are_numbered_once() -> None:
    """No two records share a number, and each says its title."""
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    numbers = [record.name[:4] for record in records]
    assert len(set(numbers)) == len(numbers)
    for record in records:
        assert re.match(rf"# (ADR )?{record.name[:4]}[:.] ", record.read_text()), record.name
