"""Tests of whole answers, and of every case in which there is none."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.auth.principal import key_hash
from gateway.canonical.money import EntryKind
from gateway.errors import ServiceUnavailable
from gateway.ports.upstream import Credential
from tests.app.harness import CHAT, KEY, RECORD, Answer, Scripted, app_under_test, completion, hello, sized

pytestmark = pytest.mark.anyio

Script = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


def answering(*answers: bytes) -> Script:
    """Gives each request the next answer; the last one repeats."""

    async def script(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(number, len(answers)) - 1])
        await writer.drain()

    return script


async def asked(script: Script, **request: object) -> tuple[Answer, int, int]:
    """Returns the answer, the number of requests to the provider, and the account's spending."""
    async with Scripted(script) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(**request))
        look = await gateway.look()
        assert look.holds == ()
        spent = -sum(entry.amount_nanousd for entry in look.entries if entry.kind is EntryKind.CHARGE)
        return answer, len(provider.bodies), spent


async def test_an_answer_is_the_providers_with_our_names_and_the_extension() -> None:
    answer, _, spent = await asked(answering(sized(200, completion())))
    body = answer.json
    extension = body.pop("nexevo")
    identity = body.pop("id")
    expected = orjson.loads(completion()) | {"model": "gpt-4o"}
    del expected["id"]
    expected["choices"][0]["message"]["tool_calls"] = None
    assert (answer.status, body) == (200, expected)
    assert identity.startswith("chatcmpl-nxn-")
    # 10 prompt tokens at 2.50 and 5 at 10 USD a million, and 5 % on top.
    assert (extension["cost_usd"], spent) == ("0.00007875", 78_750)
    assert extension["model_used"] == "gpt-4o"
    assert (extension["models_tried"], extension["cache"]) == (
        [{"model": "gpt-4o", "provider": "openai", "outcome": "served"}],
        "miss",
    )
    assert answer.headers["x-nexevo-models-tried"] == "gpt-4o"


async def test_an_answer_bears_the_contracts_headers() -> None:
    answer, _, _ = await asked(answering(sized(200, completion())))
    told = {name: answer.headers[name] for name in answer.headers if name.startswith("x-") and "generation" not in name}
    reset_s = told.pop("x-ratelimit-reset")
    assert 1 <= int(reset_s) <= 60
    assert answer.headers["x-nexevo-generation-id"] == answer.json["nexevo"]["generation_id"]
    assert told == {
        "x-trace-id": "req-1",
        "x-request-id": "req-1",
        "x-ratelimit-limit": "100000",
        "x-ratelimit-remaining": "99999",
        "x-usage-input-tokens": "10",
        "x-usage-output-tokens": "5",
        "x-nexevo-model-used": "gpt-4o",
        "x-nexevo-models-tried": "gpt-4o",
        "x-nexevo-cache": "miss",
    }


async def test_the_provider_gets_the_callers_bytes_with_its_own_name_of_the_model() -> None:
    body = b'{ "model":"nexevo/fast" , "messages":[{"role":"user","content":"\\u00e9"}], "future_field": [1.0,  2] }'
    async with Scripted(answering(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        await gateway.ask(body)
        assert provider.bodies == [body.replace(b'"nexevo/fast"', b'"gpt-4.1-nano"')]


@pytest.mark.parametrize(
    ("status", "failure"), [(500, "upstream_error"), (502, "upstream_error"), (503, "upstream_overloaded")]
)
async def test_a_failing_provider_is_asked_three_times_and_costs_nothing(status: int, failure: str) -> None:
    answer, asks, spent = await asked(answering(sized(status, b'{"error":{"message":"host db-7 is down"}}')))
    assert (answer.error["code"], asks, spent) == (failure, 3, 0)
    assert "db-7" not in answer.body.decode()


async def test_a_provider_that_recovers_is_not_noticed() -> None:
    answer, asks, _ = await asked(answering(sized(500, b"{}"), sized(200, completion())))
    assert (answer.status, asks) == (200, 2)


async def test_a_provider_that_names_a_time_to_wait_is_not_pressed() -> None:
    answer, asks, _ = await asked(answering(sized(429, b'{"error":{"message":"slow down"}}', "retry-after: 7")))
    assert (answer.status, answer.error["code"], answer.headers["retry-after"], asks) == (
        503,
        "upstream_overloaded",
        "7",
        1,
    )


async def test_a_date_to_come_again_at_counts_from_the_answers_arrival() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=1000), usegmt=True)
    busy = sized(429, b'{"error":{"message":"Rate limit."}}', f"Retry-After: {until}")
    answer, asks, _ = await asked(answering(busy))
    assert (answer.status, asks) == (503, 1)
    assert 0 < int(answer.headers["retry-after"]) <= 1000


async def test_a_provider_that_asks_for_no_wait_is_asked_again() -> None:
    busy = sized(429, b'{"error":{"message":"Rate limit."}}', "Retry-After: 0")
    answer, asks, _ = await asked(answering(busy, sized(200, completion())))
    assert (answer.status, asks) == (200, 2)


async def test_the_providers_word_on_a_bad_request_reaches_the_caller() -> None:
    refusal = {
        "error": {"message": "Unsupported value", "type": "invalid_request_error", "param": "top_p", "code": "x"}
    }
    answer, asks, spent = await asked(answering(sized(400, orjson.dumps(refusal))))
    assert (answer.status, answer.error, asks, spent) == (400, refusal["error"], 1, 0)


async def test_our_own_credentials_trouble_is_not_the_callers() -> None:
    answer, asks, _ = await asked(answering(sized(401, b'{"error":{"message":"Incorrect API key provided: sk-abc"}}')))
    assert (answer.status, answer.error["type"], asks) == (502, "upstream_error", 1)
    assert "sk-abc" not in answer.body.decode()


async def test_an_answer_that_is_no_json_is_an_upstream_error() -> None:
    answer, asks, spent = await asked(answering(sized(200, b"<html>oops</html>")))
    assert (answer.status, answer.error["code"], asks, spent) == (502, "upstream_error", 1, 0)


async def test_an_answer_that_cannot_be_read_is_asked_for_once_and_says_what_was_wrong() -> None:
    body = orjson.dumps({"choices": [{"message": {"content": 5}}]})
    answer, asks, _ = await asked(answering(sized(200, body)))
    assert (answer.status, answer.headers["x-should-retry"], asks) == (502, "false", 1)
    assert answer.error["message"].endswith("cannot be read: an array was expected where an integer stands.")


async def test_half_a_character_costs_no_answer() -> None:
    body = completion("Hi <>").replace(b"<", rb"\ud83d").replace(b">", b"\xff")
    answer, asks, _ = await asked(answering(sized(200, body)))
    assert (answer.json["choices"][0]["message"]["content"], asks) == ("Hi \ufffd\ufffd", 1)


async def test_an_error_with_status_200_is_asked_for_once() -> None:
    answer, asks, _ = await asked(answering(sized(200, b'{"error": {"message": "oops"}}')))
    assert (answer.status, asks) == (502, 1)


async def test_a_long_answer_that_is_asked_for_as_a_stream_and_is_none_is_read_once() -> None:
    refusal = b'{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long"}}'
    async with Scripted(answering(sized(200, refusal))) as provider:
        rows = {"anthropic": Credential("k", provider.base_url.removesuffix("/v1"))}
        async with app_under_test("", rows=rows) as gateway:
            answer = await gateway.ask(hello(model="claude-haiku-4-5", max_tokens=64_000))
    assert (answer.status, answer.error["code"], len(provider.bodies)) == (400, "context_length_exceeded", 1)


async def test_an_answer_that_cannot_be_read_is_paid_as_its_provider_bills_it() -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    _, _, spent = await asked(answering(sized(200, orjson.dumps({"choices": [], "usage": usage}))))
    _, _, whole = await asked(answering(sized(200, completion(usage=usage))))
    assert spent == whole > 0


async def test_token_classes_that_do_not_fit_in_each_other_are_no_failure() -> None:
    details = {"audio_tokens": 5000, "reasoning_tokens": 5000}
    usage = {"prompt_tokens": 10, "completion_tokens": 5}
    told = usage | {"prompt_tokens_details": details, "completion_tokens_details": details}
    answer, asks, spent = await asked(answering(sized(200, completion(usage=told))))
    assert (answer.status, asks, spent > 0) == (200, 1, True)


async def test_an_answer_that_is_cut_is_an_upstream_error() -> None:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        writer.write(sized(200, completion())[:-20])
        writer.close()

    answer, asks, spent = await asked(script)
    assert (answer.status, answer.error["code"], asks, spent) == (502, "upstream_error", 3, 0)


async def test_a_provider_that_cannot_be_reached_is_an_upstream_error() -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        answer = await gateway.ask(hello())
        assert (answer.status, answer.error["code"]) == (502, "upstream_error")
        assert "127.0.0.1" not in answer.body.decode()


async def test_a_stalled_answer_ends_in_time_with_both_bodies_and_costs_nothing() -> None:
    async def script(_: int, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)
        writer.close()

    async with Scripted(script) as provider, app_under_test(provider.base_url, non_stream_s=0.3) as gateway:
        answer = await gateway.ask(hello())
        assert answer.status == 408
        assert answer.headers["x-should-retry"] == "false"
        assert answer.json["detail"] == {"type": "timeout_error", "message": answer.error["message"]}
        assert (answer.error["type"], (await gateway.look()).free_nanousd) == ("timeout_error", 100 * 10**9)


async def test_the_next_model_of_the_callers_list_serves_when_the_first_cannot() -> None:
    script = answering(sized(500, b"{}"), sized(200, completion()))
    answer, asks, _ = await asked(script, models=["gpt-4o-mini"])
    assert (answer.status, answer.json["model"], asks) == (200, "gpt-4o", 2)
    assert answer.json["nexevo"]["model_used"] == "gpt-4o-mini"
    assert answer.headers["x-nexevo-models-tried"] == "gpt-4o,gpt-4o-mini"


@pytest.mark.parametrize(
    ("body", "status", "param", "code"),
    [
        (b"{", 400, None, None),
        (b"[]", 400, None, None),
        (b'{"messages": [{"role": "user", "content": "a"}]}', 400, "model", None),
        ({"model": "gpt-4o"}, 400, "messages", None),
        ({"model": "gpt-4o", "messages": "Hello"}, 400, "messages", None),
        (hello(temperature="hot"), 400, "temperature", None),
        (b'{"model":"gpt-4o","n":18446744073686646784,"messages":[{"role":"user","content":"a"}]}', 400, "n", None),
        ({"model": "gpt-4o", "messages": [{"role": "user", "content": [{"type": "text"}]}]}, 400, None, None),
        (hello(model="gpt-9"), 404, "model", "model_not_found"),
        (hello(model="o1-mini", provider={"allow_fallbacks": False}), 404, "model", "model_not_found"),
    ],
)
async def test_a_bad_request_says_where(body: object, status: int, param: str | None, code: str | None) -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        answer = await gateway.ask(body)
        assert (answer.status, answer.error["type"]) == (status, "invalid_request_error")
        assert answer.headers["x-trace-id"] == "req-1"
        if param is not None:
            assert answer.error["param"] == param
        if code is not None:
            assert answer.error["code"] == code


async def test_a_retired_model_is_served_by_its_successor() -> None:
    answer, _, _ = await asked(answering(sized(200, completion())), model="o1-mini")
    assert (answer.json["model"], answer.headers["x-nexevo-model-used"]) == ("o1-mini", "o4-mini")


@pytest.mark.parametrize("headers", [{"authorization": ""}, {"authorization": "Bearer sk-wrong"}])
async def test_a_stranger_is_turned_away(headers: dict[str, str]) -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        answer = await gateway.ask(hello(), headers=headers)
        assert (answer.status, answer.error["type"], answer.error["code"]) == (
            401,
            "authentication_error",
            "invalid_api_key",
        )


@pytest.mark.parametrize("carrier", ["x-api-key", "x-goog-api-key"])
async def test_a_key_comes_in_any_carrier(carrier: str) -> None:
    async with Scripted(answering(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(), headers={"authorization": "", carrier: KEY})
        assert answer.status == 200


@pytest.mark.parametrize("second", ["Bearer sk-another", f"Bearer {KEY}"])
async def test_a_second_key_in_the_same_header_is_refused_where_it_is_another(second: str) -> None:
    async with Scripted(answering(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        answer = await gateway.ask(hello(), more_headers=[("authorization", second)])
        assert answer.status == (200 if KEY in second else 400)


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"disabled": True}, 401, "invalid_api_key"),
        ({"revoked": True}, 401, "invalid_api_key"),
        ({"expires_at_s": 1}, 401, "expired_api_key"),
        ({"allowed_ips": ("198.51.100.0/24",)}, 403, "ip_not_allowed"),
        ({"allowed_models": ("o*", "nexevo/fast")}, 403, "model_not_allowed"),
        ({"rpm_limit": 0}, 429, "rate_limit_exceeded"),
        ({"monthly_spend_cap_nanousd": 1}, 429, "tenant_monthly_quota_exceeded"),
    ],
)
async def test_a_key_does_only_what_it_may(settings: dict[str, Any], status: int, code: str) -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        gateway.keys.records[key_hash(KEY)] = replace(RECORD, **settings)
        answer = await gateway.ask(hello())
        assert (answer.status, answer.error["code"]) == (status, code)
        assert (await gateway.look()).free_nanousd == 100 * 10**9


async def test_without_money_nothing_is_asked() -> None:
    async with (
        Scripted(answering(sized(200, completion()))) as provider,
        app_under_test(provider.base_url, balance_usd=0) as gateway,
    ):
        answer = await gateway.ask(hello())
        assert (answer.status, answer.error["code"], provider.bodies) == (402, "account_suspended", [])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_store_that_is_too_busy_for_the_account_is_a_503_that_says_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    async def busy(*_: object) -> None:
        raise ServiceUnavailable("The account is busy.")

    async with Scripted(answering(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        monkeypatch.setattr(gateway.money, "admit", busy)
        answer = await gateway.ask(hello(stream=stream))
        assert (answer.status, answer.error["code"], provider.bodies) == (503, "overloaded", [])
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", CHAT, 405, "method_not_allowed"), ("POST", "/v1/chat/nothing", 404, "unknown_url")],
)
async def test_other_doors_are_closed(method: str, path: str, status: int, code: str) -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        answer = await gateway.ask(hello(), method=method, path=path)
        assert (answer.status, answer.error["code"]) == (status, code)


async def test_a_model_without_a_configured_provider_says_so() -> None:
    async with app_under_test("http://127.0.0.1:1/v1", rows={}) as gateway:
        answer = await gateway.ask(hello())
        assert (answer.status, answer.error["code"]) == (502, "upstream_error")


async def test_an_unexpected_exception_is_an_internal_error_without_its_traceback() -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        gateway.keys.records[key_hash(KEY)] = replace(RECORD, allowed_ips=("not a network",))
        answer = await gateway.ask(hello())
        assert (answer.status, answer.error["code"]) == (500, "internal_error")
        assert "network" not in answer.body.decode()


@pytest.mark.parametrize("body", [hello(model="no-such-model"), hello(messages=3)])
async def test_a_refusal_before_admission_bears_the_rate_window(body: dict[str, Any]) -> None:
    async with Scripted(answering(sized(200, completion()))) as provider, app_under_test(provider.base_url) as gateway:
        admitted = await gateway.ask(hello())
        refused = await gateway.ask(body)
        left = [int(answer.headers["x-ratelimit-remaining"]) for answer in (admitted, refused)]
        assert (refused.status in {400, 404}, left[0] == left[1]) == (True, True)


@pytest.mark.parametrize(
    ("headers", "path", "method", "status", "limit"),
    [
        ({"authorization": "Bearer sk-wrong"}, "/v1/chat/completions", "POST", 401, "60"),
        ({"authorization": "Bearer sk-wrong"}, "/v1/chat/completions", "GET", 405, "60"),
        ({}, "/v1/chat/completions", "GET", 405, "100000"),
        ({}, "/v1/chat/nothing", "POST", 404, "100000"),
    ],
)
async def test_a_refusal_before_its_caller_is_known_bears_a_rate_window(
    headers: dict[str, str], path: str, method: str, status: int, limit: str
) -> None:
    async with app_under_test("http://127.0.0.1:1/v1") as gateway:
        answer = await gateway.ask(hello(), headers=headers, path=path, method=method)
        told = [answer.headers[f"x-ratelimit-{name}"] for name in ("limit", "remaining")]
        assert (answer.status, told) == (status, [limit, limit])
        assert 1 <= int(answer.headers["x-ratelimit-reset"]) <= 60
