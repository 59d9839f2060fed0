"""The contracts on imports are complete: what exists is covered by them. `make contracts` holds the code to them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: list[dict[str, Any]] = PYPROJECT["tool"]["importlinter"]["contracts"]
PACKAGES = ("core", "storage", "bots", "admin_cli")

# Each vendor's SDK ends at one place (the design's rule); the contract for it is due once that place exists.
OWNERS = {
    "anthropic": ("core.providers.anthropic_model",),
    "openai": ("core.providers.openai_model",),
    "google": ("core.providers.google_model",),
    "dbos": ("core.orchestration.workflow", "core.orchestration.engine"),
    "stripe": ("core.billing.stripe_gateway",),
    "sqlalchemy": ("storage",),
    "alembic": ("storage",),
    "apscheduler": ("bots.scheduler",),
    "discord": ("bots.discord",),
    "slack_sdk": ("bots.slack",),
    "slack_bolt": ("bots.slack",),
    "docx": ("core.documents",),
    "lxml": ("core.documents",),
    "pypdf": ("core.documents",),
    "pypdfium2": ("core.documents",),
    "fpdf": ("core.documents",),
    "markdown_it": ("core.documents",),
    "proselint": ("core.rehearsal",),
    "pyphen": ("core.rehearsal",),
    "eng": ("core.rehearsal",),
    "typer": ("admin_cli",),
    "rich": ("bots.terminal", "bots.bootstrap", "admin_cli"),
    "storage": ("bots.bootstrap", "admin_cli.bootstrap", "admin_cli.db"),
}


def imported() -> set[str]:
    """Return the top-level packages that the product's packages import from outside themselves."""
    return {
        words[1].partition(".")[0].rstrip(",")
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        for words in map(str.split, file.read_text().splitlines())
        if words[:1] in (["import"], ["from"]) and words[1].partition(".")[0] != package
    }


@pytest.mark.parametrize("package", sorted(OWNERS))
def test_every_vendor_has_its_contract(package: str) -> None:
    """A vendor's package that is imported may be imported in its own place only."""
    if package not in imported():
        pytest.skip(f"{package} is not imported yet")
    allowed = [
        importer
        for contract in CONTRACTS
        if contract["type"] == "protected" and package in contract["protected_modules"]
        for importer in contract["allowed_importers"]
    ]
    assert allowed
    assert set(allowed) <= set(OWNERS[package])


def test_every_part_of_the_core_has_its_layer() -> None:
    """The layers of the core name every folder and module in it, and demand that for new ones."""
    layers = next(contract for contract in CONTRACTS if contract.get("containers") == ["core"])
    named = {name for layer in layers["layers"] for name in layer.replace("|", " ").replace("(", " ").split()}
    existing = {
        path.stem
        for path in (ROOT / "core").iterdir()
        if path.name != "__init__.py" and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    assert existing <= named
    assert layers["exhaustive"] is True
