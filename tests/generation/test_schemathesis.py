"""Tests that the generation routes serve or refuse every request in the contract's shape, and never fail."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, unsupported_method

from tests.control_plane.harness import as_from_api_gateway
from tests.generation.studio import APPS, KEY, Studio

TYPES = {
    400: "invalid_request_error",
    402: "insufficient_balance",
    404: "invalid_request_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}
EXAMPLES = settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)


def schema(family: str) -> BaseSchema:
    app = APPS[family]
    served = as_from_api_gateway(app)

    async def with_document(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/openapi.json":
            await served(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": orjson.dumps(app.openapi())})

    return schemathesis.openapi.from_asgi("/openapi.json", with_document)


files_schema, generation_schema, videos_schema = (schema(family) for family in sorted(APPS))


@pytest.fixture(autouse=True)
def studio() -> Studio:
    made = Studio()

    async def settle_in() -> None:
        await made.settle_in()
        await made.succeed(await made.create())

    asyncio.run(settle_in())
    return made


def check(case: Case[Any]) -> None:
    answer = case.call(headers={"Authorization": f"Bearer {KEY}"})
    case.validate_response(answer, checks=[not_a_server_error, unsupported_method, negative_data_rejection])
    assert answer.headers["x-trace-id"]
    if answer.status_code >= 400:
        error = answer.json()["error"]
        assert list(error) == ["message", "type", "param", "code"]
        assert error["type"] == TYPES[answer.status_code]


@files_schema.include(path_regex="^/v1/").parametrize()
@EXAMPLES
def test_a_call_for_files_is_served_or_refused(case: Case[Any]) -> None:
    check(case)


@generation_schema.include(path_regex="^/v1/").parametrize()
@EXAMPLES
def test_a_call_for_generation_is_served_or_refused(case: Case[Any]) -> None:
    check(case)


@videos_schema.include(path_regex="^/v1/").parametrize()
@EXAMPLES
def test_a_call_for_videos_is_served_or_refused(case: Case[Any]) -> None:
    check(case)
