"""Tests of Cohere's and Voyage's SDKs against their simulators, and of Cohere's against the gateway."""

from __future__ import annotations

from typing import Any

import pytest

from local.providers import rerank, tokens, vectors
from tests.conftest import Rows
from tests.environments import python_with
from tests.stack.conftest import Stack
from tests.stack.vendors.conftest import seen

TEXTS = ["How do I reset the VPN password?", "To reset the VPN password, ask the portal.", "The canteen opens at noon."]
EMBEDDER, RERANKER = "embed-v4.0", "rerank-v3.5"
SCORES = {index: rerank.score(TEXTS[0], text) for index, text in enumerate(TEXTS)}
BEST = sorted(SCORES, key=lambda index: -SCORES[index])[:2]


@pytest.fixture(scope="session")
def python() -> str:
    """Returns the Python of the two SDKs."""
    return python_with("embedding-sdks")


def check_cohere(told: Any) -> None:
    """Checks what Cohere's SDK has read, at Cohere and here alike."""
    assert told["float"] == [vectors.numbers(EMBEDDER, text, 1536) for text in TEXTS]
    assert (told["int8"], told["texts"], told["short"]) == ([1536] * 3, TEXTS, [256])
    assert told["tokens"] == sum(map(tokens.count, TEXTS))
    assert (told["ranked"], told["searches"]) == ([[index, SCORES[index]] for index in BEST], 1)


def test_coheres_sdk_embeds_and_ranks_at_the_simulator(python: str, rows: Rows) -> None:
    told = seen(python, "sdk_cohere.py", rows["cohere"], EMBEDDER, RERANKER, TEXTS)
    check_cohere(told)
    assert (told["bad_use"], told["bad_model"], told["bad_key"]) == (400, 404, 401)


def test_coheres_sdk_embeds_and_ranks_at_the_gateway(python: str, stack: Stack) -> None:
    row = {"base_url": stack.root_url, "api_key": stack.api_key}
    told = seen(python, "sdk_cohere.py", row, EMBEDDER, RERANKER, TEXTS)
    check_cohere(told)
    assert (told["bad_use"], told["bad_model"], told["bad_key"]) == (400, 404, 401)


def test_voyages_sdk_embeds_and_ranks_at_the_simulator(python: str, rows: Rows) -> None:
    told = seen(python, "sdk_voyage.py", rows["voyage"], TEXTS)
    assert told["vectors"] == [pytest.approx(vectors.numbers("voyage-3.5", text, 1024), abs=0) for text in TEXTS]
    assert (told["tokens"], told["short"]) == (sum(map(tokens.count, TEXTS)), [256])
    assert told["ranked"] == [[index, SCORES[index], TEXTS[index]] for index in BEST]
    assert told["rank_tokens"] == rerank.read_tokens(TEXTS[0], TEXTS)
    assert (told["bad_model"], told["bad_key"]) == (404, 401)
