"""The draw: a part of the largest tables and campaigns, which each commit chooses anew.

`make check` sets `DRAW` to the commit, and a third of their cases runs. Without it, as in `make test` by hand, all run.
"""

import os
import zlib
from collections.abc import Callable, Iterable
from typing import TypeVar

SEED = os.environ.get("DRAW", "")
# One case of so many is kept.
OF = 3
T = TypeVar("T")


def drawn(cases: Iterable[T], name: Callable[[T], str] = str, *, seed: str = SEED) -> list[T]:
    """Returns a third of the cases, rounded up and in their order, by the seed and their names; without a seed all."""
    found = list(cases)
    if not seed:
        return found
    ranked = sorted(range(len(found)), key=lambda place: zlib.crc32(f"{seed} {name(found[place])}".encode()))
    return [found[place] for place in sorted(ranked[: -(-len(found) // OF)])]
