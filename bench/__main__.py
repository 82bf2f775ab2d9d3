"""Measures ours beside relays and other gateways, every figure beside its bar: `python -m bench [--quick]`."""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench import (
    bed,
    calls,
    cold,
    comparison,
    cost,
    growth,
    layer_size,
    list_prices,
    many,
    memory,
    peers,
    quota,
    report,
    short,
    warm,
)
from bench.figures import Figure
from bench.rounds import FULL, QUICK, Counts

OTHERS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "catalog": list_prices.main,
    "cost": lambda _: cost.main(),
    "growth": lambda _: growth.main(),
    "many": lambda _: many.main(),
    "install-peers": lambda _: peers.install(),
    "short": lambda chosen: short.main(write=chosen.write),
}


async def measure(counts: Counts, layer: Path | None = None) -> tuple[list[Figure], warm.Results]:
    """Measures every figure, in printing order; raises Unanswered if a process fails."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        data = Path(folder)
        async with bed.open_bed(layer, data) as laid:
            starts = await cold.measure(laid, counts)
            results = await warm.measure(laid, counts, peers.servers(laid, data))
            return [
                *starts,
                *comparison.figures(results),
                *await memory.measure(laid, counts),
                *await calls.measure(laid),
                *layer_size.measure(),
            ], results


def notes(results: warm.Results) -> list[str]:
    """Says what was left out, and why."""
    with quota.limited() as procs:
        unlimited = [] if procs else [quota.ABSENT]
    absent = [name for name in peers.INSTALLED if name not in results]
    return unlimited + ([f"Not installed (make bench-peers): {', '.join(absent)}."] if absent else [])


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and prints; the exit status is 0 even where a bar is missed: a shared machine cannot judge times."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "part", nargs="?", choices=["full", *OTHERS], default="full", help="what is measured or written"
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions: two minutes in place of ten")
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
    figures, results = asyncio.run(measure(QUICK if chosen.quick else FULL, chosen.layer and chosen.layer.resolve()))
    took = f"Measured in {time.monotonic() - began_s:.0f} s."
    report.tell("full", figures, notes=[*notes(results), took], beside=results)
    print(
        f"\nMedians of each, in one run; in brackets as a multiple of the chat function's:\n{comparison.table(results)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
