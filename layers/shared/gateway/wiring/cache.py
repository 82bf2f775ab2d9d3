"""Builds the cache of answers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.pipeline.caching import AnswerCache
from gateway.wiring.answers import answers, questions
from gateway.wiring.process import process
from gateway.wiring.providers import provider_client

if TYPE_CHECKING:
    from gateway.pipeline.meaning import Meanings


@cache
def answer_cache() -> AnswerCache:
    """The cache of this deployment."""
    return AnswerCache(answers(), process().clock, meanings)


@cache
def meanings() -> Meanings:
    """The semantic cache of this deployment."""
    from gateway.operations.question_vectors import QuestionVectors  # noqa: PLC0415  # keys with it alone load it
    from gateway.pipeline.meaning import Meanings  # noqa: PLC0415  # likewise
    from gateway.protocols import openai_embeddings  # noqa: PLC0415  # likewise
    from gateway.wiring.embeddings import embeddings  # noqa: PLC0415  # likewise

    on, providers = process(), provider_client()
    vectors = QuestionVectors(embeddings(openai_embeddings.CLIENT), providers, on.clock, on.settings.cache_embedding)
    return Meanings(questions(), vectors, providers, on.clock, on.settings.cache_checked_share)
