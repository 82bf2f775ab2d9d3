"""Tests of responses that go on from a conversation: at once, as streams, in the background, repeated, lost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.canonical.jobs import Attempt, JobStatus, Phase
from gateway.conversations import kept
from gateway.conversations.contents import message, text_of
from gateway.errors import ServiceUnavailable
from gateway.responses import conversing
from gateway.responses.conversing import Conversing
from tests.app.harness import ACCOUNT, Answer
from tests.background.harness import OTHER_ACCOUNT, Executions, Place, at_other, by_key, frames

pytestmark = pytest.mark.anyio
WAYS: dict[str, dict[str, Any]] = {
    "at once": {"background": False},
    "stream": {"background": False, "stream": True},
    "background": {},
    "background stream": {"stream": True},
    "not stored": {"background": False, "store": False},
}


async def begun(home: Place, *items: Any, account_id: str = ACCOUNT) -> str:
    made = await home.conversations.create(account_id, home.conversations.new_id(), None, "{}", items)
    return made.conversation_id


async def said(home: Place, conversation_id: str) -> list[tuple[str, str]]:
    _, contents = await home.conversations.read(ACCOUNT, conversation_id)
    return [(entry.item["role"], text_of(entry.item)) for entry in contents.entries]


async def ask(home: Place, text: str, **members: Any) -> dict[str, Any]:
    """Asks, and returns the complete response."""
    answer = await home.create(text, **members)
    assert answer.status == 200, answer.body
    await home.executions.finished()
    whole: dict[str, Any] = {}
    if members.get("stream"):
        (ended,) = [frame for frame in frames(answer.body) if frame.event == "response.completed"]
        whole |= orjson.loads(ended.data)["response"]
    else:
        whole |= answer.json
    return whole if whole["status"] == "completed" else await home.get(whole["id"])


def refusal(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.json["error"]["code"], answer.json["error"]["param"]


def text_in(response: dict[str, Any]) -> str:
    return "".join(part["text"] for item in response["output"] for part in item.get("content", ()))


@pytest.mark.parametrize("model", ["gpt-4o", "claude-haiku-4-5"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_conversation_is_gone_on_from_and_grows_by_each_turn(home: Place, way: str, model: str) -> None:
    conversation_id = await begun(home, message("user", "My name is Emma."), message("tool", "15 degrees"))
    before = await home.create("Hello!", model=model, background=False)
    named: Any = [conversation_id, {"id": conversation_id}]
    turns = [await ask(home, f"{n}!", model=model, conversation=named[n], **WAYS[way]) for n in range(2)]
    assert [turn["conversation"] for turn in turns] == [{"id": conversation_id}] * 2
    assert await said(home, conversation_id) == [
        ("user", "My name is Emma."), ("tool", "15 degrees"),
        ("user", "0!"), ("assistant", text_in(turns[0])),
        ("user", "1!"), ("assistant", text_in(turns[1])),
    ]  # fmt: skip
    # The model was asked with all of it: the prompt has grown by what was said.
    prompts = [turn["usage"]["input_tokens"] for turn in (before.json, *turns)]
    assert prompts == sorted(set(prompts))
    _, contents = await home.conversations.read(ACCOUNT, conversation_id)
    answered = [item["id"] for turn in turns for item in turn["output"]]
    assert [entry.item_id for entry in contents.entries if entry.item["role"] == "assistant"] == answered
    if way != "not stored":
        listed = (await home.call("GET", f"/{turns[1]['id']}/input_items")).json
        assert [item["role"] for item in listed["data"][::-1]] == ["user", "user", "user", "assistant", "user"]


@pytest.mark.parametrize("way", WAYS)
async def test_a_repeat_under_an_idempotency_key_adds_nothing(home: Place, way: str) -> None:
    conversation_id = await begun(home)
    asked = {"conversation": conversation_id, "headers": by_key("once"), **WAYS[way]}
    answers = []
    for _ in range(2):
        answers.append(await home.create("Hello!", **asked))
        await home.executions.finished()
    assert answers[0].body == answers[1].body
    assert [role for role, _ in await said(home, conversation_id)] == ["user", "assistant"]


async def test_what_a_conversation_cannot_be_is_refused_before_anything_is_paid(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, others = await begun(home, message("user", "x" * 2_000)), await begun(home, account_id=OTHER_ACCOUNT)
    unknown = (404, "conversation_not_found", "conversation")
    for named in (others, home.conversations.new_id(), "conv_nxn-x"):
        assert refusal(await home.create("Hello!", conversation=named)) == unknown
    assert refusal(await home.create("Hello!", conversation=mine, headers=at_other())) == unknown
    # A vendor's own.
    vendors = await home.create("Hello!", conversation="conv_68ab", background=False)
    assert refusal(vendors) == (400, "unsupported_parameter", "conversation")
    for value, param in ((1, "conversation"), ({}, "conversation.id"), ("", "conversation")):
        answer = await home.create("Hello!", conversation=value)
        assert (answer.status, answer.json["error"]["param"]) == (400, param)
    for named in (mine, "conv_68ab"):
        both = await home.create("Hello!", conversation=named, previous_response_id="resp_nxn-1")
        assert refusal(both) == (400, "mutually_exclusive_parameters", "conversation")
    monkeypatch.setattr(conversing, "BYTES_MAX", 1_000)
    assert refusal(await home.create("x", conversation=mine)) == (400, "conversation_too_large", "conversation")
    assert ([amount for _, amount in await home.ends() if amount], await home.held()) == ([], 0)


async def test_an_answer_that_was_paid_for_is_added_to_a_full_conversation_and_ends_it(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = await begun(home)
    monkeypatch.setattr(kept, "ITEMS_MAX", 1)
    await ask(home, "Hello!", conversation=conversation_id)
    assert [role for role, _ in await said(home, conversation_id)] == ["user", "assistant"]


async def test_turns_side_by_side_take_a_conversation_one_turn_beyond_its_bound(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was let in while there was room for all that was said until then."""
    bound = 2_000
    for module in (kept, conversing):
        monkeypatch.setattr(module, "BYTES_MAX", bound)
    conversation_id = await begun(home)
    within = Conversing(home.conversations)
    asked = orjson.dumps({"model": "gpt-4o", "input": "x" * 1_000, "conversation": conversation_id})
    bodies = [await within.begun(ACCOUNT, asked) for _ in range(5)]
    response = orjson.dumps({"status": "completed", "output": []})
    added = [await within.add(ACCOUNT, f"resp_nxn-{n}", body, response) for n, body in enumerate(bodies)]
    assert added == [True, True, True, False, False]
    record = await home.conversations.find(ACCOUNT, conversation_id)
    assert bound < record.size_bytes <= 2 * bound
    assert refusal(await home.create("x", conversation=conversation_id))[1] == "conversation_too_large"


@pytest.mark.parametrize("way", ["at once", "stream", "background"])
async def test_a_turn_that_has_no_room_is_answered_all_the_same(
    home: Place, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for module in (kept, conversing):
        monkeypatch.setattr(module, "BYTES_MAX", 100)
    conversation_id = await begun(home)
    assert text_in(await ask(home, "Hello!", conversation=conversation_id, **WAYS[way]))
    assert await said(home, conversation_id) == []


FORGED = {
    "as it is": b'"nexevo"',
    "escaped": b'"nex\\u0065vo"',
}


@pytest.mark.parametrize("way", ["at once", "background"])
@pytest.mark.parametrize("name", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize("inner", [b'"conversation"', b'"conversat\\u0069on"'])
async def test_the_gateway_s_own_member_is_taken_from_no_caller(
    home: Place, way: str, name: bytes, inner: bytes
) -> None:
    """The member says where a turn is added, unbounded, and how much of the input was said before."""
    conversation_id = await begun(home)
    said_before = b'{"id":"%b","items":9}' % conversation_id.encode()
    asked = orjson.dumps({"model": "gpt-4o", "input": "Hello!", "background": True, **WAYS[way]})
    answer = await home.call("POST", "", asked[:-1] + b"," + name + b":{" + inner + b":" + said_before + b"}}")
    assert refusal(answer) == (400, "unknown_parameter", "nexevo")
    await home.executions.finished()
    assert await said(home, conversation_id) == []
    assert [amount for _, amount in await home.ends() if amount] == []


@pytest.mark.parametrize("way", ["at once", "stream", "background"])
async def test_what_has_failed_adds_nothing(home: Place, way: str) -> None:
    conversation_id = await begun(home)
    for fault in ("status=500", "chunks=8 cut_after=4"):
        await home.create(f"Hello! [[sim: {fault}]]", conversation=conversation_id, **WAYS[way])
        await home.executions.finished()
    assert await said(home, conversation_id) == []


async def test_an_incomplete_answer_is_part_of_what_was_said(home: Place) -> None:
    conversation_id = await begun(home)
    answer = await home.create("Hello!", conversation=conversation_id, background=False, max_output_tokens=16)
    assert answer.json["status"] == "incomplete"
    assert [role for role, _ in await said(home, conversation_id)] == ["user", "assistant"]


async def test_a_run_that_was_lost_between_its_end_and_the_conversation_adds_its_turn_once(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversation_id = await begun(home)

    async def away(*_: Any, **__: Any) -> None:
        raise ServiceUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(home.conversations, "append", away)
        response_id = (await home.create("Hello!", conversation=conversation_id)).json["id"]
        await home.executions.finished()
    assert (await home.get(response_id))["status"] == "completed"
    assert await said(home, conversation_id) == []
    for _ in range(2):
        await home.spoil(response_id, status=JobStatus.RUNNING, phase=Phase.SETTLE)
        again = Executions(home.worker)
        await again.start((await home.job(response_id)).kind, response_id, 1)
        await again.finished()
        assert [role for role, _ in await said(home, conversation_id)] == ["user", "assistant"]


async def test_a_run_that_was_lost_before_its_end_adds_nothing(home: Place) -> None:
    conversation_id = await begun(home)
    home.executions.held = True
    response_id = (await home.create("Hello!", conversation=conversation_id)).json["id"]
    lost = Attempt(number=1, route=0, provider="", model="gpt-4o", handle="another process")
    await home.spoil(response_id, attempt=lost, status=JobStatus.RUNNING)
    home.executions.release()
    await home.executions.finished()
    assert (await home.get(response_id))["status"] == "failed"
    assert await said(home, conversation_id) == []


async def test_a_store_that_is_away_costs_the_caller_no_answer(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation_id = await begun(home)

    async def away(*_: Any, **__: Any) -> None:
        raise ServiceUnavailable("away")

    monkeypatch.setattr(home.conversations, "append", away)
    for way in ("at once", "stream"):
        assert text_in(await ask(home, "Hello!", conversation=conversation_id, **WAYS[way]))
    assert await said(home, conversation_id) == []


async def test_an_attempt_that_died_is_undone_with_its_turn(home: Place) -> None:
    """The next attempt under its Idempotency-Key answers alone."""
    conversation_id = await begun(home, message("user", "one"))
    within = Conversing(home.conversations)
    asked = orjson.dumps({"model": "gpt-4o", "input": "two", "conversation": conversation_id})
    body = await within.begun(ACCOUNT, asked)
    output = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes"}]}
    response = orjson.dumps({"status": "completed", "output": [{"id": "msg_nxn-died-0", **output}]})
    assert await within.add(ACCOUNT, "resp_nxn-died", body, response)
    assert len(await said(home, conversation_id)) == 3
    # By the id of its hold, as the ring knows it.
    await within.undo(ACCOUNT, body, "died")
    assert await within.add(ACCOUNT, "resp_nxn-died", body, response)
    assert await said(home, conversation_id) == [("user", "one")]


async def test_a_conversation_that_is_deleted_meanwhile_stays_deleted(home: Place) -> None:
    conversation_id = await begun(home)
    home.executions.held = True
    response_id = (await home.create("Hello!", conversation=conversation_id)).json["id"]
    await home.conversations.delete(ACCOUNT, conversation_id)
    home.executions.release()
    await home.executions.finished()
    assert (await home.get(response_id))["status"] == "completed"
    assert (await home.conversations.page(ACCOUNT, 20, None)).elements == []


async def test_a_cancelled_response_adds_nothing(home: Place) -> None:
    conversation_id = await begun(home)
    home.executions.held = True
    response_id = (await home.create("Hello!", conversation=conversation_id)).json["id"]
    await home.call("POST", f"/{response_id}/cancel")
    home.executions.release()
    await home.executions.finished()
    assert await said(home, conversation_id) == []
