"""Tests that the control plane serves or refuses every request in the contract's shape, and never fails.

Schemathesis derives calls from the apps' own OpenAPI documents: valid ones, broken ones, and ones at every bound.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, unsupported_method

from functions.billing.app import app as billing_app
from functions.keys.app import app as keys_app
from tests.control_plane.harness import (
    ACCOUNT,
    MANAGER_ID,
    MANAGER_KEY,
    NOW_S,
    AppUnderTest,
    StoppedClock,
    as_from_api_gateway,
)

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    409: "conflict_error",
    415: "invalid_request_error",
}
EXAMPLES = settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def schema_of(app: FastAPI) -> BaseSchema:
    served = as_from_api_gateway(app)

    async def with_document(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/openapi.json":
            await served(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": orjson.dumps(app.openapi())})

    return schemathesis.openapi.from_asgi("/openapi.json", with_document)


keys_schema, billing_schema = schema_of(keys_app), schema_of(billing_app)


class MinuteClock(StoppedClock):
    """A clock on which no two calls are in one minute, so that none meets a full window."""

    def now_s(self) -> float:
        self.at_s += 60
        return self.at_s


@pytest.fixture(autouse=True)
def nexgate() -> AppUnderTest:
    made = AppUnderTest(clock=MinuteClock())

    async def settle_in() -> None:
        await made.settle_in()
        await made.money.credit(ACCOUNT, 10**10, once="start", now_s=NOW_S)
        await made.spend("0.5")

    asyncio.run(settle_in())
    return made


def check(case: Case[Any]) -> None:
    answer = case.call(headers={"Authorization": f"Bearer {MANAGER_KEY}"})
    case.validate_response(answer, checks=[not_a_server_error, unsupported_method, negative_data_rejection])
    assert answer.headers["x-trace-id"]
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert list(error) == ["message", "type", "param", "code"]
        assert error["type"] == TYPES[answer.status_code]


@keys_schema.include(path_regex="^/v1/").parametrize()
@EXAMPLES
def test_a_call_about_any_key_is_served_or_refused(case: Case[Any]) -> None:
    check(case)


@keys_schema.include(path_regex="^/v1/.*key_id").parametrize()
@EXAMPLES
def test_a_call_about_a_key_that_is_there_is_served_or_refused(case: Case[Any]) -> None:
    case.path_parameters["key_id"] = MANAGER_ID
    check(case)


@billing_schema.include(path_regex="^/v1/").parametrize()
@EXAMPLES
def test_a_call_about_money_is_served_or_refused(case: Case[Any]) -> None:
    check(case)
