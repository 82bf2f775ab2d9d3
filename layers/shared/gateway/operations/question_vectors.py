"""Makes vectors of questions by a catalog's embedding model, at the deployment's cost."""

from __future__ import annotations

import logging

import orjson
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.cache.semantic import packed
from gateway.canonical.embeddings import FLOAT, EmbeddingsRequest
from gateway.errors import GatewayError
from gateway.operations.embeddings import EmbeddingsOperation
from gateway.pipeline.asking import asked_once
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.clock import Clock

# Enough to find a question's neighbours: the gates judge what is near.
DIMENSIONS = 256

log = logging.getLogger(__name__)


class QuestionVectors:
    """`Embeddings` by one model, at the first of its targets that the caller's region policy allows."""

    def __init__(self, operation: EmbeddingsOperation, providers: ProviderClient, clock: Clock, model: str) -> None:
        self._operation = operation
        self._providers = providers
        self._clock = clock
        self._model = model

    @property
    def name(self) -> str:
        return f"{self._model} {DIMENSIONS}"

    async def vector(self, text: str, principal: Principal) -> bytes | None:
        request = EmbeddingsRequest("", self._model, (text,), len(text.encode()), dimensions=DIMENSIONS)
        # The caller has not asked for this model: neither its list of models nor its own provider keys count.
        asker = replace(principal, key=replace(principal.key, allowed_models=()), own_keys=())
        try:
            candidate = self._operation.plan(asker, request).candidates[0]
            made = await asked_once(self._providers, self._operation, request, candidate, asker, self._clock.now_s())
        except GatewayError as failure:
            log.warning("a question has no vector: %s", type(failure).__name__)
            return None
        return packed(orjson.loads(memoryview(made.vectors[FLOAT][0])))
