"""Prints the chat function's costs beside their budgets: `python -m bench [--quick] [--json]`."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import orjson

from bench import (
    bed,
    calls,
    cold,
    cost,
    families,
    growth,
    layer_size,
    list_prices,
    many,
    memory,
    peers,
    quota,
    requests,
    short,
    streams,
)
from bench.figures import Figure, as_json, as_table
from bench.rounds import FULL, QUICK, Counts

OTHERS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "catalog": list_prices.main,
    "cost": lambda _: cost.main(),
    "growth": lambda _: growth.main(),
    "many": many.main,
    "install-peers": lambda _: peers.install(),
    "peers": lambda chosen: peers.main(as_json=chosen.json),
    "short": lambda chosen: short.main(write=chosen.write),
}


async def measure(counts: Counts, layer: Path | None = None) -> list[Figure]:
    """Measures every figure, in printing order; raises Unanswered if the function fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as data:
        async with bed.open_bed(layer, Path(data)) as started:
            return [
                *await cold.measure(started, counts),
                *await families.measure(started, counts),
                *await requests.measure(started, counts),
                *await streams.measure(started, counts),
                *await quota.measure(started, counts),
                *await memory.measure(started, counts),
                *await calls.measure(started),
                *layer_size.measure(),
            ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; the exit status is 0 even over a budget, because a shared machine cannot judge times."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part", nargs="?", choices=["full", *OTHERS], default="full", help="what is measured or written"
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: half a minute in place of three")
    parser.add_argument("--json", action="store_true", help="one JSON line in place of the table")
    parser.add_argument("--layer", type=Path, help="measure this layer in place of layers/shared")
    parser.add_argument("--accept", metavar="MODELS", help="catalog: whose prices were looked at, with commas between")
    parser.add_argument("--write", action="store_true", help="short: write the baseline")
    chosen = parser.parse_args(arguments)
    # The template's translator warns about values that it would look up in AWS.
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    if chosen.part in OTHERS:
        return OTHERS[chosen.part](chosen)
    if not Path("/proc/self/schedstat").exists():
        print("CPU times come from Linux's /proc/PID/schedstat, which is not here.", file=sys.stderr)
        return 1
    began_s = time.monotonic()
    layer = chosen.layer.resolve() if chosen.layer else None
    figures = asyncio.run(measure(QUICK if chosen.quick else FULL, layer))
    if chosen.json:
        print(orjson.dumps({"figures": as_json(figures)}).decode())
    else:
        print(as_table(figures))
        print(f"\nEach figure is explained in docs/performance.md. Measured in {time.monotonic() - began_s:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
