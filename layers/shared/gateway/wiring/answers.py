"""Builds the store of cached answers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.ports.answers import CachedAnswers
from gateway.stores.answers import DynamoAnswers
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process

if TYPE_CHECKING:
    from gateway.ports.questions import CachedQuestions


@cache
def answers() -> CachedAnswers:
    """The answers that accounts keep."""
    on = process()
    return DynamoAnswers(on.aws, on.settings.cache_table, bucket_objects(on.settings.answers_bucket))


@cache
def questions() -> CachedQuestions:
    """The questions that those answers are of, and the checks of keys."""
    from gateway.stores.questions import DynamoQuestions  # noqa: PLC0415  # the semantic cache alone needs it

    return DynamoQuestions(process().aws, process().settings.cache_table)
