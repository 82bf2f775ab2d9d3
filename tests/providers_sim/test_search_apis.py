"""Tests of the simulated search APIs: each refuses what its vendor refuses, in the vendor's form."""

from typing import Any
from urllib.parse import urlencode

import orjson
import pytest

from tests.conftest import Rows

INVALID = ("VALIDATION", "Unable to validate request parameter(s)")


def brave(control: Any, key: str, **members: object) -> tuple[int, Any]:
    path = f"/brave/res/v1/web/search?{urlencode(members)}"
    status, _, body = control.send("GET", path, None, {"x-subscription-token": key})
    return status, orjson.loads(body)


def tavily(control: Any, key: str, **members: object) -> tuple[int, Any]:
    headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
    status, _, body = control.send("POST", "/tavily/search", members, headers)
    return status, orjson.loads(body)


@pytest.mark.parametrize(
    "members", [{"q": ""}, {"q": "x" * 401}, *({"q": "x", "count": n} for n in ("0", "21", "ten", "-1", "²"))]
)
def test_brave_refuses_a_request_that_is_not_valid(control: Any, rows: Rows, members: dict[str, str]) -> None:
    status, told = brave(control, rows["brave"]["api_key"], **members)
    error = told["error"]
    assert (status, told["type"], error["status"], (error["code"], error["detail"])) == (
        422,
        "ErrorResponse",
        422,
        INVALID,
    )


def test_brave_refuses_a_wrong_key_with_the_same_status(control: Any) -> None:
    status, told = brave(control, "wrong", q="tides")
    assert (status, told["error"]["code"]) == (422, "SUBSCRIPTION_TOKEN_INVALID")


@pytest.mark.parametrize(
    "members",
    [{}, {"query": ""}, {"query": "x" * 401}, *({"query": "x", "max_results": n} for n in (-1, 21, 1.5, True, "3"))],
)
def test_tavily_refuses_a_request_that_is_not_valid(control: Any, rows: Rows, members: dict[str, Any]) -> None:
    status, told = tavily(control, rows["tavily"]["api_key"], **members)
    assert (status, list(told), list(told["detail"])) == (400, ["detail"], ["error"])


@pytest.mark.parametrize("count", [0, 20])
def test_tavily_answers_with_as_many_pages_as_are_wanted(control: Any, rows: Rows, count: int) -> None:
    status, told = tavily(control, rows["tavily"]["api_key"], query="x" * 400, max_results=count)
    assert (status, len(told["results"])) == (200, count)
    assert tavily(control, "wrong", query="tides")[0] == 401
