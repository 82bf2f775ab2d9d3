"""Tests of the cache of answers over the whole stack, where each request may have a process of its own."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack


def test_equal_requests_at_once_ask_a_provider_once_and_are_answered_from_the_cache(stack: Stack) -> None:
    account = stack.with_new_account("1")
    body = {"model": "gpt-4o", "max_tokens": 50, "messages": [{"role": "user", "content": "Tell me of Emma."}]}
    headers = {"Authorization": f"Bearer {account.api_key}", "X-Nexevo-Cache-Control": "max-age=600"}

    def ask(path: str) -> str:
        url = f"{stack.root_url}{path}"
        answer = httpx.post(url, json=body, headers=headers, timeout=HANGS_AFTER_S, trust_env=False)
        return str(answer.raise_for_status().headers["X-Nexevo-Cache"])

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, ["/v1/chat/completions"] * 8))
    assert sorted(found) == ["exact"] * 7 + ["miss"]
    assert ask("/v1/messages") == "exact"
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as own:
        saved = own.get("/v1/cache/stats").raise_for_status().json()
        assert (saved["hits"], saved["misses"]) == (8, 1)
        assert own.delete("/v1/cache").raise_for_status().json()["deleted"] == 1
    assert ask("/v1/messages") == "miss"


def test_another_wording_is_answered_from_the_cache_on_every_wire(stack: Stack) -> None:
    account = stack.with_new_account("1")
    headers = {"Authorization": f"Bearer {account.api_key}"}
    asked, reworded = "How do I reset my password?", "What are the steps to reset my password?"
    opposite = "How do I reset my username?"
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as own:
        made = own.post("/v1/keys", json={"name": "words", "cache": "semantic"}).raise_for_status().json()

        def ask(path: str, body: Mapping[str, object]) -> str:
            as_made = {"Authorization": f"Bearer {made['full_key']}"}
            answer = own.post(path, json=body, headers=as_made)
            return str(answer.raise_for_status().headers["X-Nexevo-Cache"])

        def messages(question: str) -> Mapping[str, object]:
            return {"model": "gpt-4o", "max_tokens": 50, "messages": [{"role": "user", "content": question}]}

        assert ask("/v1/chat/completions", messages(asked)) == "miss"
        assert ask("/v1/chat/completions", messages(opposite)) == "miss"
        assert ask("/v1/chat/completions", messages(reworded)) == "semantic"
        assert ask("/v1/messages", messages(reworded)) == "semantic"
        body = {"model": "gpt-4o", "max_output_tokens": 50, "input": reworded}
        assert ask("/v1/responses", body) == "semantic"
        contents = [{"role": "user", "parts": [{"text": reworded}]}]
        gemini = {"contents": contents, "generationConfig": {"maxOutputTokens": 50}}
        assert ask("/v1beta/models/gpt-4o:generateContent", gemini) == "semantic"
        assert own.get("/v1/cache/stats").raise_for_status().json()["hits"] == 4
