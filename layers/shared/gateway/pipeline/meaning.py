"""Finds the answer to another wording of a request's question, and measures how often such an answer is wrong.

The question's vector is made beside the admission, at the deployment's cost, and compared with those of questions that
were answered: `gateway.cache.semantic` judges the nearest. A share of the hits is asked again upstream once the caller
has its answer, at the deployment's cost, and the two answers are compared. A key whose answers disagree too often has
no more such hits. docs/adr/0052-semantic-cache.md has the reasons.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from random import SystemRandom
from typing import Any, Protocol

from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.cache.semantic import Wording, agree, disagrees_too_often, is_hit, similarity
from gateway.errors import GatewayError, ServiceUnavailable
from gateway.pipeline.asking import asked_once
from gateway.pipeline.beside import begun
from gateway.pipeline.context import RequestContext
from gateway.pipeline.later import later
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.clock import Clock
from gateway.ports.questions import CachedQuestions, Partition, Question
from gateway.routing.plan import Candidate

# The time that a question may cost its request, of which most runs beside the admission.
FIND_WITHIN_S = 1.5
KEEP_WITHIN_S = 2.0
CHECK_WITHIN_S = 60.0
# The nearest questions that the gates judge.
JUDGED_MAX = 16
# A key that has stopped is known to every process after so long.
STOPPED_FOR_S = 60.0
CHANCE = SystemRandom()

log = logging.getLogger(__name__)


class Embeddings(Protocol):
    """Makes vectors of questions."""

    @property
    def name(self) -> str:
        """The model and the size of the vectors: others do not compare."""

    async def vector(self, text: str, principal: Principal) -> bytes | None:
        """Returns the text's packed vector; `None` where no provider that the caller may reach has made one."""


class Meanings:
    """The semantic cache of one deployment; `share` of its hits are checked."""

    def __init__(
        self,
        questions: CachedQuestions,
        embeddings: Embeddings,
        providers: ProviderClient,
        clock: Clock,
        share: float,
    ) -> None:
        self.questions = questions
        self.embeddings = embeddings
        self.providers = providers
        self.clock = clock
        self.share = share
        self._stopped: dict[str, tuple[float, frozenset[str]]] = {}

    async def has_stopped(self, account_id: str, key_id: str) -> bool:
        """True for a key whose answers have disagreed too often."""
        now_s = self.clock.monotonic_s()
        read_at_s, stopped = self._stopped.get(account_id, (-STOPPED_FOR_S, frozenset()))
        if now_s - read_at_s >= STOPPED_FOR_S:
            checks = await self.questions.checks(account_id)
            stopped = frozenset(key for key, each in checks.items() if each.stopped_at_s is not None)
            self._stopped[account_id] = (now_s, stopped)
        return key_id in stopped


class Found(Struct, frozen=True):
    """A question's vector, and the nearest question that may share its answer."""

    vector: bytes
    question: Question | None


class Asked:
    """The question of one request."""

    def __init__(self, meanings: Meanings, context: RequestContext[Any, Any], wording: Wording) -> None:
        self._meanings = meanings
        self._context = context
        self._wording = wording
        self._looking = begun(self._look())

    async def answer_name(self) -> str | None:
        """The name of the answer to another wording; `None` where there is none."""
        found = await self._looking
        return None if found is None or found.question is None else found.question.answer

    async def keep(self, model_id: str, answer_name: str, expires_at_s: int) -> None:
        """Keeps the question with the name of its answer."""
        found = await self._looking
        if found is not None:
            question = Question(self._wording.text, found.vector, answer_name, expires_at_s)
            await self._meanings.questions.add(self._partition(model_id), question)

    def check(self, text: str, candidate: Candidate[Any], text_of: Callable[[Any], str]) -> None:
        """Has the provider answer the question too, for a share of the hits, once the caller has its answer.

        One that is answered with the account's own key is not checked: it would be paid by the account.
        """
        if candidate.own is None and CHANCE.random() < self._meanings.share:
            later(self._checked(text, candidate, text_of))

    def close(self) -> None:
        """Gives up what is still under way."""
        self._looking.cancel()

    def _partition(self, model_id: str) -> Partition:
        name = self._wording.partition(model_id, self._meanings.embeddings.name)
        return Partition(self._context.account_id, name)

    async def _look(self) -> Found | None:
        meanings, context, key = self._meanings, self._context, self._context.inbound.principal.key
        try:
            async with asyncio.timeout(FIND_WITHIN_S):
                if await meanings.has_stopped(context.account_id, key.key_id):
                    return None
                vector = await meanings.embeddings.vector(self._wording.text, context.inbound.principal)
                if vector is None:
                    return None
                partition = self._partition(context.plan.candidates[0].model.id)
                near = await meanings.questions.nearest(partition, vector, meanings.clock.now_s(), JUDGED_MAX)
            wording = self._wording
            hits = (
                each for alike, each in near if is_hit(alike, wording.text, each.text, threshold=wording.threshold)
            )  # fmt: skip
            return Found(vector, next(hits, None))
        except (TimeoutError, ServiceUnavailable):
            log.warning("a question was not looked up")
        except Exception:
            # A vector or a text of a form that was not foreseen: the request goes on as without a cache.
            log.exception("a question cannot be looked up")
        return None

    async def _checked(self, text: str, candidate: Candidate[Any], text_of: Callable[[Any], str]) -> None:
        """Asks again, compares, and counts; ends the key's hits where too many disagree."""
        meanings, context = self._meanings, self._context
        principal, key_id = context.inbound.principal, context.inbound.principal.key.key_id
        try:
            async with asyncio.timeout(CHECK_WITHIN_S):
                now_s = meanings.clock.now_s()
                request, operation = context.request, context.operation
                fresh = text_of(await asked_once(meanings.providers, operation, request, candidate, principal, now_s))
                vectors = [await meanings.embeddings.vector(each, principal) for each in (text, fresh)]
                alike = similarity(vectors[0], vectors[1]) if vectors[0] and vectors[1] else 0.0
                agreed = agree(text, fresh, alike)
                counts = await meanings.questions.note(context.account_id, key_id, agreed=agreed)
                if not disagrees_too_often(counts.checked, counts.disagreed):
                    return
                await meanings.questions.stop(context.account_id, key_id, now_s)
        except (TimeoutError, GatewayError) as failure:
            log.warning("a hit by meaning was not checked: %s", type(failure).__name__)
            return
        log.warning(
            "the semantic cache of key %s has stopped: %d of %d checked answers disagree",
            key_id,
            counts.disagreed,
            counts.checked,
        )
