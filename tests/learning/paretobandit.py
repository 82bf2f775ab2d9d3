"""Routes a world's requests by the package ParetoBandit, in an environment of its own (tests/learning/comparison.py).

Reads a world from a file: for each request the class's place, the reward and the quality that each model would bring
(nothing where it is not told), the prices, and what each choice is worth. Prints what each way to set it came to.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pareto_bandit import BanditRouter
from pareto_bandit.config import BEST_K3_HPARAMS, BEST_K3_TABULA_RASA_HPARAMS
from pareto_bandit.feature_service import FeatureService
from pareto_bandit.utils.warmup import get_heuristic_prior

# By name: exploration, forgetting, the penalty of cost, and the observations that the catalog's quality counts as.
# With a penalty it learns the quality, and weighs the cost itself; without one it learns the whole reward.
PAPER, COLD = BEST_K3_HPARAMS, BEST_K3_TABULA_RASA_HPARAMS
WAYS: dict[str, tuple[float, float, float, float]] = {
    "its parameters": (PAPER["alpha"], PAPER["forgetting_factor"], 0.0, 5.0),
    "its cold parameters": (COLD["alpha"], COLD["forgetting_factor"], 0.0, 5.0),
    "its penalty": (PAPER["alpha"], PAPER["forgetting_factor"], 0.3, 5.0),
    # The best of a grid of 16 on seed 0, and its neighbours: its own explore too little for worlds without its priors.
    "more exploration": (0.2, COLD["forgetting_factor"], 0.0, 5.0),
    "more, and less forgetting": (0.5, 0.9995, 0.0, 0.0),
}


def routed(world: dict[str, Any], way: str, seed: int) -> float:
    """The worth of all choices."""
    alpha, forgetting, penalty, prior = WAYS[way]
    registry = {name: {"input_cost_per_m": 1.0, "output_cost_per_m": 1.0} for name in world["models"]}
    classes: int = world["classes"]
    router = BanditRouter.create(
        model_registry=registry,
        priors="none",
        feature_service=FeatureService.for_precomputed(classes),
        bandit_seed=seed,
        alpha=alpha,
        forgetting_factor=forgetting,
        cost_penalty=penalty,
    )
    if prior:
        for name, quality in zip(world["models"], world["priors"], strict=True):
            dim = router.features.dimension
            router.bandit.A[name], router.bandit.b[name] = get_heuristic_prior(
                {"initial_quality": quality}, dim, n_effective=prior
            )
            router.bandit.A[name] += np.eye(dim)
        router.bandit.refresh_inverse_cache()
    contexts = np.eye(classes)
    prices: list[float] = []
    found = 0.0
    for request in world["requests"]:
        if request["prices"] != prices:
            prices = request["prices"]
            for name, price in zip(world["models"], prices, strict=True):
                router.update_model_pricing(name, input_cost_per_m=price, output_cost_per_m=price)
        chosen, log = router.route(contexts[request["class"]], input_tokens=400, output_tokens=400)
        place = world["models"].index(chosen)
        reward = request["qualities" if penalty else "rewards"][place]
        if reward is not None:
            router.process_feedback(log.request_id, reward)
        found += request["worths"][place]
    return found


def main() -> None:
    """Routes the world of the file in all ways."""
    logging.disable(logging.WARNING)
    world = json.loads(Path(sys.argv[1]).read_text())
    sys.stdout.write(json.dumps({way: routed(world, way, world["seed"]) for way in WAYS}))


if __name__ == "__main__":
    main()
