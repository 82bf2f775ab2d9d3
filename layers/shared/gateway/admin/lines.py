"""Words that several command lines have in common."""

from __future__ import annotations

import argparse

LISTED_MAX = 1_000


def add_limit(parser: argparse.ArgumentParser) -> None:
    """Adds `--limit`, the most that a list shows."""
    parser.add_argument("--limit", type=int, default=100, choices=range(1, LISTED_MAX + 1), metavar=f"1-{LISTED_MAX}")
