"""Judges the learned router in whole: `make learned`. Prints regrets, and exits 1 where one is not below its peer's.

ParetoBandit routes the same worlds in an environment of its own, in each of several ways; the best of them in hindsight
is what ours is compared with. Regrets, and the best possible beside them, are in rewards, of which each request can
bring at most one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import orjson

from gateway.learning.evaluation import reward
from tests.environments import ROOT, python_with, run
from tests.learning.logs import covered
from tests.learning.router import Router
from tests.learning.world import (
    LEARNED,
    MODELS,
    QUALITIES,
    TRAFFIC_CLASSES,
    Request,
    World,
    best_fixed,
    best_fixed_by_class,
    best_possible,
)


def told(requests: list[Request]) -> list[dict[str, object]]:
    """The requests as the peer reads them: a reward is told for what was rated, or has failed."""
    return [
        {
            "class": TRAFFIC_CLASSES.index(each.request_class),
            "prices": each.prices,
            "worths": [answer.worth for answer in each.answers],
            "qualities": [
                float(answer.liked and answer.succeeded) if each.is_rated or not answer.succeeded else None
                for answer in each.answers
            ],
            "rewards": [
                reward(
                    LEARNED,
                    liking=float(answer.liked),
                    succeeded=answer.succeeded,
                    seconds=answer.seconds,
                    cost=answer.cost,
                )
                if each.is_rated or not answer.succeeded
                else None
                for answer in each.answers
            ],
        }
        for each in requests
    ]


def compared(seed: int, count: int, rated: float, python: str) -> bool:
    """Routes one world by ours and by the peer; true where ours has less regret than the others."""
    world = World(seed, LEARNED, rated=rated)
    requests = [world.request() for _ in range(count)]
    best = best_possible(requests)
    router = Router(LEARNED, seed)
    ours = best - sum(router.serve(each) for each in requests)
    fixed, by_class = best - best_fixed(requests), best - best_fixed_by_class(requests)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "world.json"
        priors = [quality / 100 for quality in QUALITIES]
        file.write_bytes(
            orjson.dumps(
                {
                    "seed": seed,
                    "models": MODELS,
                    "classes": len(TRAFFIC_CLASSES),
                    "priors": priors,
                    "requests": told(requests),
                }
            )
        )
        worths: dict[str, float] = orjson.loads(run([python, "tests/learning/paretobandit.py", str(file)], ROOT))
    peers = {way: best - worth for way, worth in worths.items()}
    sys.stdout.write(
        f"{seed:>4} {rated:>5.0%} {best:>8.0f} {ours:>7.0f} {fixed:>10.0f} {by_class:>17.0f}   "
        + ", ".join(f"{way} {regret:.0f}" for way, regret in sorted(peers.items(), key=lambda pair: pair[1]))
        + "\n"
    )
    sys.stdout.flush()
    return ours < min(fixed, *peers.values())


def main() -> int:
    """Compares on as many seeds as asked, with every request rated and with a quarter of them."""
    seeds, count = int(sys.argv[1]), int(sys.argv[2])
    python = python_with("paretobandit")
    sys.stdout.write(f"{count} requests\nseed rated possible    ours best-fixed best-fixed-by-class  ParetoBandit\n")
    results = [compared(seed, count, rated, python) for rated in (1.0, 0.25) for seed in range(seeds)]
    sys.stdout.write(f"less regret than best-fixed and ParetoBandit in {sum(results)} of {len(results)}\n")
    counts = covered(range(20), 2_000)
    sys.stdout.write(f"of 20 estimates, in their intervals: IPS {counts[0]}, doubly robust {counts[1]}\n")
    return 0 if all(results) and min(counts) >= 19 else 1


if __name__ == "__main__":
    sys.exit(main())
