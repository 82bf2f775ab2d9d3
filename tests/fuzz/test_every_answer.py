"""Tests that every endpoint answers any request in the contract's shape, and leaves no money held.

`make fuzz` draws many requests, new ones each time (`CASES=50000`); here few are drawn, the same each time.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from gateway.canonical.money import Settlement
from gateway.pipeline.charge import OpenHold
from tests.fakes.money import MemoryMoney
from tests.fuzz.cases import CASES, JSON_TYPE, TAKES_BODY, Case, cases
from tests.fuzz.gateway import Answer, Gateway
from tests.fuzz.judge import Broken, judge
from tests.fuzz.samples import samples_of
from tests.generation.studio import KEY
from tests.http.endpoints import Endpoint, endpoints
from tests.template.families import routed

# The requests to most endpoints without that setting. One that reads much has several times as many.
FEW, SAMPLES_MANY, TIMES_MANY = 3, 50, 5
# The console has pages and no endpoints: tests/console asks for them.
FAMILIES = sorted({route.family for route in routed()} - {"console"})
KEYED = (("authorization", f"Bearer {KEY}"), ("content-type", JSON_TYPE))
HELLO = b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}'
CHAT = Case("POST", "/v1/chat/completions", "", KEYED, HELLO)


def check(nexgate: Gateway, case: Case) -> Answer | None:
    """Asks and judges; `None` where API Gateway has no such route."""
    answer = nexgate.ask(case)
    if answer is not None:
        judge(case, answer, nexgate.world)
    return answer


def share(endpoint: Endpoint) -> int:
    """Returns how many times the requests of most endpoints go to this one."""
    reads_much = endpoint.method in TAKES_BODY and len(samples_of(endpoint)) > SAMPLES_MANY
    return TIMES_MANY if reads_much else 1


@pytest.mark.drawn
@pytest.mark.parametrize("family", FAMILIES)
def test_every_answer_keeps_the_contract(nexgate: Gateway, family: str) -> None:
    few = CASES // sum(map(share, endpoints())) + 1 if CASES else FEW
    asked = [endpoint for endpoint in endpoints() if endpoint.family == family]
    assert asked
    for endpoint in asked:

        @settings(
            max_examples=few * share(endpoint),
            deadline=None,
            derandomize=not CASES,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(cases(endpoint))
        def keeps_the_contract(case: Case) -> None:
            check(nexgate, case)

        keeps_the_contract()


def test_valid_requests_are_served(nexgate: Gateway) -> None:
    streamed = replace(CHAT, body=HELLO.replace(b"{", b'{"stream": true, ', 1))
    answers = [check(nexgate, case) for case in (CHAT, streamed, Case("GET", "/v1/keys/@key_id", "", KEYED[:1], b""))]
    assert [answer and answer.status for answer in answers] == [200, 200, 200]


def test_an_unforeseen_error_is_found(nexgate: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(OpenHold, "settle", fails)
    with pytest.raises(Broken, match="status 500"):
        check(nexgate, CHAT)


def test_a_hold_that_is_left_open_is_found(nexgate: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forgets(*_: object) -> Settlement:
        return Settlement(True, ())

    monkeypatch.setattr(MemoryMoney, "settle", forgets)
    with pytest.raises(Broken, match="holds left open"):
        check(nexgate, CHAT)


def test_an_answer_without_its_window_is_found(nexgate: Gateway) -> None:
    answer = nexgate.ask(CHAT)
    assert answer is not None
    del answer.headers["x-ratelimit-limit"]
    with pytest.raises(Broken, match="x-ratelimit-limit"):
        judge(CHAT, answer, nexgate.world)


@pytest.mark.parametrize(
    ("family", "body"),
    [
        ("chat", b"<html>"),
        ("chat", b'{"error": "no"}'),
        ("chat", b'{"error": {"message": "no", "type": "server_error", "param": null, "code": null}}'),
        ("messages", b'{"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": null}}'),
        ("gemini", b'{"error": {"code": 500, "message": "no", "status": "INTERNAL"}}'),
    ],
)
def test_an_error_in_another_shape_is_found(nexgate: Gateway, family: str, body: bytes) -> None:
    answer: Any = nexgate.ask(replace(CHAT, body=b"{"))
    answer.family, answer.body = family, body
    del answer.headers["content-length"]
    with pytest.raises(Broken):
        judge(CHAT, answer, nexgate.world)
