"""Reads the bridging goldens in `tests/golden/bridging`: features, and each wire's form of them.

A feature's `payload` must arrive for the feature to be kept. A feature without one is a word, and each wire has its
own.
A wire has no golden of a feature that it cannot express. A client wire's file adds its table, once
`cells.CLIENTS` has its codec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

FOLDER = Path(__file__).parents[1] / "golden" / "bridging"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Feature:
    """One row."""

    key: str
    title: str
    payload: tuple[str | float, ...]


@dataclass(frozen=True, slots=True)
class Golden:
    """A body with the feature, and the same without it."""

    body: Json
    without: Json


def features(kind: str) -> list[Feature]:
    """Lists the features of requests, or of answers, in the tables' order."""
    return [Feature(row["key"], row["title"], tuple(row["payload"])) for row in _read(FOLDER / "features.json")[kind]]


def requests() -> dict[str, dict[str, Golden]]:
    """Maps the requests by client wire and feature."""
    return {path.stem: _goldens(_read(path), "features") for path in _files(FOLDER)}


def answers() -> dict[str, dict[str, Golden]]:
    """Maps the answers by upstream wire and feature."""
    return {path.stem: _goldens(_read(path), "features") for path in _files(FOLDER / "answers")}


def endings() -> dict[str, dict[str, Golden]]:
    """Maps the ends by upstream wire and its word for the end."""
    return {path.stem: _goldens(_read(path), "endings") for path in _files(FOLDER / "answers")}


def _goldens(document: Json, member: str) -> dict[str, Golden]:
    return {key: _golden(document, document[member], key) for key in document[member]}


def _golden(document: Json, listed: Mapping[str, Json], key: str) -> Golden:
    """Builds a golden. `on` names the feature without which this one means nothing."""
    members = dict(listed[key])
    before = members.pop("on", None)
    without = document["base"] if before is None else _golden(document, listed, before).body
    return Golden(without | members, without)


def _files(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.glob("*.json") if path.stem != "features")
    if not found:
        raise LookupError(f"no goldens in {folder}")
    return found


def _read(path: Path) -> Any:
    return orjson.loads(path.read_bytes())
