"""Tests that the served document is valid, is what the code gives, and names every route once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import jsonschema_rs
import orjson
import pytest
from openapi_spec_validator.schemas import schema_v31

from gateway.http.callers import TABLE
from gateway.http.json_app import JsonApp
from gateway.http.streaming_app import StreamingApp
from local.openapi.__main__ import WRITTEN, text_of
from local.openapi.document import ROOT, served
from local.openapi.operations import OPERATIONS
from tests.http.contract import Misfit, judge_answer, operation_at, written
from tests.http.endpoints import FAMILIES, NOWHERE, endpoints


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_kept_is_what_the_code_gives(name: str) -> None:
    assert (ROOT / name).read_bytes() == text_of(WRITTEN[name]()), "run `make openapi`"


def test_the_document_is_valid() -> None:
    # `make openapi` asks the validator itself, which takes ten seconds.
    validator = jsonschema_rs.validator_for(dict(schema_v31))
    assert [error.message for error in validator.iter_errors(written())] == []


def test_every_route_is_in_the_document_and_no_other() -> None:
    assert set(OPERATIONS) == set(TABLE), "give the endpoint a row in local/openapi/, then run `make openapi`"
    asked = [endpoint for endpoint in endpoints() if endpoint.path != NOWHERE]
    assert [
        each for each in asked if operation_at(each.method, each.path.replace("{", "").replace("}", "")) is None
    ] == []
    families = {each.family for each in asked}
    with_paths = {name for name in FAMILIES if isinstance(app_of(name), JsonApp | StreamingApp)}
    assert families == with_paths
    assert {each.row for each in asked} | {"GET /v1beta/{resource...}", *_gemini()} == set(TABLE)


def _gemini() -> set[str]:
    return {row for row in TABLE if "{call...}" in row}


def app_of(family: str) -> object:
    return getattr(import_module(f"functions.{family}.app"), "app", None)


def test_every_path_of_a_fixed_table_is_in_the_document() -> None:
    tables = [vars(import_module(f"functions.{name}.app")).get("ROUTES") for name in FAMILIES]
    found = [(method, path) for table in tables if isinstance(table, dict) for path in table
             for method in table[path].methods]  # fmt: skip
    assert len(found) > 15
    assert [one for one in found if operation_at(*one) is None] == []


def test_an_operations_name_and_method_are_its_own() -> None:
    names = [each.id for each in OPERATIONS.values()]
    methods = [each.sdk for each in OPERATIONS.values() if each.sdk]
    assert len(set(names)) == len(names)
    assert len(set(methods)) == len(methods)
    assert [each.id for each in OPERATIONS.values() if bool(each.sdk) == bool(each.why_none)] == []


def test_every_operation_says_what_it_does() -> None:
    silent = [name for entry in written()["paths"].values() for name in entry if not entry[name]["summary"]]
    assert silent == []


def test_a_path_beside_v1_is_named_at_its_operation() -> None:
    assert operation_at("GET", "/keys") == operation_at("GET", "/v1/keys")
    assert {len({each.path for each in found}) for found in served().values()} == {1, 2}


BALANCE = {"object": "balance", "balance_usd": "1.5", "held_usd": "0", "currency": "USD", "suspended": False}


def test_an_answer_that_the_document_describes_passes() -> None:
    judge_answer("GET", "/v1/billing/balance", 200, "application/json", orjson.dumps(BALANCE))


@pytest.mark.parametrize(("status", "more"), [(200, {"balance_usd": 1.5}), (200, {"other": 1}), (201, {})])
def test_an_answer_that_the_document_does_not_describe_is_found(status: int, more: dict[str, Any]) -> None:
    with pytest.raises(Misfit):
        judge_answer("GET", "/v1/billing/balance", status, "application/json", orjson.dumps(BALANCE | more))
