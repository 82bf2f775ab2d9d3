"""Tests of conversations over the whole stack: OpenAI's SDK, and the reference's calls, on the same objects."""

import time
from typing import Any

import httpx
import openai
import orjson
import pytest

from gateway.ports.routes import SHARDS, RoutedOutcome, RoutedRating, StoredPolicy, slot_of
from gateway.wiring.operator import Operator
from tests.hangs import HANGS_AFTER_S, comes_true
from tests.stack.conftest import Stack


def test_openai_s_sdk_and_the_reference_s_calls_meet_in_the_same_conversation(stack: Stack, sdk: openai.OpenAI) -> None:
    made = sdk.conversations.create(metadata={"topic": "weather"}, items=[{"role": "user", "content": "Hello!"}])
    assert (made.object, made.metadata) == ("conversation", {"topic": "weather"})
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as plain:
        said = plain.post(f"/conversations/{made.id}/messages", json={"role": "assistant", "content": "Hi."})
        assert said.is_success, said.text
        other: Any = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
        added = sdk.conversations.items.create(made.id, items=[other])
        assert [item.type for item in added.data] == ["function_call_output"]
        # The SDK goes from page to page by itself.
        items = list(sdk.conversations.items.list(made.id, limit=1, order="asc"))
        assert [item.type for item in items] == ["message", "message", "function_call_output"]
        assert items[1].id == said.json()["message_id"]
        assert sdk.conversations.items.retrieve(said.json()["id"], conversation_id=made.id) == items[1]
        assert sdk.conversations.update(made.id, metadata={"topic": "x"}).metadata == {"topic": "x"}
        left = sdk.conversations.items.delete(added.first_id, conversation_id=made.id)
        assert left.to_dict()["item_count"] == 2
        detail = plain.get(f"/conversations/{made.id}").json()
        assert [message["content"] for message in detail["messages"]] == ["Hello!", "Hi."]
        assert made.id in [each["id"] for each in plain.get("/v1/conversations", params={"limit": 20}).json()["data"]]
    stranger = stack.with_new_account("1")
    others = openai.OpenAI(base_url=stranger.base_url, api_key=stranger.api_key, max_retries=0)
    with others, pytest.raises(openai.NotFoundError):
        others.conversations.retrieve(made.id)
    deleted = sdk.conversations.delete(made.id)
    assert (deleted.object, deleted.deleted) == ("conversation.deleted", True)
    with pytest.raises(openai.NotFoundError):
        sdk.conversations.items.list(made.id)


def test_a_generation_is_rated_by_its_own_account_and_reported(stack: Stack, sdk: openai.OpenAI) -> None:
    said: Any = [{"role": "user", "content": "Hello!"}]
    answer = sdk.chat.completions.with_raw_response.create(model="nexevo/balanced", messages=said)
    generation_id = answer.headers["X-Nexevo-Generation-Id"]
    given = {"generation_id": generation_id, "rating": 1, "tags": ["stack-test"]}
    # What is rated is found by its charge.
    assert stack.ends(generation_id=generation_id) == ["charge"]
    stranger = stack.with_new_account("1")
    callers = [
        httpx.Client(
            base_url=stack.root_url,
            headers={"Authorization": f"Bearer {each.api_key}"},
            timeout=HANGS_AFTER_S,
            trust_env=False,
        )
        for each in (stack, stranger)
    ]
    with callers[0] as own, callers[1] as other:
        assert other.post("/feedback", json=given).status_code == 404
        first, again = (own.post("/feedback", json=given).raise_for_status().json() for _ in range(2))
        assert (first["model"], first["replaced"], again["replaced"]) == (
            answer.headers["X-Nexevo-Model-Used"],
            False,
            True,
        )
        (row,) = [each for each in own.get("/v1/feedback/summary").json()["by_tag"] if each["tag"] == "stack-test"]
        assert (row["positive"], row["negative"]) == (1, 0)


def test_a_pinned_key_is_routed_by_its_policy_and_its_rating_is_left_to_be_learned_from(stack: Stack) -> None:
    own = stack.with_new_account("5")
    headers = {"Authorization": f"Bearer {own.api_key}"}
    asked = {"model": "nexevo/balanced", "messages": [{"role": "user", "content": "Hello!"}]}
    with httpx.Client(base_url=own.root_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as plain:
        (key,) = plain.get("/v1/keys").raise_for_status().json()["data"]
        # All other keys are routed by the rules, as without a policy.
        parts = [{"name": "rules", "percent": 100, "kind": "static"}, {"name": "few", "percent": 0, "kind": "cheapest"}]
        written = {"version": key["key_id"], "parts": parts, "pinned": {key["key_id"]: "few"}}
        policy = StoredPolicy(1, key["key_id"], orjson.dumps(written).decode(), "tests", 0)
        assert stack.operate(lambda services: services.routes.set_policy(policy))

        outcomes: list[RoutedOutcome] = []

        def is_left() -> bool:
            answer = plain.post("/v1/chat/completions", json=asked).raise_for_status()
            named = answer.headers["X-Nexevo-Generation-Id"]
            found = stack.operate(lambda services: services.routes.outcome(named, services.clock.now_s()))
            outcomes.extend(() if found is None else (found,))
            # What a process knows of policies may be 15 s old.
            time.sleep(0 if found else 1)
            return found is not None

        assert comes_true(is_left)
        (found,) = outcomes
        cheapest = min(found.offered, key=lambda each: each.cost)
        assert (found.policy, found.tried, found.succeeded) == ("few", cheapest.arm, True)
        plain.post("/v1/feedback", json={"generation_id": found.generation_id, "rating": -1}).raise_for_status()
    generation_id = found.generation_id

    async def ratings(services: Operator) -> list[RoutedRating]:
        slot = slot_of(services.clock.now_s(), generation_id)
        left = [await services.routes.records(each, "r", 100) for each in (slot, slot - SHARDS)]
        return [record for records in left for _, record in records if isinstance(record, RoutedRating)]

    (rating,) = [each for each in stack.operate(ratings) if each.generation_id == generation_id]
    assert (rating.account_id, rating.arm, rating.liked) == (own.account_id, cheapest.arm, False)


def test_responses_go_on_from_a_conversation_at_once_as_streams_and_in_the_background(sdk: openai.OpenAI) -> None:
    made = sdk.conversations.create(items=[{"role": "user", "content": "My name is Emma."}])
    first = sdk.responses.create(model="gpt-4o", input="Hello!", conversation=made.id)
    with sdk.responses.stream(model="claude-haiku-4-5", input="Again!", conversation={"id": made.id}) as events:
        second = events.get_final_response()
    third = sdk.responses.create(model="gpt-4o", input="And?", conversation=made.id, background=True)
    assert comes_true(lambda: sdk.responses.retrieve(third.id).status not in {"queued", "in_progress"})
    third = sdk.responses.retrieve(third.id)
    answered = [first, second, third]
    assert [answer.conversation.id if answer.conversation else None for answer in answered] == [made.id] * 3
    items = list(sdk.conversations.items.list(made.id, order="asc"))
    roles = [item.role for item in items if item.type == "message"]
    assert roles == ["user", *["user", "assistant"] * 3]
    assert [item.id for item in items if item.type == "message" and item.role == "assistant"] == [
        item.id for answer in answered for item in answer.output
    ]
    # The model was asked with all that had been said.
    alone = sdk.responses.input_tokens.count(model="gpt-4o", input="And?").input_tokens
    assert sdk.responses.input_tokens.count(model="gpt-4o", input="And?", conversation=made.id).input_tokens > alone
    with pytest.raises(openai.NotFoundError) as refused:
        sdk.responses.create(model="gpt-4o", input="Hello!", conversation="conv_nxn-0123456789abcdefgh")
    assert (refused.value.param, refused.value.code) == ("conversation", "conversation_not_found")
