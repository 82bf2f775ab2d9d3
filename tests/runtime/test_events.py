"""Tests of events on their way to the app: clients' requests, and events that no client sent."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import orjson
import pytest

from gateway.runtime.event import http_event as parsed
from gateway.runtime.event import http_scope, take_body
from gateway.runtime.invocation import InvocationContext
from tests.runtime.lambda_fake import VERSION, Post, function, http_event

CONTEXT = InvocationContext("r", 1, "arn", None, None, None, None)


def scope(**changes: object) -> Any:
    return http_scope(http_event(**changes), CONTEXT)


@pytest.mark.parametrize(
    ("path", "raw_path", "decoded"),
    [
        ("/v1/models/openai%2Fgpt-5", b"/v1/models/openai%2Fgpt-5", "/v1/models/openai/gpt-5"),
        ("/v1/models/openai/gpt-5", b"/v1/models/openai/gpt-5", "/v1/models/openai/gpt-5"),
        ("/a%20b/%C3%A9", b"/a%20b/%C3%A9", "/a b/é"),
        ("/a b/é?#", b"/a%20b/%C3%A9%3F%23", "/a b/é?#"),
        ("/v1beta/models/g:generateContent", b"/v1beta/models/g:generateContent", "/v1beta/models/g:generateContent"),
        ("/100%", b"/100%", "/100%"),
        ("/%FF", b"/%FF", "/\ufffd"),
    ],
)
def test_a_path_keeps_its_encoding(path: str, raw_path: bytes, decoded: str) -> None:
    made = scope(path=path)
    assert (made["raw_path"], made["path"]) == (raw_path, decoded)


@pytest.mark.parametrize(
    ("many", "expected"),
    [
        (None, b""),
        ({"a": ["1"]}, b"a=1"),
        ({"a": ["1", "2"], "b": [""]}, b"a=1&a=2&b="),
        ({"q": ["a b&c=d+é/?"]}, b"q=a%20b%26c%3Dd%2B%C3%A9%2F%3F"),
        ({"filter[x]": ["1"]}, b"filter%5Bx%5D=1"),
    ],
)
def test_a_query_that_api_gateway_has_decoded_is_encoded_again(many: Any, expected: bytes) -> None:
    assert scope(multiValueQueryStringParameters=many)["query_string"] == expected


def test_the_single_valued_maps_serve_events_made_by_hand() -> None:
    event = http_event(queryStringParameters={"a": "1"}, headers={"X-A": "b"})
    del event["multiValueQueryStringParameters"], event["multiValueHeaders"]
    made = http_scope(event, CONTEXT)
    assert (made["query_string"], made["headers"]) == (b"a=1", [(b"x-a", b"b")])


def test_repeated_headers_stay_apart_in_upper_and_lower_case() -> None:
    many = {"User-Agent": ["sdk/1", "proxy/2"], "user-agent": ["third"], "X-É": ["ü"]}
    assert scope(multiValueHeaders=many)["headers"] == [
        (b"user-agent", b"sdk/1"),
        (b"user-agent", b"proxy/2"),
        (b"user-agent", b"third"),
        (b"x-\xe9", b"\xc3\xbc"),
    ]


def test_the_scheme_is_the_one_the_client_used() -> None:
    assert scope()["scheme"] == "https"
    assert scope(multiValueHeaders={"X-Forwarded-Proto": ["http"]})["scheme"] == "http"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"body": None}, b""),
        ({"body": ""}, b""),
        ({"body": '{"a": "é"}'}, '{"a": "é"}'.encode()),
        ({"body": b64encode(bytes(range(256))).decode(), "isBase64Encoded": True}, bytes(range(256))),
    ],
)
def test_a_body_is_decoded_and_taken_out_of_the_event(changes: dict[str, object], expected: bytes) -> None:
    event = http_event(**changes)
    assert (take_body(event), "body" in event) == (expected, False)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b'{"source":"aws.events"}', b"\xff", b'"warm"'])
def test_what_is_no_http_request_is_none(data: bytes) -> None:
    assert parsed(data) is None


def test_an_app_sees_the_request_and_its_context() -> None:
    async def run() -> Post:
        async with function("scripted_apps.echo") as running:
            return await running.api.call(
                http_event(path="/v1/a%2Fb", body="aGk=", isBase64Encoded=True),
                Trace_Id="Root=1-2-3",
                Client_Context='{"a":1}',
                Aws_Tenant_Id="t",
                Invocation_Id="i-1",
            )

    post = asyncio.run(run())
    assert orjson.loads(post.content) == {
        "method": "POST",
        "path": "/v1/a/b",
        "raw_path": "/v1/a%2Fb",
        "query_string": "",
        "headers": [["host", "api.example.com"]],
        "client": ["203.0.113.7", 0],
        "scheme": "https",
        "stage": "prod",
        "body_in_event": False,
        "body": "aGk=",
        "context": {
            "request_id": "request-1",
            "deadline_ms": 1900000000000,
            "function_arn": "arn:aws:lambda:us-east-1:123456789012:function:chat",
            "trace_id": "Root=1-2-3",
            "client_context": '{"a":1}',
            "tenant_id": "t",
            "invocation_id": "i-1",
        },
    }
    assert post.headers["lambda-runtime-invocation-id"] == "i-1"


@pytest.mark.parametrize("event", [b"null", b'{"source":"aws.events"}', b"not json"])
def test_an_event_that_is_no_request_is_answered_with_null(event: bytes) -> None:
    async def run() -> tuple[Post, Post]:
        async with function("scripted_apps.echo") as running:
            return await running.api.call(event), await running.api.call(http_event())

    post, after = asyncio.run(run())
    assert (post.route, post.body) == (f"POST {VERSION}/invocation/request-1/response", b"null")
    assert "lambda-runtime-function-response-mode" not in post.headers
    assert after.prelude["statusCode"] == 200


@pytest.mark.parametrize("changes", [{"path": None}, {"body": "%%%", "isBase64Encoded": True}])
def test_a_malformed_request_event_fails_alone(changes: dict[str, object]) -> None:
    async def run() -> tuple[Post, Post]:
        async with function("scripted_apps.echo") as running:
            return await running.api.call(http_event(**changes)), await running.api.call(http_event())

    post, after = asyncio.run(run())
    assert post.route == f"POST {VERSION}/invocation/request-1/error"
    assert after.prelude["statusCode"] == 200
