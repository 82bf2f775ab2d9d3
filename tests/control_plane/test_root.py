"""The API's root, which some clients ask before they show a key."""

from __future__ import annotations

from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from functions.models.app import app

pytestmark = pytest.mark.anyio

SAMPLE = Path(__file__).parents[2] / "events/models-root.json"


def stage(path: str) -> Any:
    """The app as an event brings it requests whose full path is `path`."""
    event = orjson.loads(SAMPLE.read_bytes())
    event["requestContext"]["path"] = path

    async def asked(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        await app({**scope, "aws.event": event}, receive, send)

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
