"""The word lists of ``words.toml``, read once."""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def plain_phrases() -> dict[str, str]:
    """Return wordy phrases and what says the same; empty where nothing does."""
    phrases: dict[str, str] = dict(_data()["plain"])
    return phrases


@cache
def word_list(name: str) -> frozenset[str]:
    """Return one of the lists of ``words.toml``."""
    return frozenset(_data()["lists"][name])


@cache
def _data() -> dict[str, Any]:
    text = resources.files("core.rehearsal").joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
