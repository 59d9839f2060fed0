"""The locks are whole, agree with each other, and say nothing about where packages come from."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent.parent
LOCKS = sorted([*(ROOT / "requirements").glob("*.txt"), *(ROOT / "tests").glob("llmock/requirements.txt")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins(lock: Path) -> dict[str, set[str]]:
    """Return the versions of every package of a lock; platforms may differ."""
    found: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", lock.read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_hashes(lock: Path) -> None:
    """What is downloaded is what was locked, byte for byte."""
    text = lock.read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_a_place(lock: Path) -> None:
    """The machine's own configuration decides where packages come from."""
    assert "://" not in lock.read_text()


def test_locks_agree() -> None:
    """What the demo runs is what the tests test."""
    dev = pins(ROOT / "requirements/dev.txt")
    for name in ("runtime.txt", "bootstrap.txt"):
        shared = {
            package: versions for package, versions in pins(ROOT / "requirements" / name).items() if package in dev
        }
        assert shared == {package: dev[package] for package in shared}
    assert set(pins(ROOT / "requirements/runtime.txt")) <= set(dev)


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("runtime.txt", PROJECT["dependencies"]),
        ("dev.txt", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]),
    ],
)
def test_locks_follow_the_project(lock: str, wanted: list[str]) -> None:
    """Every dependency of pyproject.toml is locked within its bounds; if not, run `make lock`."""
    locked = pins(ROOT / "requirements" / lock)
    for requirement in map(Requirement, wanted):
        versions = locked.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {lock}"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement} in {lock}"
