"""Tests of conversations by plain HTTP: the reference's samples, and what the endpoints refuse."""

from __future__ import annotations

import json

import httpx
import pytest

from functions.conversations.app import app
from gateway.conversations import views
from tests.control_plane.harness import (
    CALLER_IP,
    MANAGER_KEY,
    NOW_S,
    OTHER_KEY,
    as_from_api_gateway,
    refusal,
)
from tests.conversations.harness import PLAIN_KEY, Served

pytestmark = pytest.mark.anyio


async def test_the_reference_s_sample_runs_as_written(served: Served) -> None:
    conversation = await served.does("POST", "/conversations", {"title": "My Session"})
    at = f"/conversations/{conversation['conversation_id']}"
    said = await served.does("POST", f"{at}/messages", {"role": "user", "content": "Hello!"})
    assert (said["role"], said["content"], said["conversation_id"]) == (
        "user", "Hello!", conversation["conversation_id"],
    )  # fmt: skip
    listed = await served.does("GET", "/conversations?limit=20")
    assert (listed["object"], listed["has_more"], listed["next_cursor"]) == ("list", False, None)
    assert [each["title"] for each in listed["data"]] == ["My Session"]
    detail = await served.does("GET", at)
    assert detail == {**listed["data"][0], "messages": [said], "has_more": False}
    assert detail["created_at"] == int(NOW_S)


async def test_a_conversation_is_described_anew(served: Served) -> None:
    metadata = {"user_id": 7, "tags": ["a", None], "share": 0.1, "名": "值"}
    made = await served.does("POST", "/v1/conversations", {"title": "One", "metadata": metadata})
    assert (made["id"], made["object"], made["metadata"]) == (made["conversation_id"], "conversation", metadata)
    at = f"/v1/conversations/{made['id']}"
    assert (await served.does("PATCH", at, {"title": "Two"}))["metadata"] == metadata
    changed = await served.does("POST", at, {"metadata": {"topic": "x"}})
    assert (changed["title"], changed["metadata"]) == ("Two", {"topic": "x"})
    cleared = await served.does("PATCH", at, {"title": None, "metadata": None})
    assert (cleared["title"], cleared["metadata"]) == (None, {})
    assert await served.does("DELETE", at) == {
        "id": made["id"], "conversation_id": made["id"], "object": "conversation.deleted", "deleted": True,
    }  # fmt: skip
    for method in ("GET", "DELETE"):
        assert refusal(await served.send(method, at)) == (404, "conversation_not_found", "conversation_id")


async def test_metadata_has_4096_bytes_of_compact_json(served: Served) -> None:
    room = 4_096 - len('{"a":""}')
    for text, status in (("x" * room, 200), ("x" * (room + 1), 400), ("é" * (room // 2), 200), ("é" * room, 400)):
        for path in ("/v1/conversations", f"/v1/conversations/{served.kept.new_id()}"):
            answer = await served.send("POST", path, {"metadata": {"a": text}})
            assert answer.status_code == (404 if status == 200 and path.count("/") == 3 else status)
            if status == 400:
                assert refusal(answer) == (400, "metadata_too_large", "metadata")
    # What is counted is compact: blanks between members are free.
    spaced = json.dumps({"metadata": {"a": "x" * room}}, indent=8).encode()
    transport = httpx.ASGITransport(as_from_api_gateway(app), client=(CALLER_IP, 1))
    async with httpx.AsyncClient(transport=transport, base_url="https://gateway.test") as client:
        answer = await client.post(
            "/v1/conversations", content=spaced, headers={"Authorization": f"Bearer {PLAIN_KEY}"}
        )
    assert answer.status_code == 200


async def test_pages_go_on_from_their_cursor(served: Served) -> None:
    made = []
    for number in range(5):
        served.clock.at_s += 1
        made.append((await served.does("POST", "/v1/conversations", {"title": str(number)}))["id"])
    found: list[str] = []
    path = "/v1/conversations?limit=2"
    while True:
        page = await served.does("GET", path)
        found += [each["id"] for each in page["data"]]
        if not page["has_more"]:
            break
        path = f"/v1/conversations?limit=2&cursor={page['next_cursor']}"
    assert found == made[::-1]
    assert refusal(await served.send("GET", "/v1/conversations?cursor=resp_1")) == (400, "invalid_value", "cursor")


async def test_items_are_openai_s(served: Served) -> None:
    given = [
        {"type": "message", "role": "user", "content": "What is the weather?"},
        {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
    ]
    made = await served.does("POST", "/v1/conversations", {"items": given[:1]})
    at = f"/v1/conversations/{made['id']}/items"
    added = await served.does("POST", at, {"items": given[1:]})
    assert [each["type"] for each in added["data"]] == ["function_call", "function_call_output"]
    assert (added["first_id"], added["last_id"]) == (added["data"][0]["id"], added["data"][1]["id"])
    await served.does("POST", f"/v1/conversations/{made['id']}/messages", {"role": "tool", "content": "15 degrees"})
    whole = await served.does("GET", f"{at}?order=asc")
    assert [each["type"] for each in whole["data"]] == ["message", "function_call", "function_call_output", "message"]
    first, last = whole["data"][0], whole["data"][-1]
    assert first["content"] == [{"type": "input_text", "text": "What is the weather?"}]
    assert (last["role"], last["content"]) == ("tool", [{"type": "input_text", "text": "15 degrees"}])
    for order, ids in (
        ("asc", [each["id"] for each in whole["data"]]),
        ("desc", [x["id"] for x in whole["data"]][::-1]),
    ):
        found: list[str] = []
        after = ""
        while True:
            page = await served.does("GET", f"{at}?order={order}&limit=1{after}")
            found += [each["id"] for each in page["data"]]
            if not page["has_more"]:
                break
            after = f"&after={page['last_id']}"
        assert found == ids
    assert await served.does("GET", f"{at}/{first['id']}") == first
    assert (await served.does("DELETE", f"{at}/{first['id']}"))["item_count"] == 3
    for method in ("GET", "DELETE"):
        assert refusal(await served.send(method, f"{at}/{first['id']}")) == (404, "item_not_found", "item_id")
    assert refusal(await served.send("GET", f"{at}?after={first['id']}")) == (400, "invalid_value", "after")


@pytest.mark.parametrize(
    ("path", "body", "code", "param"),
    [
        ("messages", {"role": "developer", "content": "x"}, "invalid_value", "role"),
        ("messages", {"role": "user"}, "missing_required_parameter", "content"),
        ("messages", {"role": "user", "content": ["x"]}, "invalid_type", "content"),
        ("messages", {"role": "user", "content": "x", "model": "gpt-4o"}, "unknown_parameter", "model"),
        ("items", {"items": []}, "invalid_value", "items"),
        ("items", {"items": [{"role": "user", "content": "x"}] * 21}, "invalid_value", "items"),
        ("items", {"items": [{"role": "king", "content": "x"}]}, "invalid_value", "items[0].role"),
        (
            "items",
            {"items": [{"type": "function_call", "call_id": "1"}]},
            "missing_required_parameter",
            "items[0].name",
        ),
        ("items", {"items": [{"type": "item_reference", "id": "msg_1"}]}, "invalid_value", "items[0]"),
    ],
)
async def test_what_a_conversation_cannot_hold_is_refused_at_its_place(
    served: Served, path: str, body: object, code: str, param: str
) -> None:
    made = await served.does("POST", "/v1/conversations", {})
    answer = await served.send("POST", f"/v1/conversations/{made['id']}/{path}", body)
    assert refusal(answer) == (400, code, param)
    assert (await served.does("GET", f"/v1/conversations/{made['id']}"))["messages"] == []


async def test_a_repeat_of_an_idempotency_key_adds_nothing(served: Served) -> None:
    once = {"Idempotency-Key": "once"}
    first, again = [await served.does("POST", "/v1/conversations", {"title": "x"}, **once) for _ in range(2)]
    assert first == again
    at = f"/v1/conversations/{first['id']}"
    said = {"role": "user", "content": "Hello!"}
    assert len({(await served.does("POST", f"{at}/messages", said, **once))["id"] for _ in range(2)}) == 1
    assert (await served.does("GET", at))["item_count"] == 1
    assert len((await served.does("GET", "/v1/conversations"))["data"]) == 1


async def test_a_conversation_is_its_account_s_by_any_of_its_keys(served: Served) -> None:
    made = await served.does("POST", "/v1/conversations", {"items": [{"role": "user", "content": "secret"}]})
    at = f"/v1/conversations/{made['id']}"
    item_id = (await served.does("GET", at))["messages"][0]["id"]
    asked = [
        ("GET", at, None), ("POST", at, {"title": "mine"}), ("PATCH", at, {"title": "mine"}), ("DELETE", at, None),
        ("POST", f"{at}/messages", {"role": "user", "content": "x"}), ("GET", f"{at}/items", None),
        ("POST", f"{at}/items", {"items": [{"role": "user", "content": "x"}]}),
        ("GET", f"{at}/items/{item_id}", None), ("DELETE", f"{at}/items/{item_id}", None),
    ]  # fmt: skip
    for method, path, body in asked:
        answer = await served.send(method, path, body, key=OTHER_KEY)
        assert refusal(answer) == (404, "conversation_not_found", "conversation_id"), (method, path)
    assert (await served.send("GET", "/v1/conversations", key=OTHER_KEY)).json()["data"] == []
    assert (await served.send("GET", at, key=MANAGER_KEY)).json()["messages"][0]["content"] == "secret"


async def test_an_answer_holds_as_much_as_a_function_can_answer(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "PAGE_BYTES_MAX", 1_000)
    made = await served.does("POST", "/v1/conversations", {})
    at = f"/v1/conversations/{made['id']}"
    for number in range(6):
        await served.does("POST", f"{at}/messages", {"role": "user", "content": f"{number}" * 300})
    page = await served.does("GET", f"{at}/items?order=asc")
    assert (len(page["data"]), page["has_more"]) == (2, True)
    rest = await served.does("GET", f"{at}/items?order=asc&after={page['last_id']}")
    assert rest["data"][0]["content"][0]["text"] == "2" * 300
    detail = await served.does("GET", at)
    assert ([each["content"][0] for each in detail["messages"]], detail["has_more"]) == (["5"], True)
