"""Reads the labelled pairs of questions: paraphrases, which may share an answer, and near misses, which must not."""

from __future__ import annotations

import tomllib
from pathlib import Path

_FOLDER = Path(__file__).parent


def paraphrases() -> list[tuple[str, str]]:
    """Returns the pairs that mean the same."""
    return _pairs("pairs_paraphrases.toml")


def near_misses() -> list[tuple[str, str]]:
    """Returns the pairs that look alike and ask for different things."""
    return _pairs("pairs_near_misses.toml")


def adversarial() -> list[tuple[str, str]]:
    """Returns near misses that were written to break the gates, after the others were kept apart."""
    return _pairs("pairs_adversarial.toml")


def _pairs(name: str) -> list[tuple[str, str]]:
    found = tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))
    return [(one, other) for pairs in found.values() for one, other in pairs]
