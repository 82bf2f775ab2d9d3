"""Tests that each row of the catalog is answered by each of its providers, on a wire that the row is sold on.

The simulators refuse what the real ones do: another key, address or model, and members that a model does not take.
"""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from gateway.canonical.chat_models import ChatModel
from gateway.canonical.models import ModelTarget, Name, Retired
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import load
from gateway.operations.chat import ChatOperation, provider_of
from gateway.ports.upstream import CUSTOM, Credential
from gateway.protocols.openai_chat import CLIENT
from gateway.providers.chat.registry import KNOWN, PROVIDERS
from gateway.routing.plan import Candidate
from gateway.signatures import Vault
from tests.exchanged import exchanged
from tests.fakes.signatures import MemorySignatures
from tests.stores.conftest import StoppedClock

CATALOG = load(CHAT_MODELS, KNOWN)
ROWS = [(model, target) for model in CATALOG.models() for target in model.targets]
SAID = "Who wrote Emma?"
# The ids that the references of the contract name.
NAMED = (
    "gpt-5", "gpt-5.2-chat-latest", "gpt-4o", "o1", "o3", "o3-mini", "o4-mini", "claude-opus-4-5-20251101",
    "claude-sonnet-4-5-20250929", "claude-opus-4-7", "gemini-2.5-flash", "aws/claude-haiku-4-5", "deepseek-chat",
)  # fmt: skip


@pytest.mark.drawn
@pytest.mark.parametrize(
    ("model", "target"),
    ROWS,
    ids=[f"{model.id} {target.provider} {target.upstream_model}" for model, target in ROWS],
)
def test_a_row_is_answered_by_its_provider(
    model: ChatModel, target: ModelTarget[Any], credentials: dict[str, Credential]
) -> None:
    operation = ChatOperation(CLIENT, CATALOG, Vault(MemorySignatures(), StoppedClock()))
    body = {"model": model.id, "messages": [{"role": "user", "content": SAID}], "max_completion_tokens": 2048}
    request = CLIENT.decode_request(orjson.dumps(body))
    candidate = Candidate(Name(model.id, model), model, target)
    call = operation.call(request, candidate, credentials[target.provider], time.time(), stream=False)
    assert provider_of(candidate, request).wire in (target.wires or KNOWN.providers[target.provider])
    answer = exchanged(call.request)
    assert answer.status == 200, answer.body
    decoded = operation.decode_answer(request, candidate, [answer.body], "answer")
    usage, delivered, _ = operation.measure(decoded)
    assert usage is not None
    assert min(usage.prompt, usage.output, delivered) > 0
    assert SAID in str(decoded.response)


def test_the_catalog_has_the_breadth_that_the_contract_asks_for() -> None:
    assert len(CATALOG.models()) >= 150
    assert {name for name in NAMED if CATALOG.find(name) is None} == set()
    # Perplexity's fees of a request have no place in a price of tokens (docs/adding-a-model-or-provider.md).
    assert {target.provider for _, target in ROWS} == set(PROVIDERS) - {CUSTOM, "perplexity"}


def test_a_retired_id_leads_to_a_model_that_is_sold() -> None:
    retired = [offer for offer in CATALOG.offers() if isinstance(offer, Retired)]
    assert len(retired) > 10
    assert all(CATALOG.models_behind(offer) for offer in retired)
