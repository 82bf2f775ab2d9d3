"""Tests that every endpoint serves or refuses what schemathesis derives from the OpenAPI document that is served.

It draws valid calls, broken ones and ones at every bound. Answers are judged by the contract and by the document.
Endpoints that read their bodies into Structs refuse every broken one; on wires of other vendors unknown members pass.
"""

from __future__ import annotations

from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection

from local.openapi.document import served
from local.openapi.operations import OPERATIONS
from tests.drawn import drawn
from tests.fuzz.cases import CASES, Case
from tests.fuzz.gateway import Gateway, named_ids
from tests.fuzz.judge import judge
from tests.generation.studio import KEY
from tests.http.contract import written

# Every other process of tests does without it (pyproject.toml).
pytest_plugins = ["schemathesis.pytest.plugin"]
Call = schemathesis.Case[Any]
EXAMPLES = settings(
    max_examples=CASES // 500 + 1 if CASES else 2,
    deadline=None,
    derandomize=not CASES,
    suppress_health_check=list(HealthCheck),
    database=None,
)
BASE = "http://gateway.test"
# Operations whose bodies, paths and queries are Structs: what breaks the document is refused.
STRICT = {operation.id for row, operation in OPERATIONS.items() if row in served() and operation.body is None}
SENT = ("method", "url", "headers", "files", "data", "params", "json")
# Some 16,000 cases at the bounds of every member: as long as the rest of the suite.
COVERED = {"phases": {"coverage": {"enabled": bool(CASES)}}}
# The mark is too late: to read an operation takes as long as calls.
SCHEMA = schemathesis.openapi.from_dict(written(), config=SchemathesisConfig.from_dict(COVERED)).include(
    operation_id=drawn(operation.id for operation in OPERATIONS.values())
)
# How the library names a parameter that a query should not have: those are passed over, as everywhere on the web.
UNKNOWN = "x-schemathesis-unknown-property"


def headers_of(sent: requests.PreparedRequest) -> tuple[tuple[str, str], ...]:
    """Lists the headers as they come off the wire."""
    return tuple((name.lower(), value if isinstance(value, str) else value.decode("latin-1"))
                 for name, value in sent.headers.items())  # fmt: skip


@SCHEMA.parametrize()
@EXAMPLES
def test_a_call_is_served_or_refused(case: Call, nexgate: Gateway) -> None:
    there = {name: known for name, known in named_ids().items() if name in case.path_parameters}
    case.path_parameters.update(there)
    kwargs = case.as_transport_kwargs(base_url=BASE, headers={"Authorization": f"Bearer {KEY}"})
    sent = requests.Request(**{name: value for name, value in kwargs.items() if name in SENT}).prepare()
    path, _, query = sent.path_url.partition("?")
    body = sent.body if isinstance(sent.body, bytes) else str(sent.body or "").encode()
    asked = Case(case.method, path, query, headers_of(sent), body)
    answer = nexgate.ask(asked)
    if answer is None:
        return
    judge(asked, answer, nexgate.world)
    if case.operation.definition.raw["operationId"] in STRICT and UNKNOWN not in query:
        headers = {name: [value] for name, value in answer.headers.items()}
        told = schemathesis.Response(answer.status, headers, answer.body, sent, 0.0, verify=True)
        case.validate_response(told, checks=[not_a_server_error, negative_data_rejection])
