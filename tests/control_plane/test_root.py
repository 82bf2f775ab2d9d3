"""Tests of the API's root, which some clients request before they send a key."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from functions.models.app import app
from gateway import VERSION
from gateway.http.buffered import lambda_handler
from tests.control_plane.harness import INVOCATION
from tests.fakes.invocations import LambdaContext
from tests.process_loop import process_loop

pytestmark = pytest.mark.anyio

SAMPLE = Path(__file__).parents[2] / "events/models-root.json"


def stage(path: str) -> Any:
    """Returns the app as an event calls it with requests whose full path is `path`."""
    event = orjson.loads(SAMPLE.read_bytes())
    event["requestContext"]["path"] = path
    scoped = {"aws.event": event, "aws.context": INVOCATION}

    async def asked(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await app({**scope, **scoped}, receive, send)

    return asked


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stage("/prod/")), base_url="http://gateway") as made:
        yield made


async def test_the_root_answers_a_head_without_a_key(client: httpx.AsyncClient) -> None:
    answer = await client.head("/")
    assert (answer.status_code, answer.headers["x-trace-id"]) == (200, "0b7e4c1a-6c2f-4a5e-9b1d-2f3a4b5c6d7e")


async def test_the_root_says_where_the_doors_are_under_its_stage(client: httpx.AsyncClient) -> None:
    assert (await client.get("/")).json() == {
        "object": "gateway",
        "name": "Nexgate",
        "base_urls": {"openai": "/prod/v1", "anthropic": "/prod/", "google": "/prod/"},
        "models": "/prod/v1/models",
    }


async def test_the_root_of_a_domain_of_its_own_has_no_stage() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(stage("/")), base_url="http://gateway") as client:
        assert (await client.get("/")).json()["models"] == "/v1/models"


async def test_the_root_takes_no_post_and_says_what_it_takes(client: httpx.AsyncClient) -> None:
    answer = await client.post("/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_health_needs_no_key_and_shows_the_version(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.json() == {"status": "ok", "version": VERSION}


def test_the_version_is_the_projects() -> None:
    settings = tomllib.loads((SAMPLE.parents[1] / "pyproject.toml").read_text())
    assert settings["project"]["version"] == VERSION


def test_an_event_of_a_domain_with_a_base_path_is_served_with_pages_of_every_origin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app._answer_pages, "_origins", lambda: {"*"})
    event = orjson.loads(SAMPLE.read_bytes()) | {"resource": "/health", "path": "/ai/health"}
    with process_loop():
        answer = lambda_handler(app)(event, LambdaContext())
    assert (answer["statusCode"], orjson.loads(answer["body"])["status"]) == (200, "ok")
    assert answer["headers"]["access-control-allow-origin"] == "*"


async def test_another_method_under_v1beta_is_refused_in_the_shape_of_gemini(client: httpx.AsyncClient) -> None:
    answer = await client.delete("/v1beta/models")
    assert (answer.status_code, answer.json()["error"]["status"]) == (405, "UNIMPLEMENTED")


@pytest.mark.parametrize("path", ["/v1beta/models/gemini-2.5-flash:generateContent", "/v1/models/m:countTokens"])
async def test_a_generating_path_is_refused_in_the_shape_of_gemini(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).json()["error"]["status"] == "UNAUTHENTICATED"
    assert (await client.delete(path)).json()["error"]["status"] == "UNIMPLEMENTED"


async def test_a_get_of_a_generating_resource_is_a_405_that_names_post(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1beta/aws/claude-haiku-4-5:generateContent")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "path", ["/v1beta/models/m:generateContent", "/v1/models/m:countTokens", "/v1beta/a/m:generateContent"]
)
async def test_any_other_method_of_a_generating_path_is_told_of_post(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.put(path)).headers["allow"] == "POST"


async def test_an_unknown_path_under_v1beta_is_a_404_in_the_shape_of_gemini(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1beta/nothing")
    assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


async def test_an_anthropic_client_is_refused_in_the_shape_of_anthropic(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/models", headers={"anthropic-version": "2023-06-01"})
    assert (answer.status_code, answer.json()["type"], answer.json()["error"]["type"]) == (
        401,
        "error",
        "authentication_error",
    )
