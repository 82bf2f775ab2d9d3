"""Tests accounts' own provider keys on the whole stack: sealed by KMS, used for their account alone, billed as byok."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from boto3.dynamodb.types import TypeDeserializer

from local.aws_services import Services
from local.operator_commands import running_environment
from tests.hangs import HANGS_AFTER_S, comes_true
from tests.stack.conftest import Stack
from tests.stack.test_generation import waited_for

# The only key that the simulated OpenAI takes, as the account's own.
OWN, WRONG = "sim-openai-key-0001", "sk-wrong-key-of-another"
# A model that OpenAI alone serves: with the one key refused nothing else is left.
HELLO = {"model": "gpt-4o-2024-11-20", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
KEPT = {
    **HELLO,
    "messages": [{"role": "user", "content": [{"type": "file", "file": {"file_id": "file-of-mine"}}]}],
}


@pytest.fixture
def accounts(stack: Stack) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Opens two accounts: the first has no balance, the second ten dollars."""
    with ExitStack() as opened:
        one, other = (stack.with_new_account(usd) for usd in ("0", "10"))
        made = [
            opened.enter_context(
                httpx.Client(
                    base_url=seen.base_url,
                    headers={"Authorization": f"Bearer {seen.api_key}"},
                    timeout=HANGS_AFTER_S,
                    trust_env=False,
                )
            )
            for seen in (one, other)
        ]
        yield made[0], made[1]


def charged(client: httpx.Client, count: int) -> list[tuple[str, str, int]]:
    """Lists the account's charges once there are `count`: tier, amount and prompt tokens."""
    found: list[dict[str, Any]] = []

    def has_all() -> bool:
        entries = client.get("/billing/transactions").raise_for_status().json()["data"]
        found[:] = [entry for entry in entries if entry["kind"] == "charge"]
        return len(found) >= count

    assert comes_true(has_all), found
    return [(entry["tier"], entry["amount_usd"], entry["usage"]["input_tokens"]) for entry in found]


def test_an_accounts_own_key_serves_that_account_alone_and_is_free(
    stack: Stack, accounts: tuple[httpx.Client, httpx.Client]
) -> None:
    poor, other = accounts
    assert poor.post("/chat/completions", json=HELLO).status_code == 402
    made = poor.post("/provider-keys", json={"provider": "openai", "api_key": OWN, "name": "ours"})
    assert made.status_code == 201, made.text
    assert (made.json()["verified"], made.json()["last4"]) == (True, "0001")
    # The key was looked up before, and is remembered for 5 s.
    assert comes_true(lambda: poor.post("/chat/completions", json=HELLO).status_code == 200)
    with poor.stream("POST", "/chat/completions", json={**HELLO, "stream": True}) as stream:
        assert (stream.status_code, list(stream.iter_lines())[-2]) == (200, "data: [DONE]")
    # In the background, too, where the engine's function opens the key.
    picture = {"model": "gpt-image-1", "prompt": "a cat", "background": True, "provider": {"only": ["openai"]}}
    job = waited_for(poor, "/images/generations", picture)
    assert (job["status"], job["charged_usd"], len(job["results"])) == ("succeeded", "0", 1)
    assert {(tier, usd) for tier, usd, tokens in charged(poor, 3) if tokens} == {("byok", "0")}
    # What the other account asks is paid as before, and refers to nothing at the provider.
    assert other.post("/chat/completions", json=HELLO).raise_for_status().json()["nexevo"]["cost_usd"] != "0"
    refused = other.post("/chat/completions", json=KEPT)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "messages[0].content[0].file.file_id")
    assert {tier for tier, _, _ in charged(other, 1)} == {"passthrough"}
    gone = poor.delete(f"/provider-keys/{made.json()['id']}")
    assert gone.status_code == 200
    assert comes_true(lambda: poor.post("/chat/completions", json=HELLO).status_code == 402)
    assert items(stack, "ProviderKeysTable") == []


def test_a_wrong_key_is_found_out_falls_back_and_is_told_of_where_it_is_the_only_one(
    stack: Stack, accounts: tuple[httpx.Client, httpx.Client]
) -> None:
    _, payer = accounts
    wrong = {"provider": "openai", "api_key": WRONG}
    refused = payer.post("/provider-keys", json=wrong)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "provider_key_refused")
    made = payer.post("/provider-keys", json={**wrong, "verify": False}).raise_for_status().json()
    assert payer.post(f"/provider-keys/{made['id']}/test").json()["reason"] == "The provider refused the key."
    answer = payer.post("/chat/completions", json=HELLO).raise_for_status()
    assert answer.json()["nexevo"]["cost_usd"] != "0"
    payer.patch(f"/provider-keys/{made['id']}", json={"mode": "only"}).raise_for_status()

    def told() -> bool:
        answer = payer.post("/chat/completions", json=HELLO)
        return (answer.status_code, answer.json().get("error", {}).get("code")) == (403, "provider_key_refused")

    assert comes_true(told)
    stored = str(items(stack, "ProviderKeysTable"))
    assert made["id"] in stored
    assert WRONG not in stored
    assert payer.delete(f"/provider-keys/{made['id']}").status_code == 200
    for log in (stack.data / "logs").glob("*.log"):
        assert WRONG.encode() not in log.read_bytes(), log.name


def items(stack: Stack, table: str) -> list[dict[str, Any]]:
    """Lists a table's items."""
    endpoint = running_environment(stack.data)["AWS_ENDPOINT_URL_DYNAMODB"]
    found = Services(endpoint, stack.moto_url).client("dynamodb").scan(TableName=f"nexgate-local-{table}")["Items"]
    return [{name: TypeDeserializer().deserialize(value) for name, value in item.items()} for item in found]
