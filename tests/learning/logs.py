"""Logs of a policy on worlds that stand still, and how often estimates of another one hold its true worth."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from gateway.learning.choice import propensities
from gateway.learning.evaluation import Evaluation, Logged, evaluated
from gateway.learning.policy import Exploration, Policy, Weights
from tests.learning.router import Router
from tests.learning.world import LEARNED, MODELS, Request, World

# The policy that is asked about: other weights, and more thrift.
CHANGED = Policy(
    "changed",
    100,
    "learned",
    weights=Weights(rating=0.3, success=0.2, latency=0.1, cost=0.4),
    exploration=Exploration(share=0.3, least=0.01, extra_cost=0.5),
)
# The policy that logs: it explores more than the default, which is what its log is for.
LOGGING = Policy("logging", 100, "learned", exploration=Exploration(share=0.4, least=0.04, extra_cost=10.0))


def evaluation(seed: int, count: int) -> tuple[Evaluation, float]:
    """Returns what the log of one seed says of the changed policy, and the policy's true worth on the same requests.

    A first part of the traffic teaches the tables, which both policies then choose by.
    """
    world = World(seed, CHANGED, rated=0.5, drifts=False)
    router = Router(LEARNED, seed)
    for _ in range(300):
        router.serve(world.request())
    draw = Random(f"log {seed}")
    log: list[Logged] = []
    shares_of: dict[int, list[float]] = {}
    true = 0.0
    for _ in range(count):
        request = world.request()
        shares = _shares(router, request, LOGGING)
        place = draw.choices(range(len(MODELS)), shares)[0]
        log.append(_logged(request, place, shares[place]))
        changed = shares_of[id(log[-1])] = _shares(router, request, CHANGED)
        true += sum(share * answer.worth for share, answer in zip(changed, request.answers, strict=True))
    return evaluated(log, lambda each: shares_of[id(each)], CHANGED), true / count


def covered(seeds: Iterable[int], count: int) -> tuple[int, int]:
    """Counts the seeds whose intervals hold the true worth: by IPS, and by the doubly robust estimate."""
    ips = robust = 0
    for seed in seeds:
        found, true = evaluation(seed, count)
        ips += found.ips.low <= true <= found.ips.high
        robust += found.doubly_robust.low <= true <= found.doubly_robust.high
    return ips, robust


def _shares(router: Router, request: Request, policy: Policy) -> list[float]:
    return [each.propensity for each in propensities(request.options, router.tables[request.request_class], policy)]


def _logged(request: Request, place: int, propensity: float) -> Logged:
    answer = request.answers[place]
    return Logged(
        request.request_class,
        request.options,
        MODELS[place],
        propensity,
        answer.succeeded,
        answer.seconds,
        answer.cost,
        answer.liked if request.is_rated and answer.succeeded else None,
    )
