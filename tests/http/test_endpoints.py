"""Tests which endpoint a path leads to, and what its names stand for."""

from __future__ import annotations

import pytest

from gateway.errors import NotFound
from gateway.http.calls import Call, Shown
from gateway.http.endpoints import Endpoints, Table

things = Endpoints(Call, "/v1/things", "/things")


@things.on("GET", "")
async def every(_: Call) -> Shown:
    return {}


@things.on("POST", "/fixed")
async def fixed(_: Call) -> Shown:
    return {}


@things.on("GET", "/{thing_id}")
@things.on("POST", "/{thing_id}")
async def one(_: Call) -> Shown:
    return {}


@things.on("GET", "/{thing_id}/rest/{rest...}")
async def rest(_: Call) -> Shown:
    return {}


TABLE = Table(things.all)


@pytest.mark.parametrize(
    ("method", "path", "answer", "names"),
    [
        ("GET", "/v1/things", every, {}),
        ("GET", "/things", every, {}),
        ("GET", "/things/a", one, {"thing_id": "a"}),
        ("POST", "/things/fixed", fixed, {}),
        ("POST", "/things/other", one, {"thing_id": "other"}),
        ("GET", "/things/fixed", one, {"thing_id": "fixed"}),
        ("GET", "/things/a/rest/b/c", rest, {"thing_id": "a", "rest": "b/c"}),
        ("GET", "/things/a/rest/", rest, {"thing_id": "a", "rest": ""}),
    ],
)
def test_a_path_leads_to_the_first_endpoint_that_it_fits(
    method: str, path: str, answer: object, names: dict[str, str]
) -> None:
    endpoint, found = TABLE(path, {}).endpoints[method]
    assert (endpoint.answer, found) == (answer, names)


@pytest.mark.parametrize(
    "path", ["", "/", "/v1/thing", "/v1/things/", "/things//", "/v1/things/a/b", "/things/a/rest", "/v2/things"]
)
def test_another_path_is_none(path: str) -> None:
    with pytest.raises(NotFound, match="Unknown path"):
        TABLE(path, {})


def test_a_path_has_the_methods_of_every_endpoint_that_it_fits() -> None:
    assert set(TABLE("/things/fixed", {}).methods) == {"GET", "POST"}
