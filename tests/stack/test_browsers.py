"""The stack as a page in a browser meets it, and as a monitor does."""

import httpx
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

PAGE = {"Origin": "https://app.example"}
PREFLIGHT = PAGE | {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-stainless-os",
}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/keys", "/v1/videos/generations"])
def test_a_preflight_is_answered_without_a_key(stack: Stack, path: str) -> None:
    answer = httpx.options(f"{stack.root_url}{path}", headers=PREFLIGHT, timeout=HANGS_AFTER_S, trust_env=False)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert answer.headers["access-control-allow-headers"] == "authorization,content-type,x-stainless-os"
    assert "POST" in answer.headers["access-control-allow-methods"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_page_may_read_an_answer_streamed_or_not(stack: Stack, stream: bool) -> None:
    asked = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "stream": stream}
    headers = PAGE | {"Authorization": f"Bearer {stack.api_key}"}
    answer = httpx.post(
        f"{stack.base_url}/chat/completions", json=asked, headers=headers, timeout=HANGS_AFTER_S, trust_env=False
    )
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "*")
    assert answer.headers["access-control-expose-headers"] == "*"


@pytest.mark.parametrize(("path", "status"), [("/v1/chat/completions", 401), ("/v1/keys", 401), ("/nowhere", 404)])
def test_a_page_may_read_a_refusal_by_function_or_api_gateway(stack: Stack, path: str, status: int) -> None:
    answer = httpx.post(f"{stack.root_url}{path}", json={}, headers=PAGE, timeout=HANGS_AFTER_S, trust_env=False)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, "*")


def test_health_needs_no_key(stack: Stack) -> None:
    answer = httpx.get(f"{stack.root_url}/health", timeout=HANGS_AFTER_S, trust_env=False)
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
