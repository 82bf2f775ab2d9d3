"""Learns from a row of outcomes and ratings: the tables and raters after them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from gateway.learning.evidence import Outcome, Table, learned
from gateway.learning.raters import Counted, Rater, rated, rated_again
from gateway.ports.feedback import day_of
from gateway.ports.routes import RatingName, Record, RoutedOutcome, RoutedRating


class Lesson(Struct):
    """All that is known before a row of records, and after it.

    Tables are by class, raters by account and class. `explored` is the money that exploration was expected to cost on
    a UTC day.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    raters: dict[tuple[str, str], Rater] = field(default_factory=dict)
    counted: dict[RatingName, Counted] = field(default_factory=dict)
    explored_day: str = ""
    explored: float = 0.0

    def learn(self, records: Sequence[Record]) -> None:
        """Learns from records, in their order."""
        for record in records:
            if isinstance(record, RoutedOutcome):
                self._take(record)
            else:
                self._rate(record)

    def _take(self, outcome: RoutedOutcome) -> None:
        day = day_of(outcome.at_s)
        if day > self.explored_day:
            self.explored_day, self.explored = day, 0.0
        if day == self.explored_day and outcome.tried == outcome.chosen:
            self.explored += outcome.explored
        table = self.tables.get(outcome.request_class, Table())
        self.tables[outcome.request_class] = learned(table, evidence_of(outcome), outcome.at_s)

    def _rate(self, rating: RoutedRating) -> None:
        place = (rating.account_id, rating.request_class)
        table, rater = self.tables.get(rating.request_class, Table()), self.raters.get(place, Rater())
        before = self.counted.get(rating.name)
        if before is None:
            table, rater, counted = rated(table, rater, rating.arm, liked=rating.liked)
        else:
            table, rater, counted = rated_again(table, rater, before, liked=rating.liked)
        self.tables[rating.request_class], self.raters[place] = table, rater
        self.counted[rating.name] = counted


def evidence_of(outcome: RoutedOutcome) -> Outcome:
    """The outcome as a table takes it: measured beside what was expected for what the request has come to."""
    option = outcome.option
    return Outcome(
        outcome.tried,
        outcome.succeeded,
        outcome.seconds,
        0.0 if option is None else option.seconds,
        outcome.cost,
        0.0 if option is None else option.cost,
    )
