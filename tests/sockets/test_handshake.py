"""Tests that a refused handshake is answered as a refused request of HTTP is."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import GatewayError, InvalidRequest, RateLimited, ServiceUnavailable
from gateway.http import sockets

EVENT = {
    "requestContext": {
        "connectionId": "one",
        "stage": "realtime",
        "requestId": "request",
        "identity": {"sourceIp": "192.0.2.1"},
    },
    "multiValueHeaders": {},
}


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (ServiceUnavailable("The store is down."), 503, "1"),
        (RateLimited("Limit reached.", retry_after_s=7), 429, "7"),
        (InvalidRequest("Name a model."), 400, None),
    ],
)
def test_a_refusal_says_when_to_try_again(
    monkeypatch: pytest.MonkeyPatch, error: GatewayError, status: int, retry_after: str | None
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr(sockets, "look", refuse)
    told = asyncio.run(sockets.connect(EVENT, None))
    assert (told["statusCode"], told["headers"].get("Retry-After")) == (status, retry_after)
