"""Spelling rules of model ids: a Claude with or without its snapshot's date, and dots in versions. Pure.

A version of Claude has one snapshot, so its dated and undated names are one model:
https://docs.claude.com/en/docs/about-claude/models/overview#model-names. Other vendors' dates tell models apart.
"""

from __future__ import annotations

import re

_CLAUDE = re.compile(r"(?P<route>(?:[a-z]+/)?)(?P<model>claude-[a-z0-9.-]*?[a-z0-9])(?:[-@](?P<date>\d{8}|latest))?")
_VERSION_DOT = re.compile(r"(?<=\d)\.(?=\d)")


def undated(name: str) -> str:
    """The one spelling for all names of a Claude; another model's name is unchanged."""
    claude = _CLAUDE.fullmatch(name)
    return name if claude is None else claude["route"] + _VERSION_DOT.sub("-", claude["model"])


def differ_in_date(one: str, other: str) -> bool:
    """Tells whether both names have a date, and the dates differ."""
    dates = [claude["date"] for claude in map(_CLAUDE.fullmatch, (one, other)) if claude is not None]
    return len({date for date in dates if date not in (None, "latest")}) > 1
