"""Tests with requests as the documents show them, sent as curl would: each carrier of a key, and older parameters."""

from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import orjson
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "How fast is the train?"}]
CONTENTS = [{"parts": [{"text": "How fast is the train?"}]}]
OF_EVERY_ANSWER = {"x-trace-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"}
OF_MODELS = {
    *("x-usage-input-tokens", "x-usage-output-tokens", "x-nexevo-generation-id"),
    *("x-nexevo-model-used", "x-nexevo-models-tried", "x-nexevo-cache"),
}


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.root_url, timeout=HANGS_AFTER_S, trust_env=False) as client:
        yield client


def bearer(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.api_key}"}


def asked(http: httpx.Client, stack: Stack, body: Mapping[str, Any]) -> Any:
    answer = http.post("/v1/chat/completions", json=body, headers=bearer(stack))
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("model", ["o1", "o1-mini", "o1-pro", "o3", "o3-mini", "o4-mini"])
@pytest.mark.parametrize(
    "more",
    [
        {"max_completion_tokens": 4096, "reasoning_effort": "high"},
        {"max_completion_tokens": 4096, "temperature": 0.2},
        {"max_tokens": 4096},
    ],
)
def test_a_reasoning_model_takes_what_the_documents_send_it(
    http: httpx.Client, stack: Stack, model: str, more: Mapping[str, Any]
) -> None:
    answer = asked(http, stack, {"model": model, "messages": ASKED, **more})
    assert (answer["model"], answer["choices"][0]["finish_reason"]) == (model, "stop")
    assert answer["choices"][0]["message"]["tool_calls"] is None


@pytest.mark.parametrize(
    "model",
    [
        *("gpt-4o", "gpt-5.2-chat-latest", "o3-mini", "claude-opus-4-7", "aws/claude-haiku-4-5", "gemini-2.5-flash"),
        *("deepseek-chat", "nexevo/fast", "nexevo/balanced", "nexevo/auto"),
    ],
)
def test_every_chunk_of_a_stream_has_a_choice_to_read(http: httpx.Client, stack: Stack, model: str) -> None:
    body = {"model": model, "messages": ASKED, "stream": True}
    answer = http.post("/v1/chat/completions", json=body, headers=bearer(stack))
    assert answer.status_code == 200, answer.text
    frames = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert frames[-1] == "[DONE]"
    chunks = [orjson.loads(frame) for frame in frames[:-1]]
    assert "train" in "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)


@pytest.mark.parametrize(
    ("path", "carrier", "body"),
    [
        ("/v1/messages", "x-api-key", {"model": "gpt-4o", "max_tokens": 64, "messages": ASKED[1:]}),
        ("/v1/messages", "x-api-key", {"model": "claude-sonnet-4-5-20250929", "max_tokens": 64, "messages": ASKED[1:]}),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "?key=", {"contents": CONTENTS}),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "x-goog-api-key", {"contents": CONTENTS}),
        ("/v1/chat/completions", "x-api-key", {"model": "claude-3-5-sonnet", "messages": ASKED}),
    ],
)
def test_a_key_is_taken_from_each_carrier_without_a_version(
    http: httpx.Client, stack: Stack, path: str, carrier: str, body: Mapping[str, Any]
) -> None:
    in_query = carrier == "?key="
    headers, query = ({}, {"key": stack.api_key}) if in_query else ({carrier: stack.api_key}, {})
    answer = http.post(path, json=body, headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    assert "train" in answer.text


def test_a_get_of_generate_content_says_which_method_it_takes(http: httpx.Client, stack: Stack) -> None:
    answer = http.get("/v1beta/models/gemini-2.5-flash:generateContent", params={"key": stack.api_key})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert "takes POST" in answer.json()["error"]["message"]


def test_an_answer_bears_every_documented_header_and_its_generation_id(http: httpx.Client, stack: Stack) -> None:
    answer = http.post(
        "/v1/chat/completions", json={"model": "nexevo/balanced", "messages": ASKED}, headers=bearer(stack)
    )
    assert (OF_EVERY_ANSWER | OF_MODELS) - answer.headers.keys() == set()
    assert answer.json()["nexevo"]["generation_id"] == answer.headers["x-nexevo-generation-id"]


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_accounts_are_asked_with_and_without_the_version(http: httpx.Client, stack: Stack, prefix: str) -> None:
    balance = http.get(f"{prefix}/billing/balance", headers=bearer(stack))
    usage = http.get(f"{prefix}/billing/usage", params={"days": 7}, headers=bearer(stack))
    assert (balance.json()["object"], usage.json()["days"]) == ("balance", 7)
    assert OF_EVERY_ANSWER - balance.headers.keys() == set()


def test_a_new_key_gets_a_cap_and_an_alert(http: httpx.Client, stack: Stack) -> None:
    made = http.post("/v1/keys", json={"name": "production"}, headers=bearer(stack)).json()
    place = f"/v1/keys/{made['key']['key_id']}"
    capped = http.patch(f"{place}/spend-cap", json={"monthly_spend_cap_usd": "100"}, headers=bearer(stack))
    alerted = http.patch(f"{place}/alert-webhook", json={"url": "https://example.com/alert"}, headers=bearer(stack))
    assert made["full_key"].startswith("sk-xc-")
    assert capped.json()["monthly_spend_cap_usd"] == "100"
    assert alerted.json()["alert_webhook_url"] == "https://example.com/alert"
