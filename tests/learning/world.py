"""Simulates traffic to eight models in six classes, whose quality and price drift: what each would have answered.

Every figure of a world comes from its seed, for all models at once, so that routers are compared on the same requests
and the best choice is known. Qualities wander, and jump now and then; list prices change, which the catalog knows at
once; true times and costs differ from the catalog's by factors of each model's own, which it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp, sqrt
from random import Random

from msgspec import Struct

from gateway.learning.choice import Option
from gateway.learning.classes import CLASSES
from gateway.learning.evaluation import reward
from gateway.learning.policy import Policy

LEARNED = Policy("learned", 100, "learned")
MODELS = tuple(f"provider/model-{letter}" for letter in "abcdefgh")
TRAFFIC_CLASSES = CLASSES[:6]
# USD per million tokens, one price for all; usual qualities of the catalog, and seconds of an answer of 500 tokens.
_PRICES = (0.3, 0.6, 1.0, 2.0, 3.5, 6.0, 10.0, 15.0)
QUALITIES = (38, 46, 55, 60, 68, 74, 80, 86)
_SECONDS = (2.0, 3.0, 2.5, 5.0, 6.0, 4.0, 12.0, 9.0)
_TOKENS = 800
_NOISE = 0.5
# Three points by which a normal variable's mean of a function is taken, with their weights.
_NODES = ((-sqrt(3), 1 / 6), (0.0, 2 / 3), (sqrt(3), 1 / 6))


class Answer(Struct, frozen=True):
    """The answer of one model to one request: `worth` is the mean reward, over all that is chance."""

    liked: bool
    succeeded: bool
    seconds: float
    cost: float
    worth: float


class Request(Struct, frozen=True):
    """One request, with what the catalog lets expect and what would come of each model."""

    request_class: str
    rater: str
    is_rated: bool
    prices: tuple[float, ...]
    options: tuple[Option, ...]
    answers: tuple[Answer, ...]


class World:
    """The requests of a seed, whose worth is by a policy's weights.

    `degrades` makes one model bad, in one class, after so many of the class's requests.
    """

    def __init__(
        self,
        seed: int,
        policy: Policy = LEARNED,
        *,
        rated: float = 1.0,
        drifts: bool = True,
        degrades: tuple[str, str, int] | None = None,
    ) -> None:
        self._random = draw = Random(seed)
        self._policy = policy
        self._rated = rated
        self._drifts = drifts
        self._degrades = degrades
        self._served = dict.fromkeys(TRAFFIC_CLASSES, 0)
        self._prices = list(_PRICES)
        self.qualities: dict[str, list[float]] = {
            each: [_bounded(quality / 100 + draw.gauss(0, 0.12)) for quality in QUALITIES] for each in TRAFFIC_CLASSES
        }
        self._reliable = [draw.uniform(0.96, 0.999) for _ in MODELS]
        self._slower = [draw.gauss(0, 0.35) for _ in MODELS]
        self._dearer = [draw.gauss(0, 0.35) for _ in MODELS]
        self._mix = [draw.uniform(0.5, 1.5) for _ in TRAFFIC_CLASSES]

    def request(self) -> Request:
        """The next request."""
        draw = self._random
        if self._drifts:
            self._drift()
        request_class = draw.choices(TRAFFIC_CLASSES, self._mix)[0]
        self._served[request_class] += 1
        length = exp(draw.gauss(0, 0.5))
        options = tuple(
            Option(name, seconds * (0.4 + 0.6 * length), price * _TOKENS * length * 1000, quality)
            for name, seconds, price, quality in zip(MODELS, _SECONDS, self._prices, QUALITIES, strict=True)
        )
        rater, is_rated = f"account-{int(draw.paretovariate(0.7)) % 40}", draw.random() < self._rated
        answers = tuple(self._answer(place, request_class, option) for place, option in enumerate(options))
        return Request(request_class, rater, is_rated, tuple(self._prices), options, answers)

    def _answer(self, place: int, request_class: str, option: Option) -> Answer:
        draw, quality = self._random, self._quality(place, request_class)
        worth = sum(weight * self._reward(place, option, quality, point) for point, weight in _NODES)
        seconds = option.seconds * exp(self._slower[place] + draw.gauss(0, _NOISE))
        cost = option.cost * exp(self._dearer[place] + draw.gauss(0, _NOISE))
        liked, succeeded = draw.random() < quality, draw.random() < self._reliable[place]
        return Answer(liked, succeeded, seconds, cost, self._reliable[place] * worth)

    def _reward(self, place: int, option: Option, quality: float, point: float) -> float:
        # Time and cost stand in a sum, so that one point may serve both.
        seconds = option.seconds * exp(self._slower[place] + _NOISE * point)
        cost = option.cost * exp(self._dearer[place] + _NOISE * point)
        return reward(self._policy, liking=quality, succeeded=True, seconds=seconds, cost=cost)

    def _quality(self, place: int, request_class: str) -> float:
        if self._degrades is not None:
            model, where, since = self._degrades
            if MODELS[place] == model and where == request_class and self._served[where] > since:
                return self.qualities[request_class][place] * 0.35
        return self.qualities[request_class][place]

    def _drift(self) -> None:
        """Moves all qualities a little at every 20th request, one by much at every 1,000th or so, and a price."""
        draw = self._random
        if draw.random() < 1 / 20:
            for row in self.qualities.values():
                row[:] = [_bounded(quality + draw.gauss(0, 0.006)) for quality in row]
        if draw.random() < 1 / 1_000:
            row = self.qualities[draw.choice(TRAFFIC_CLASSES)]
            place = draw.randrange(len(MODELS))
            row[place] = _bounded(row[place] + draw.choice((-0.3, 0.3)))
        if draw.random() < 1 / 2_500:
            place = draw.randrange(len(MODELS))
            self._prices[place] *= draw.choice((0.4, 0.6, 1.7))


def _bounded(quality: float) -> float:
    return min(max(quality, 0.05), 0.97)


def best_fixed(requests: list[Request]) -> float:
    """The worth of one model for all requests, the best one in hindsight."""
    return max(sum(each.answers[place].worth for each in requests) for place in range(len(MODELS)))


def best_fixed_by_class(requests: list[Request]) -> float:
    """The worth of one model for each class, the best ones in hindsight."""
    sums: Mapping[str, list[float]] = {each: [0.0] * len(MODELS) for each in TRAFFIC_CLASSES}
    for request in requests:
        row = sums[request.request_class]
        for place, answer in enumerate(request.answers):
            row[place] += answer.worth
    return sum(max(row) for row in sums.values())


def best_possible(requests: list[Request]) -> float:
    """The worth of the best model for each request, as one would choose who knows all but chance."""
    return sum(max(answer.worth for answer in request.answers) for request in requests)
