"""Tests of pages of other origins: only allowed origins get preflight answers and readable answers."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from gateway.http.cors import CrossOrigin

pytestmark = pytest.mark.anyio

PAGE = b"https://app.example"
ASKED = [
    (b"origin", PAGE),
    (b"access-control-request-method", b"POST"),
    (b"access-control-request-headers", b"authorization,content-type,x-stainless-os"),
]


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-trace-id", b"t")]})
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    await send({"type": "http.response.body", "body": b"two"})


async def asked(
    origins: Collection[str], method: str, headers: list[tuple[bytes, bytes]]
) -> tuple[int, dict[bytes, bytes], list[bytes]]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read")

    scope = {"type": "http", "method": method, "path": "/v1/chat/completions", "headers": headers}
    await CrossOrigin(app, lambda: origins)(scope, receive, send)
    return sent[0]["status"], dict(sent[0]["headers"]), [message["body"] for message in sent[1:]]


@pytest.mark.parametrize(("origins", "told"), [(["*"], b"*"), ([PAGE.decode(), "https://b.example"], PAGE)])
async def test_a_preflight_is_answered_without_the_app(origins: list[str], told: bytes) -> None:
    status, headers, body = await asked(origins, "OPTIONS", ASKED)
    assert (status, body) == (204, [b""])
    assert headers == {
        b"access-control-allow-origin": told,
        b"access-control-allow-headers": b"authorization,content-type,x-stainless-os",
        b"access-control-allow-methods": b"GET, HEAD, POST, PUT, PATCH, DELETE",
        b"access-control-max-age": b"7200",
        b"vary": b"Origin, Access-Control-Request-Headers",
    }


@pytest.mark.parametrize(("origins", "told"), [(["*"], b"*"), ([PAGE.decode()], PAGE)])
async def test_an_answer_is_readable_and_streams_on(origins: list[str], told: bytes) -> None:
    status, headers, body = await asked(origins, "POST", [(b"origin", PAGE)])
    assert (status, body) == (201, [b"one", b"two"])
    assert headers[b"access-control-allow-origin"] == told
    assert headers[b"access-control-expose-headers"] == b"*"
    assert headers[b"x-trace-id"] == b"t"


async def test_caches_keep_pages_apart_where_not_all_may() -> None:
    _, some, _ = await asked([PAGE.decode()], "GET", [(b"origin", PAGE)])
    _, every, _ = await asked(["*"], "GET", [(b"origin", PAGE)])
    assert (some.get(b"vary"), every.get(b"vary")) == (b"Origin", None)


@pytest.mark.parametrize("headers", [[(b"origin", b"https://evil.example")], []])
async def test_another_page_is_told_nothing(headers: list[tuple[bytes, bytes]]) -> None:
    status, told, _ = await asked([PAGE.decode()], "POST", headers)
    assert status == 201
    assert not any(name.startswith(b"access-control-") for name in told)


async def test_another_pages_preflight_allows_nothing() -> None:
    status, told, _ = await asked([PAGE.decode()], "OPTIONS", [(b"origin", b"https://evil.example"), *ASKED[1:]])
    assert (status, set(told)) == (204, {b"vary"})


async def test_without_origins_nothing_changes() -> None:
    assert await asked([], "OPTIONS", ASKED) == (201, {b"x-trace-id": b"t"}, [b"one", b"two"])


async def test_an_options_that_is_no_preflight_is_the_apps() -> None:
    status, _, _ = await asked(["*"], "OPTIONS", [(b"origin", PAGE)])
    assert status == 201
