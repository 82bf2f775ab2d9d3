"""Tests of the vectors of questions: who is asked for them, and for what."""

import asyncio

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.cache.semantic import similarity
from gateway.catalog.embeddings import EMBEDDING_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.embeddings import EmbeddingsOperation
from gateway.operations.question_vectors import DIMENSIONS, QuestionVectors
from gateway.pipeline.provider_client import ProviderClient
from gateway.ports.upstream import Credential, UpstreamTimeouts
from gateway.protocols import openai_embeddings
from gateway.providers.embeddings.registry import KNOWN
from gateway.transport import Client
from gateway.upstream.provider import HttpUpstream
from local.providers.vectors import numbers
from tests.app.harness import ACCOUNT, RECORD, Scripted, sized
from tests.fakes.credentials import MemoryCredentials
from tests.stores.conftest import StoppedClock

pytestmark = pytest.mark.anyio

CALLER = Principal(ACCOUNT, RECORD)


async def vectors_of(status: int, principal: Principal, *texts: str) -> tuple[list[bytes | None], list[bytes]]:
    """The vectors of the texts by a provider that answers with a status; and the bodies that it was sent."""

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        vector = numbers("simulated", orjson.loads(scripted.bodies[number - 1])["input"][0], DIMENSIONS)
        data = [{"object": "embedding", "index": 0, "embedding": vector}]
        usage = {"prompt_tokens": 5, "total_tokens": 5}
        body = {"object": "list", "model": "text-embedding-3-small", "data": data, "usage": usage}
        writer.write(sized(status, orjson.dumps(body)))
        await writer.drain()

    scripted, clock = Scripted(script), StoppedClock()
    async with scripted, Client() as client:
        credentials = MemoryCredentials({"openai": Credential("sim-openai", scripted.base_url)})
        upstream = HttpUpstream(client, clock, 256, None)
        providers = ProviderClient(credentials, upstream, UpstreamTimeouts(2.0, 5.0, 5.0))
        operation = EmbeddingsOperation(openai_embeddings.CLIENT, LiveCatalog(EMBEDDING_MODELS, KNOWN))
        made = QuestionVectors(operation, providers, clock, "text-embedding-3-small")
        return [await made.vector(text, principal) for text in texts], scripted.bodies


async def test_a_questions_vector_is_asked_for_in_the_size_that_is_kept() -> None:
    (one, other), bodies = await vectors_of(200, CALLER, "How do I reset my password?", "What is a lease?")
    assert one is not None
    assert other is not None
    assert (len(one), len(other)) == (DIMENSIONS, DIMENSIONS)
    assert similarity(one, one) == pytest.approx(1.0)
    assert similarity(one, other) < 0.5
    asked = orjson.loads(bodies[0])
    assert (asked["model"], asked["dimensions"]) == ("text-embedding-3-small", DIMENSIONS)


async def test_a_key_that_allows_other_models_alone_has_vectors_too() -> None:
    caller = Principal(ACCOUNT, replace(RECORD, allowed_models=("gpt-4o",)))
    assert (await vectors_of(200, caller, "What is a lease?"))[0] != [None]


async def test_no_provider_is_asked_that_the_keys_region_policy_forbids() -> None:
    caller = Principal(ACCOUNT, replace(RECORD, region_policy="cn-only"))
    assert await vectors_of(200, caller, "What is a lease?") == ([None], [])


async def test_a_provider_that_fails_makes_no_vector() -> None:
    assert (await vectors_of(500, CALLER, "What is a lease?"))[0] == [None]
