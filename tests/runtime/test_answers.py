"""Tests of an app's answer on its way to Lambda: its bytes, their timing, and the end of an unfinished one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import orjson
import pytest

from tests.runtime.lambda_fake import VERSION, Function, Post, function, http_event


def answer_of(handler: str, **changes: object) -> Post:
    """Returns the runtime's post for one request to an app."""

    async def run() -> Post:
        async with function(f"scripted_apps.{handler}") as running:
            return await running.api.call(http_event(**changes))

    return asyncio.run(run())


def with_function(handler: str, act: Callable[[Function], Awaitable[None]], **environment: str) -> None:
    async def run() -> None:
        async with function(f"scripted_apps.{handler}", **environment) as running:
            await act(running)

    asyncio.run(run())


def test_an_answer_is_a_prelude_eight_nul_bytes_and_the_body() -> None:
    post = answer_of("headers")
    head, body = post.body.split(b"\x00" * 8)
    assert (orjson.loads(head), body) == (
        {
            "statusCode": 201,
            "headers": {"content-type": "text/plain"},
            "multiValueHeaders": {"set-cookie": ["a=1", "b=2"]},
        },
        b"x",
    )


def test_an_answer_is_posted_as_a_stream_that_announces_its_trailers() -> None:
    post = answer_of("headers")
    assert (post.route, {name: post.headers.get(name) for name in post.headers if name != "host"}) == (
        f"POST {VERSION}/invocation/request-1/response",
        {
            "lambda-runtime-function-response-mode": "streaming",
            "content-type": "application/vnd.awslambda.http-integration-response",
            "transfer-encoding": "chunked",
            "trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
        },
    )


def test_each_piece_is_at_lambda_before_the_app_makes_the_next() -> None:
    async def act(running: Function) -> None:
        api = running.api
        request_id = api.invoke(http_event())
        complete = []
        for content in (b"one", b"onetwo", b"onetwothree"):
            running.go_on()
            complete.append((await running.until_content(request_id, content)).complete)
        running.go_on()
        assert (await api.answer(request_id)).content == b"onetwothree"
        assert complete == [False, False, False]

    with_function("stepwise", act)


def test_the_first_piece_is_in_one_chunk_with_the_prelude() -> None:
    async def act(running: Function) -> None:
        request_id = running.api.invoke(http_event())
        post = await running.until_content(request_id, b"half")
        assert len(post.pieces) == 1
        assert post.pieces[0].endswith(b"}" + b"\x00" * 8 + b"half")

    with_function("never_answers", act)


def test_six_megabytes_go_through_in_both_directions() -> None:
    assert len(answer_of("large").content) == 6_000_000
    assert orjson.loads(answer_of("echo", body="x" * 6_000_000).content)["body"] == 6_000_000


def test_an_app_that_fails_before_its_answer_is_an_invocation_error() -> None:
    post = answer_of("raises")
    assert post.route == f"POST {VERSION}/invocation/request-1/error"
    assert post.headers["lambda-runtime-function-error-type"] == "LookupError"
    assert (post.fault["errorType"], post.fault["errorMessage"]) == ("LookupError", "a customer's words")
    assert post.fault["stackTrace"][-1].endswith(" raises")


def test_an_app_that_fails_in_the_middle_ends_with_error_trailers() -> None:
    post = answer_of("raises_in_the_middle")
    assert (post.content, post.trailers["lambda-runtime-function-error-type"]) == (b"half", "LookupError")
    assert post.fault["errorMessage"] == "a customer's words"


def test_an_app_that_fails_after_its_answer_has_answered() -> None:
    post = answer_of("raises_at_the_end")
    assert (post.content, post.trailers) == (b"whole", {})


@pytest.mark.parametrize("app", ["says_nothing", "stops_in_the_middle"])
def test_an_app_that_returns_too_early_has_failed(app: str) -> None:
    assert answer_of(app).fault["errorType"] == "Runtime.IncompleteResponse"


def test_a_message_out_of_order_is_the_apps_failure() -> None:
    assert answer_of("body_before_head").fault["errorType"] == "RuntimeError"


def test_headers_that_api_gateway_would_not_find_the_end_of_are_a_failure() -> None:
    assert answer_of("many_headers").fault["errorType"] == "ValueError"


def test_receive_gives_the_body_once_and_the_disconnect_after_the_answer() -> None:
    async def act(running: Function) -> None:
        assert (await running.api.call(http_event())).content == b"open"
        assert (await running.api.call(http_event())).content == b"open"
        assert [line for line in (await running.stop())[1] if line["level"] == "ERROR"] == []

    with_function("waits_for_disconnect", act)


def test_a_failure_is_logged_without_its_message() -> None:
    async def act(running: Function) -> None:
        await running.api.call(http_event())
        _, log = await running.stop()
        (line,) = [line for line in log if line["level"] == "ERROR"]
        assert (line["invocation_id"], line["error_type"]) == ("request-1", "LookupError")
        assert line["request_id"] == http_event()["requestContext"]["requestId"]
        assert b"a customer" not in orjson.dumps(log)

    with_function("raises", act)


def test_what_an_app_logs_is_json_with_the_requests_ids_from_info_up() -> None:
    async def act(running: Function) -> None:
        await running.api.call(http_event())
        await running.api.call(http_event(requestContext={"stage": "prod", "requestId": "second"}))
        _, log = await running.stop()
        ours = [line for line in log if line["logger"] == "scripted_apps"]
        first = http_event()["requestContext"]["requestId"]
        assert [(line["level"], line["message"], line["request_id"], line["invocation_id"]) for line in ours] == [
            ("INFO", "served", first, "request-1"),
            ("ERROR", "not kept", first, "request-1"),
            ("INFO", "served", "second", "request-2"),
            ("ERROR", "not kept", "second", "request-2"),
        ]
        assert ours[1]["error_type"] == "KeyError"
        assert "logs" in ours[1]["stack"][-1]
        assert b"a customer" not in orjson.dumps(log)

    with_function("logs", act)


def test_an_answer_that_lambda_refuses_costs_only_that_invocation() -> None:
    async def act(running: Function) -> None:
        running.api.reply_status = 413
        await running.api.call(http_event())
        running.api.reply_status = 202
        assert orjson.loads((await running.api.call(http_event())).content)["method"] == "POST"

    with_function("echo", act)


@pytest.mark.parametrize("status", [403, 0], ids=["answered", "closed"])
def test_an_app_is_told_when_no_more_of_its_answer_is_taken(status: int) -> None:
    async def act(running: Function) -> None:
        running.api.takes_bytes, running.api.reply_status = 5_000, status
        running.api.invoke(http_event())
        polls = running.api.polls
        await running.api.until(lambda: running.api.polls > polls + 1)
        running.api.takes_bytes, running.api.reply_status = None, 202
        _, log = await running.stop()
        assert [line["lost"] for line in log if line["message"] == "lost"] == ["ClientLeft"]
        assert [line["level"] for line in log if line["level"] != "INFO"] == []

    with_function("endless", act)


def test_an_error_that_lambda_refuses_costs_only_that_invocation() -> None:
    async def act(running: Function) -> None:
        running.api.reply_status = 403
        await running.api.call(http_event())
        running.api.reply_status = 202
        assert (await running.api.call(http_event())).fault["errorType"] == "LookupError"

    with_function("raises", act)


def test_requests_leave_no_garbage_for_the_collector() -> None:
    async def act(running: Function) -> None:
        counts = [int((await running.api.call(http_event())).content) for _ in range(5)]
        assert counts[-1] < 100

    with_function("counts_cycles", act)
