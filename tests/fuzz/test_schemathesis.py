"""Tests that JSON families serve or refuse what schemathesis derives from their own OpenAPI documents.

It draws valid calls, broken ones and ones at every bound, and checks that a broken one is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

import orjson
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import negative_data_rejection, unsupported_method

from tests.control_plane.harness import as_from_api_gateway
from tests.drawn import drawn
from tests.fuzz.cases import CASES, Case
from tests.fuzz.gateway import Answer, Gateway, World, named_ids
from tests.fuzz.judge import judge
from tests.generation.studio import KEY
from tests.http.documents import documented

Call = schemathesis.Case[Any]
EXAMPLES = settings(
    max_examples=CASES // 500 + 1 if CASES else 3,
    deadline=None,
    derandomize=not CASES,
    suppress_health_check=list(HealthCheck),
    database=None,
)


def schema_of(family: str) -> BaseSchema:
    app = import_module(f"functions.{family}.app").app
    served = as_from_api_gateway(app)

    async def with_document(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/openapi.json":
            await served(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": orjson.dumps(documented(app))})

    # What lies outside /v1 is the same by another name. The mark is too late: to read a path takes as long as calls.
    paths = drawn(path for path in documented(app)["paths"] if path.startswith("/v1/"))
    return schemathesis.openapi.from_asgi("/openapi.json", with_document).include(path=paths)


def calls_of(family: str) -> Callable[..., None]:
    """Builds the test of a family."""

    @schema_of(family).parametrize()
    @EXAMPLES
    def test(case: Call, nexgate: Gateway) -> None:
        nexgate.world = World()
        there = {name: known for name, known in named_ids().items() if name in case.path_parameters}
        case.path_parameters.update(there)
        told = case.call(headers={"Authorization": f"Bearer {KEY}"})
        case.validate_response(told, checks=[not_a_server_error, unsupported_method, negative_data_rejection])
        headers = {name: values[-1] for name, values in told.headers.items()}
        judge(
            Case(case.method, case.path, "", (), b""),
            Answer(family, told.status_code, headers, told.content),
            nexgate.world,
        )

    return cast("Callable[..., None]", test)


test_a_call_for_billing_is_served_or_refused = calls_of("billing")
test_a_call_for_files_is_served_or_refused = calls_of("files")
test_a_call_for_generation_is_served_or_refused = calls_of("generation")
test_a_call_for_keys_is_served_or_refused = calls_of("keys")
test_a_call_for_models_is_served_or_refused = calls_of("models")
test_a_call_for_videos_is_served_or_refused = calls_of("videos")
test_a_call_for_webhooks_is_served_or_refused = calls_of("webhooks")
