"""Routes a world's requests by the room's own functions, as a deployment would: decides, then learns from outcomes."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from gateway.learning.choice import Decision, decided
from gateway.learning.evidence import Outcome, Table, learned
from gateway.learning.policy import Policy
from gateway.learning.raters import Rater, rated
from tests.learning.world import MODELS, Answer, Request


class Router:
    """The state of one deployment."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self._policy = policy
        self._random = Random(f"router {seed}")
        self.tables: dict[str, Table] = defaultdict(Table)
        self._raters: dict[tuple[str, str], Rater] = defaultdict(Rater)
        self._now_s = 1_000_000.0

    def choose(self, request: Request) -> Decision:
        """Decides for a request."""
        table = self.tables[request.request_class]
        return decided(
            request.options,
            table,
            self._policy,
            self._random.random(),
            version="1",
            request_class=request.request_class,
        )

    def learn(self, request: Request, arm: str) -> Answer:
        """Learns from what came of a request at an arm; returns that."""
        self._now_s += 1.0
        place = MODELS.index(arm)
        answer, option = request.answers[place], request.options[place]
        table = self.tables[request.request_class]
        outcome = Outcome(arm, answer.succeeded, answer.seconds, option.seconds, answer.cost, option.cost)
        table = learned(table, outcome, self._now_s)
        if request.is_rated and answer.succeeded:
            table = self.rate(table, request.request_class, request.rater, arm, liked=answer.liked)
        self.tables[request.request_class] = table
        return answer

    def rate(self, table: Table, request_class: str, rater: str, arm: str, *, liked: bool) -> Table:
        """The table after a rating."""
        table, self._raters[request_class, rater], _ = rated(
            table, self._raters[request_class, rater], arm, liked=liked
        )
        return table

    def serve(self, request: Request) -> float:
        """Decides, learns, and returns what the choice was worth."""
        return self.learn(request, self.choose(request).chosen).worth
