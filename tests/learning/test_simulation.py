"""Holds the learned router on small worlds; `make learned` judges it in whole, beside ParetoBandit."""

from __future__ import annotations

from gateway.learning.choice import propensities
from tests.learning.logs import covered
from tests.learning.router import Router
from tests.learning.world import LEARNED, MODELS, TRAFFIC_CLASSES, Request, World, best_fixed, best_possible

CLASS = TRAFFIC_CLASSES[0]


def of_one_class(world: World, count: int) -> list[Request]:
    """The next requests of the first class."""
    found: list[Request] = []
    while len(found) < count:
        request = world.request()
        if request.request_class == CLASS:
            found.append(request)
    return found


def most_used(router: Router, requests: list[Request]) -> tuple[str, float]:
    """The model that was chosen most, and its share."""
    chosen = []
    for request in requests:
        chosen.append(router.choose(request).chosen)
        router.learn(request, chosen[-1])
    name = max(MODELS, key=chosen.count)
    return name, chosen.count(name) / len(chosen)


def test_regret_is_below_that_of_the_best_model_for_all() -> None:
    world = World(0)
    requests = [world.request() for _ in range(2_000)]
    router = Router(LEARNED, 0)
    assert sum(router.serve(each) for each in requests) > best_fixed(requests)
    assert best_fixed(requests) < best_possible(requests)


def test_a_model_that_degrades_loses_nine_tenths_of_its_traffic_within_500_requests_of_its_class() -> None:
    router = Router(LEARNED, 5)
    name, before = most_used(router, of_one_class(World(5, drifts=False), 300)[150:])
    world = World(5, drifts=False, degrades=(name, CLASS, 0))
    most_used(router, of_one_class(world, 400))
    later = of_one_class(world, 100)
    after = sum(router.choose(request).chosen == name for request in later) / len(later)
    assert before > 0.5
    assert after <= before / 10


def test_estimates_of_another_policy_hold_its_true_worth() -> None:
    assert min(covered(range(4), 300)) >= 3


def test_ratings_spammed_by_one_rater_move_a_route_less_than_those_of_many() -> None:
    def share_after(raters: int) -> float:
        router = Router(LEARNED, 6)
        world = World(6, drifts=False)
        name, _ = most_used(router, of_one_class(world, 250))
        table = router.tables[CLASS]
        for number in range(400):
            table = router.rate(table, CLASS, f"spam-{number % raters}", name, liked=False)
        shown = propensities(of_one_class(world, 1)[0].options, table, LEARNED)
        return next(each.propensity for each in shown if each.option.arm == name)

    assert share_after(400) < 0.05
    assert share_after(1) > 0.5
