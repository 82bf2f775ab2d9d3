"""Tests of the client against a transport that answers by a script."""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import time
from decimal import Decimal
from typing import Any, Callable

import httpx
import nexevo_ai
import pytest
from nexevo_ai import AsyncNexevo, Nexevo, NexevoError
from nexevo_ai._request import delay_s

KEY = "sk-xc-" + "k" * 43
CHAT: dict[str, Any] = {
    "id": "chatcmpl-nxn-1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
    "vendor_member": {"a": [{"b": 1}]},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi", "tool_calls": None},
                 "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    "nexevo": {"generation_id": "gen-nxn-1", "model_used": "gpt-4o", "models_tried": [], "cache": "miss",
               "cost_usd": "0.000000001"},
}  # fmt: skip
HELLO = [{"role": "user", "content": "Hello!"}]
Answer = Callable[[httpx.Request], httpx.Response]


class Script:
    """Answers requests in turn, the last answer for ever, and keeps the requests."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer(request) if callable(answer) else answer


def client(script: Script, **options: Any) -> Nexevo:
    made = httpx.Client(transport=httpx.MockTransport(script), follow_redirects=True)
    return Nexevo(api_key=KEY, base_url="http://gateway.test/v1", http_client=made, **options)


def answer(body: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def refused(status: int, code: str = "x", **headers: str) -> httpx.Response:
    error = {"message": "No.", "type": "t", "param": "messages[0]", "code": code}
    return answer({"error": error}, status, x_request_id="req-1", **headers)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def test_an_answer_is_read_by_attribute_and_by_key_and_keeps_unknown_members() -> None:
    found = client(Script(answer(CHAT))).chat.completions.create(model="gpt-4o", messages=HELLO)
    assert found.choices[0].message.content == found["choices"][0]["message"]["content"] == "Hi"
    assert found["nexevo"]["cost_usd"] == found.nexevo.cost_usd == Decimal("0.000000001")
    assert found["vendor_member"]["a"][0]["b"] == found.vendor_member.a[0]["b"] == 1
    assert found.to_dict() == CHAT
    assert "usage" in found
    assert "service_tier" not in found
    assert found.get("absent", 7) == 7
    with pytest.raises(KeyError):
        found["absent"]


def test_an_answer_that_a_newer_server_sends_is_kept_as_it_is() -> None:
    found = client(Script(answer({**CHAT, "created": {"at": 1}}))).chat.completions.create("gpt-4o", HELLO)
    assert found.created["at"] == 1
    assert found.choices[0]["message"]["content"] == "Hi"


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again_under_one_idempotency_key(status: int) -> None:
    script = Script(refused(status), refused(status), answer(CHAT))
    assert client(script).chat.completions.create("gpt-4o", HELLO).id == "chatcmpl-nxn-1"
    keys = {request.headers["idempotency-key"] for request in script.requests}
    assert (len(script.requests), len(keys)) == (3, 1)
    assert len({request.content for request in script.requests}) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "BadRequest"), (401, "Authentication"), (402, "InsufficientBalance"), (403, "PermissionDenied"),
     (404, "NotFound"), (409, "Conflict"), (413, "RequestTooLarge"), (429, "RateLimit"), (502, "InternalServer")],
)  # fmt: skip
def test_a_refusal_is_an_error_of_its_class_with_the_requests_id(status: int, kind: str) -> None:
    script = Script(refused(status, "some_code", x_should_retry="false"))
    with pytest.raises(getattr(nexevo_ai, f"{kind}Error")) as caught:
        client(script).keys.list()
    error = caught.value
    assert (error.status_code, error.request_id, error.code, error.param) == (
        status,
        "req-1",
        "some_code",
        "messages[0]",
    )
    assert len(script.requests) == 1
    assert isinstance(error, nexevo_ai.APIError)
    assert isinstance(error, NexevoError)


def test_the_servers_word_on_retries_counts_first_and_max_retries_bounds_them() -> None:
    told = Script(refused(400, x_should_retry="true"), answer(CHAT))
    assert client(told).chat.completions.create("gpt-4o", HELLO).id
    never = Script(refused(503))
    with pytest.raises(nexevo_ai.InternalServerError):
        client(never).chat.completions.create("gpt-4o", HELLO, max_retries=0)
    assert len(never.requests) == 1


def test_pauses_are_as_the_answer_asks_and_longer_each_time_else() -> None:
    assert delay_s(0, refused(429, retry_after="7")) == 7
    assert delay_s(0, refused(429, retry_after_ms="1500")) == 1.5
    assert delay_s(0, refused(429, retry_after="86400")) <= 0.5
    assert delay_s(0, refused(429, retry_after="3", retry_after_ms="soon")) == 3
    assert 20 < delay_s(0, refused(429, retry_after=email.utils.formatdate(time.time() + 30, usegmt=True))) < 31
    for unread in ("soon", "-1", "nan", "Wed, 21 Oct 9999999 07:28:00 GMT", "Wed, 99 Oct 2015 99:28:00 GMT"):
        assert 0.375 <= delay_s(0, refused(429, retry_after=unread)) <= 0.5
    assert 0.375 <= delay_s(0, None) <= 0.5
    assert 6 <= delay_s(9, None) <= 8


def test_a_broken_connection_is_tried_again_and_then_an_error() -> None:
    script = Script(httpx.ConnectError("no"), answer(CHAT))
    assert client(script).chat.completions.create("gpt-4o", HELLO).id
    with pytest.raises(nexevo_ai.APITimeoutError):
        client(Script(httpx.ReadTimeout("late"))).models.list()


def test_a_key_is_shown_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    made = client(Script(answer(CHAT)))
    with caplog.at_level(logging.DEBUG):
        made.chat.completions.create("gpt-4o", HELLO)
    assert KEY not in repr(made) + str(made) + caplog.text
    assert made._client is made
    assert KEY not in repr(made.chat.completions)


def test_options_of_one_request_and_of_a_derived_client() -> None:
    script = Script(answer(CHAT))
    made = client(script, organization="org_1", default_headers={"x-a": "1"})
    made.with_options(api_key="sk-xc-other", timeout=3).chat.completions.create(
        "gpt-4o", HELLO,
        extra_headers={"x-b": "2"}, extra_query={"q": "3"}, extra_body={"top_k": 4}, idempotency_key="mine",
        temperature=Decimal("0.5"),
    )  # fmt: skip
    (sent,) = script.requests
    assert sent.headers["authorization"] == "Bearer sk-xc-other"
    assert (sent.headers["x-a"], sent.headers["x-b"], sent.url.params["q"]) == ("1", "2", "3")
    assert (sent.headers["x-nexevo-organization"], sent.headers["idempotency-key"]) == ("org_1", "mine")
    assert json.loads(sent.content)["top_k"] == 4
    assert sent.extensions["timeout"]["read"] == 3
    assert str(sent.url).startswith("http://gateway.test/v1/chat/completions")


def test_the_environment_gives_key_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXEVO_API_KEY", "sk-xc-e")
    monkeypatch.setenv("NEXEVO_BASE_URL", "http://elsewhere.test/stage/v1/")
    assert (Nexevo().api_key, Nexevo().base_url) == ("sk-xc-e", "http://elsewhere.test/stage/v1")
    # A key that is empty by mistake is not the environment's.
    with pytest.raises(NexevoError, match="NEXEVO_API_KEY"):
        Nexevo(api_key="").models.list()
    monkeypatch.delenv("NEXEVO_API_KEY")
    with pytest.raises(NexevoError, match="NEXEVO_API_KEY"):
        Nexevo().models.list()


def test_a_top_ups_own_idempotency_key_is_in_its_body() -> None:
    script = Script(answer({"checkout_url": "http://pay.test"}))
    client(script).billing.checkout(amount_usd=20, idempotency_key="topup-1")
    (sent,) = script.requests
    assert json.loads(sent.content) == {"amount_usd": 20, "idempotency_key": "topup-1"}
    assert "idempotency-key" not in sent.headers


def page(ids: list[str], cursor: Any) -> httpx.Response:
    return answer({"object": "list", "data": [{"key_id": each} for each in ids], "has_more": bool(cursor),
                   "next_cursor": cursor})  # fmt: skip


def test_a_list_goes_on_to_its_end() -> None:
    script = Script(page(["a", "b"], "b"), page(["c"], None))
    found = client(script).keys.list(limit=2)
    assert len(found) == 2
    assert [key.key_id for key in found] == ["a", "b", "c"]
    assert dict(script.requests[1].url.params) == {"limit": "2", "cursor": "b"}


def test_a_raw_response_has_headers_and_the_answer() -> None:
    raw: Any = client(Script(answer(CHAT, x_request_id="req-9"))).chat.completions.with_raw_response.create(
        "gpt-4o", HELLO
    )
    assert (raw.status_code, raw.request_id, raw.parse().id) == (200, "req-9", "chatcmpl-nxn-1")


def test_the_async_client_does_the_same() -> None:
    script = Script(refused(503, retry_after="0"), page(["a"], "a"), page(["b"], None))

    async def asked() -> list[str]:
        made = httpx.AsyncClient(transport=httpx.MockTransport(script))
        async with AsyncNexevo(api_key=KEY, base_url="http://gateway.test", http_client=made) as on:
            return [key.key_id async for key in await on.keys.list()]

    assert asyncio.run(asked()) == ["a", "b"]


def test_files_go_as_a_form_and_content_comes_as_bytes() -> None:
    script = Script(answer({"id": "file-1", "url": "http://x.test"}), httpx.Response(200, content=b"sound"))
    made = client(script)
    assert made.generation.uploads.upload(b"\x89PNG", filename="char.png", content_type="image/png")["url"]
    form = script.requests[0].content
    assert b'filename="char.png"' in form
    assert b"image/png" in form
    assert made.audio.speech.create(model="tts-1", input="Hi", voice="alloy").read() == b"sound"


def test_an_id_cannot_lead_elsewhere() -> None:
    script = Script(answer({}))
    client(script).keys.get("../billing/balance?x=")
    assert script.requests[0].url.raw_path == b"/v1/keys/..%2Fbilling%2Fbalance%3Fx%3D"
    with pytest.raises(ValueError, match="empty"):
        client(script).keys.get("")


def test_an_id_that_a_path_would_resolve_is_refused() -> None:
    script = Script(answer({}))
    made = client(script)
    made.models.get("aws/..claude")
    for call in (made.keys.delete, made.models.get, made.memory.delete):
        for wrong in (".", ".."):
            with pytest.raises(ValueError, match="is no id"):
                call(wrong)
    for wrong in ("../keys/key_1", "a/../../keys/key_1", "a/./b", "a/.."):
        with pytest.raises(ValueError, match="is no id"):
            made.memory.delete(wrong)
    assert [request.url.raw_path for request in script.requests] == [b"/v1/models/aws/..claude"]


@pytest.mark.parametrize("name", ["key", "Authorization", "X-Note"])
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(name: str) -> None:
    script, wrong = Script(answer(CHAT)), f"{KEY}\nsecond line"
    given = {"default_headers": {name: wrong}} if name != "key" else {}
    on = client(script, **given) if given else client(script).with_options(api_key=wrong)
    with pytest.raises(NexevoError) as caught:
        on.models.list()
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert KEY not in str(caught.value)
    assert script.requests == []


def test_a_key_with_letters_that_no_header_carries_is_refused_and_one_with_its_lines_end_is_taken() -> None:
    script = Script(answer({"data": []}))
    with pytest.raises(NexevoError, match="API key"):
        client(script).with_options(api_key="ключ").models.list()
    client(script).with_options(api_key=f"{KEY}\n").models.list()
    assert script.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_a_base_url_without_a_scheme_is_refused_and_a_failed_connection_names_its_host() -> None:
    with pytest.raises(NexevoError, match="scheme"):
        Nexevo(api_key=KEY, base_url="127.0.0.1:8080/v1")
    with pytest.raises(nexevo_ai.APIConnectionError, match=r"gateway\.test"):
        client(Script(httpx.ConnectError("x")), max_retries=0).models.list()


@pytest.mark.parametrize("content", [b"", b'{"a":', b"null", b"[1]", b'{"a": "\xff"}', b"<p>Welcome"])
def test_a_good_answer_that_is_not_the_gateways_is_an_error_with_the_requests_id(content: bytes) -> None:
    media = "text/html" if content.startswith(b"<") else "application/json"
    headers = {"content-type": media, "x-request-id": "r"}
    on = client(Script(lambda _: httpx.Response(200, headers=headers, content=content)))
    for ask in (on.models.list, lambda: on.chat.completions.create("m", HELLO)):
        with pytest.raises(nexevo_ai.APIError, match="request r") as caught:
            ask()
        assert caught.value.request_id == "r"


def test_an_answer_whose_encoding_is_broken_is_an_error_of_the_connection() -> None:
    broken = {"content-encoding": "gzip", "content-type": "application/json"}
    script = Script(lambda _: httpx.Response(200, headers=broken, stream=httpx.ByteStream(b"no gzip")))
    with pytest.raises(nexevo_ai.APIConnectionError):
        client(script).models.list()
    assert len(script.requests) == 3


def test_a_printed_answer_shows_no_secret() -> None:
    made = client(Script(answer({"full_key": KEY, "key": {"key_id": "key_1", "name": "a"}}))).keys.create(name="a")
    assert (made["full_key"], made.to_dict()["full_key"]) == (KEY, KEY)
    assert KEY not in f"{made!r} {made}"
    assert "key_1" in repr(made)
    tokens = {"access_token": KEY, "refresh_token": KEY}
    assert KEY not in repr(client(Script(answer(tokens))).auth.login(email="a@b.test", password="p"))
    opening = {"value": KEY, "expires_at": 1, "session": {}}
    assert "value='…'" in repr(client(Script(answer(opening))).realtime.client_secrets.create(session={}))


def test_an_answer_of_a_newer_server_is_written_as_json() -> None:
    newer = {**CHAT, "created": {"at": 1}}
    found = client(Script(answer(newer))).chat.completions.create("gpt-4o", HELLO)
    assert json.loads(found.to_json()) == found.to_dict()
    assert found.to_dict()["choices"] == CHAT["choices"]
