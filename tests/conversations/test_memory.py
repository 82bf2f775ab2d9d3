"""Tests of the endpoints of memory: lists by level, deletions, and whose memory it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest

from gateway.errors import NotFound
from tests.control_plane.harness import ACCOUNT, MANAGER_KEY, NOW_S, OTHER_KEY, refusal
from tests.conversations.harness import Served

pytestmark = pytest.mark.anyio
AT = "2026-11-21T06:40:10Z"


def listed(*memories: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": list(memories), "has_more": False, "next_cursor": None}


def memory(key: str, value: str, level: str = "tenant", updated_at: str | None = AT) -> dict[str, Any]:
    return {"object": "memory", "level": level, "key": key, "value": value, "updated_at": updated_at}


async def test_an_account_s_memories_are_listed_by_their_keys(served: Served) -> None:
    assert await served.does("GET", "/v1/memory") == listed()
    for key, value in (("b", "2"), ("a/ü", "1")):
        await served.memories.write(ACCOUNT, key, value, NOW_S)
    expected = listed(memory("a/ü", "1"), memory("b", "2"))
    assert await served.does("GET", "/v1/memory") == expected
    assert await served.does("GET", "/v1/memory?level=tenant", key=MANAGER_KEY) == expected
    assert (await served.send("GET", "/v1/memory", key=OTHER_KEY)).json() == listed()


@pytest.mark.parametrize("key", ["plain", "a/b/c", "ü %?#", "..", "a+b"])
async def test_a_memory_is_deleted_under_any_key(served: Served, key: str) -> None:
    await served.memories.write(ACCOUNT, key, "x", NOW_S)
    await served.memories.write(ACCOUNT, "other", "y", NOW_S)
    path = f"/v1/memory/{quote(key, safe='').replace('..', '%2E%2E')}"
    assert refusal(await served.send("DELETE", path, key=OTHER_KEY)) == (404, "memory_not_found", "key")
    assert await served.does("DELETE", path) == {
        "object": "memory.deleted", "level": "tenant", "key": key, "deleted": True,
    }  # fmt: skip
    assert refusal(await served.send("DELETE", path)) == (404, "memory_not_found", "key")
    assert await served.does("GET", "/v1/memory") == listed(memory("other", "y"))


async def test_the_memory_of_a_run_is_its_account_s(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    async def of_run(account_id: str, task_id: str) -> Mapping[str, str]:
        if (account_id, task_id) != (ACCOUNT, "task_1"):
            raise NotFound("unknown", code="task_not_found")
        return {"b": "2", "a": "1"}

    monkeypatch.setattr("gateway.http.memory.memory_of_run", of_run)
    path = "/v1/memory?level=task&task_id=task_1"
    expected = listed(memory("a", "1", "task", None), memory("b", "2", "task", None))
    assert await served.does("GET", path) == expected
    assert refusal(await served.send("GET", path, key=OTHER_KEY))[:2] == (404, "task_not_found")


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("level=planet", "invalid_value", "level"),
        ("level=task", "missing_required_parameter", "task_id"),
        ("task_id=task_1", "invalid_value", "task_id"),
    ],
)
async def test_a_level_that_there_is_not_is_refused(served: Served, query: str, code: str, param: str) -> None:
    assert refusal(await served.send("GET", f"/v1/memory?{query}")) == (400, code, param)
