"""Tests of runs: the loop, its tools, its money, its end."""

from typing import Any

import orjson
import pytest

from gateway.agents.calls import Paid, PipelineCalls
from gateway.canonical.jobs import JobKind
from gateway.canonical.money import Admission, HoldRequest
from gateway.ledger.money import parse_usd
from tests.agent_runs.harness import RUN, STREAM, TASKS, Place, Rows, call, kinds, place, say, scripted
from tests.agent_runs.scenarios import aggregate, model, planned
from tests.background.harness import at_other, by_key, frames

pytestmark = pytest.mark.anyio
CHEAPEST = "Find the cheapest embedding model."
SEARCH = (call("list_models", kind="embedding"), say("BGE-m3: 1024 dimensions, 0.07 USD."))


async def test_a_run_calls_a_tool_and_answers(home: Place) -> None:
    view = await home.run(f"{CHEAPEST} {scripted(*SEARCH)}")
    assert (view["status"], view["result"]) == ("succeeded", "BGE-m3: 1024 dimensions, 0.07 USD.")
    assert kinds(view) == ["tool_call", "tool_result", "final_answer"]
    called, result, answer = view["steps"]
    assert (called["tool_name"], called["tool_input"]) == ("list_models", {"kind": "embedding"})
    assert [row["id"] for row in orjson.loads(result["tool_output"])["models"]] == ["bge-m3"]
    assert answer["content"] == view["result"]
    assert view["total_tokens_in"] > 0 < view["total_tokens_out"]


async def test_a_run_costs_what_the_entries_of_its_calls_come_to(home: Place) -> None:
    view = await home.run(f"{CHEAPEST} {scripted(*SEARCH)}")
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"]) > 0
    assert (await home.look()).held_nanousd == 0


async def test_a_run_without_a_wait_is_told_at_once_and_read_as_a_task(home: Place) -> None:
    answer = await home.call("POST", RUN, {"task": "Hello!", "model": "gpt-4o", "wait": False})
    assert (answer.status, answer.json["status"]) == (202, "pending")
    await home.executions.finished()
    assert (await home.get(answer.json["id"]))["status"] == "succeeded"


async def test_the_last_step_may_call_no_tool(home: Place) -> None:
    view = await home.run(f"Go on. {scripted(call('memory_read'))}", max_steps=3)
    assert (view["status"], view["steps_used"]) == ("succeeded", 3)
    assert kinds(view) == ["tool_call", "tool_result"] * 2 + ["final_answer"]


async def test_calls_of_one_answer_run_side_by_side_and_each_has_a_result(home: Place) -> None:
    both = {"calls": [call("memory_write", key="a", value="1"), call("list_models")]}
    view = await home.run(f"Both. {scripted(both, say('Done.'))}")
    assert sorted(step["tool_name"] for step in view["steps"] if step["type"] == "tool_result") == [
        "list_models",
        "memory_write",
    ]


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (call("no_such_tool", query="x"), "no tool 'no_such_tool'"),
        ({"call": "memory_write", "with": "no json"}, "JSON object"),
        (call("memory_write", key="a"), "'value' should be a text"),
        (call("memory_read", level="planet"), "'task' or 'tenant'"),
        (call("memory_write", key="k" * 129, value="v"), "longer than 128"),
    ],
)
async def test_a_call_that_cannot_be_done_is_an_error_for_the_model_and_the_run_goes_on(
    home: Place, turn: dict[str, object], words: str
) -> None:
    view = await home.run(f"Try. {scripted(turn, say('It failed.'))}")
    result = next(step for step in view["steps"] if step["type"] == "tool_result")
    assert result["is_error"]
    assert words in result["tool_output"]
    assert view["status"] == "succeeded"


async def test_arguments_too_deep_to_be_written_again_are_an_error_for_the_model_and_shown_as_their_text(
    home: Place,
) -> None:
    text = '{"kind": ' + "[ " * 300 + "] " * 300 + "}"
    body = {"task": f"Try. [[sim: tool=list_models arguments='{text}']]", "model": "gpt-4o"}
    answer = await home.call("POST", STREAM, body)
    job_id = orjson.loads(frames(answer.body)[-1].data)["job"]["id"]
    called, result = (await home.get(job_id))["steps"][:2]
    assert called["tool_input"] == text
    assert (result["is_error"], "JSON object" in result["tool_output"]) == (True, True)


async def test_memory_of_the_run_is_gone_with_it_and_the_tenants_stays_with_its_account(home: Place) -> None:
    for level in ("task", "tenant"):
        turns = (
            call("memory_write", level=level, key="colour", value="red"),
            call("memory_read", level=level, key="colour"),
        )
        view = await home.run(f"Remember. {scripted(*turns, say('Done.'))}")
        assert orjson.loads(view["steps"][3]["tool_output"])["value"] == "red"
    reading = {level: call("memory_read", level=level, key="colour") for level in ("task", "tenant")}
    later = await home.run(f"Recall. {scripted(reading['task'], reading['tenant'], say('Done.'))}")
    assert [orjson.loads(later["steps"][place]["tool_output"])["value"] for place in (1, 3)] == [None, "red"]
    body = {"task": f"Recall. {scripted(reading['tenant'], say('Done.'))}", "model": "gpt-4o"}
    other = (await home.call("POST", RUN, body, headers=at_other())).json
    assert orjson.loads(other["steps"][1]["tool_output"])["value"] is None


async def test_documents_are_searched_and_their_vectors_are_paid_once_a_run(home: Place) -> None:
    documents = [f"Note {number}: nothing." for number in range(30)] + ["To reset the VPN, open the staff portal."]
    turns = (call("rag_search", query="reset the VPN"), call("rag_search", query="the staff portal", top_k=1))
    view = await home.run(f"How is the VPN reset? {scripted(*turns, say('Portal.'))}", rag_documents=documents)
    found = [orjson.loads(view["steps"][place]["tool_output"])["passages"] for place in (1, 3)]
    assert [len(passages) for passages in found] == [5, 1]
    # One batch of documents, two questions.
    embedded = [one for one in (await home.look()).entries if one.charge and one.charge.model_used == "bge-m3"]
    assert len(embedded) == 3
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


async def test_tools_that_are_not_offered_say_why(home: Place) -> None:
    view = await home.run("Hello!")
    assert view["tools_not_offered"]["rag_search"].startswith("This run has no documents")


async def test_a_soft_limit_warns_once_and_the_run_goes_on(home: Place) -> None:
    view = await home.run(f"{CHEAPEST} {scripted(*SEARCH)}", max_cost_usd="0.000001")
    assert kinds(view).count("budget_warning") == 1
    assert view["status"] == "succeeded"


async def test_an_empty_account_is_refused_before_a_run_begins(credentials: Rows) -> None:
    async with place(credentials, balance_usd=0) as home:
        answer = await home.call("POST", RUN, {"task": "Hello!", "model": "gpt-4o"})
    assert (answer.status, answer.error["type"]) == (402, "insufficient_balance")


async def test_the_balance_stops_a_run_whose_partial_result_stays(home: Place) -> None:
    home.executions.held = True
    turn = {**call("list_models"), "say": "So far: nothing."}
    body = {"task": f"Look. {scripted(turn)}", "model": "gpt-4o", "wait": False}
    job_id = (await home.call("POST", RUN, body)).json["id"]
    taken = home.engine.tools.run

    async def emptied(*given: Any) -> object:
        free = (await home.look()).free_nanousd
        rest = HoldRequest("acct_test", "key_test", "h-drain", free - 1_000, 2**31, key_rpm_limit=100_000)
        assert isinstance(await home.money.admit(rest, home.clock.now_s()), Admission)
        return await taken(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(home.engine.tools), "run", lambda _, *given: emptied(*given))
        home.executions.release()
        await home.executions.finished()
    view = await home.get(job_id)
    assert (view["status"], view["error"]["code"], view["result"]) == (
        "failed",
        "insufficient_balance",
        "So far: nothing.",
    )


async def test_a_model_that_there_is_not_is_refused_before_a_run_begins(home: Place) -> None:
    answer = await home.call("POST", RUN, {"task": "Hello!", "model": "no-such-model"})
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert await home.runs.jobs.page("acct_test", (JobKind.AGENT,), limit=1) == []


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"task": ""}, "task"),
        ({"max_steps": 31}, "max_steps"),
        ({"tools": ["no_such"]}, "tools[0]"),
        ({"timeout_sec": 3601}, "timeout_sec"),
        ({"verifier_threshold": 1.5}, "verifier_threshold"),
        ({"unknown": 1}, "unknown"),
    ],
)
async def test_a_wrong_member_is_named(home: Place, members: dict[str, object], param: str) -> None:
    answer = await home.call("POST", RUN, {"task": "Hello!", **members})
    assert (answer.status, answer.error["param"]) == (400, param)


async def test_a_provider_that_fails_for_good_fails_the_run(home: Place) -> None:
    view = await home.run("[[sim: status=400 code=invalid_prompt]] Hello!")
    assert (view["status"], view["result"]) == ("failed", None)
    assert view["error"]["message"]


async def test_a_run_of_another_account_is_not_found(home: Place) -> None:
    job_id = (await home.run("Hello!"))["id"]
    for method, part in (("GET", ""), ("POST", "/cancel"), ("POST", "/confirm")):
        answer = await home.call(method, f"{TASKS}/{job_id}{part}", headers=at_other())
        assert (answer.status, answer.error["code"]) == (404, "task_not_found")
    followed = await home.call("GET", STREAM, headers=at_other({"last-event-id": f"{job_id}:0"}))
    assert (followed.status, followed.error["code"]) == (404, "task_not_found")


async def test_runs_and_tasks_are_listed_newest_first(home: Place) -> None:
    ids = [(await home.run("Hello!"))["id"], (await home.submit("Hello!"))["id"], (await home.run("Hello!"))["id"]]
    first = (await home.call("GET", f"{TASKS}?limit=2")).json
    rest = (await home.call("GET", f"{TASKS}?limit=2&cursor={first['next_cursor']}")).json
    assert [row["id"] for row in first["data"] + rest["data"]] == ids[::-1]
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert (await home.call("GET", TASKS, headers=at_other())).json["data"] == []


async def test_one_key_begins_one_run(home: Place) -> None:
    body = {"task": "Hello!", "model": "gpt-4o"}
    first = await home.call("POST", RUN, body, headers=by_key("one"))
    again = await home.call("POST", RUN, body, headers=by_key("one"))
    assert (again.json, again.headers["idempotent-replayed"]) == (first.json, "true")
    other = await home.call("POST", RUN, {**body, "task": "Bye!"}, headers=by_key("one"))
    assert (other.status, other.error["code"]) == (409, "idempotency_key_reused")


async def test_a_waiting_answer_pads_its_silence_and_is_still_json(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http.agents.PAD_S", 0.01)
    answer = await home.call("POST", RUN, {"task": "Wait. [[sim: delay_ms=200]]", "model": "gpt-4o"})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body.startswith(b"  ")
    assert answer.json["status"] == "succeeded"


async def test_a_wait_ends_with_the_state_as_it_stands(home: Place) -> None:
    home.executions.held = True
    view = await home.run("Hello!", timeout_sec=1)
    assert (view["status"], view["result"]) == ("pending", None)


async def test_a_stream_tells_each_step_and_goes_on_behind_the_last_event(home: Place) -> None:
    body = {"task": f"{CHEAPEST} {scripted(*SEARCH)}", "model": "gpt-4o"}
    answer = await home.call("POST", STREAM, body)
    assert answer.status == 200
    events = frames(answer.body)
    told = [orjson.loads(event.data) for event in events]
    assert [one["type"] for one in told] == ["step", "step", "step", "done"]
    assert [one["step"]["type"] for one in told[:3]] == ["tool_call", "tool_result", "final_answer"]
    job_id = told[-1]["job"]["id"]
    ids = [line[4:].decode() for line in answer.body.split(b"\n") if line.startswith(b"id: ")]
    assert ids == [f"{job_id}:{number}" for number in (0, 1, 2, 3, 3)]
    for method in ("GET", "POST"):
        rest = await home.call(method, STREAM, b"", headers={"last-event-id": ids[1]})
        assert [frame.data for frame in frames(rest.body)] == [event.data for event in events[1:]]


async def test_a_cancelled_run_ends_with_the_step_that_it_is_at(home: Place) -> None:
    body = {"task": f"[[sim: delay_ms=300]] {scripted(call('memory_read'))}", "model": "gpt-4o", "wait": False}
    job_id = (await home.call("POST", RUN, body)).json["id"]
    await home.stepped(job_id)
    cancelled = await home.call("POST", f"{TASKS}/{job_id}/cancel")
    assert (cancelled.status, cancelled.json["status"]) == (200, "canceled")
    used = cancelled.json["steps_used"]
    await home.executions.finished()
    view = await home.get(job_id)
    assert view["status"] == "canceled"
    assert view["steps_used"] <= used + 1
    again = await home.call("POST", f"{TASKS}/{job_id}/cancel")
    assert (again.status, again.error["code"]) == (409, "job_not_cancelable")


@pytest.mark.parametrize(
    ("goal", "is_planned", "told"),
    [
        (scripted(*SEARCH), False, ["tool_call"]),
        (scripted(say("Done.")), False, []),
        (
            planned(model("a"), model("b"), model("c", "a"), aggregate("answer", "a", "b", "c")),
            True,
            ["plan", "node_result", "node_result"],
        ),
    ],
    ids=["calls", "answer", "plan"],
)
async def test_answers_that_were_under_way_when_a_task_was_cancelled_are_paid_and_told_of(
    home: Place, monkeypatch: pytest.MonkeyPatch, goal: str, told: list[str], *, is_planned: bool
) -> None:
    ask, asked = PipelineCalls.ask, 0

    async def cancelling(calls: PipelineCalls, family: str, body: bytes, part: str) -> Paid:
        nonlocal asked
        paid = await ask(calls, family, body, part)
        if not part.startswith("plan/"):
            asked += 1
            await home.call("POST", f"{TASKS}/{calls.run_id}/cancel")
        return paid

    monkeypatch.setattr(PipelineCalls, "ask", cancelling)
    given = {"enable_planner": True} if is_planned else {}
    view = await (home.submit if is_planned else home.run)(f"Go. {goal}", **given)
    assert (view["status"], kinds(view)) == ("canceled", told)
    assert asked == (2 if is_planned else 1)
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"]) > 0
    assert (await home.look()).held_nanousd == 0


async def test_a_run_that_outlasts_its_process_is_handed_over(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.agents.process.STEP_S", 0.05)
    home.executions.process_s = 0.3
    turns = [call("memory_write", key=f"k{number}", value="v") for number in range(6)]
    view = await home.run(f"[[sim: delay_ms=100]] {scripted(*turns, say('Done.'))}")
    assert (view["status"], view["result"]) == ("succeeded", "Done.")
    assert home.executions.calls > 1
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


async def test_a_run_past_its_deadline_fails_and_keeps_what_it_has(home: Place) -> None:
    home.executions.held = True
    job_id = (await home.call("POST", RUN, {"task": "Hello!", "model": "gpt-4o", "wait": False})).json["id"]
    home.clock.ahead_s = 3601
    home.executions.release()
    await home.executions.finished()
    assert (await home.get(job_id))["error"]["code"] == "deadline_exceeded"


async def test_a_verifier_scores_the_answer(home: Place) -> None:
    view = await home.run("Hello! [[sim: tokens=5]]", enable_verifier=True, verifier_threshold=0.5)
    assert set(view["verifier_scores"]) == {"factuality", "relevance", "completeness", "safety"}
    assert view["verifier_passed"] == (sum(view["verifier_scores"].values()) / 4 >= 0.5)
    assert view["status"] == "succeeded"


async def test_a_task_of_the_first_level_waits_for_its_owner_before_it_starts(home: Place) -> None:
    view = await home.submit("Hello!", autonomy_level="L1")
    assert (view["status"], view["steps"], await home.paid_nanousd(view["id"])) == ("awaiting_confirmation", [], 0)
    confirmed = await home.call("POST", f"{TASKS}/{view['id']}/confirm")
    assert confirmed.status == 200
    await home.executions.finished()
    assert (await home.get(view["id"]))["status"] == "succeeded"
    again = await home.call("POST", f"{TASKS}/{view['id']}/confirm")
    assert (again.status, again.error["code"]) == (409, "task_not_waiting")


async def test_a_task_that_waits_for_its_owner_can_be_cancelled(home: Place) -> None:
    view = await home.submit("Hello!", autonomy_level="L1")
    await home.call("POST", f"{TASKS}/{view['id']}/cancel")
    await home.executions.finished()
    ended = await home.get(view["id"])
    assert (ended["status"], (await home.job(view["id"])).status) == ("canceled", "canceled")


async def test_a_key_that_is_revoked_meanwhile_ends_the_run(home: Place) -> None:
    home.executions.held = True
    job_id = (await home.call("POST", RUN, {"task": "Hello!", "model": "gpt-4o", "wait": False})).json["id"]
    home.keys.records.clear()
    home.executions.release()
    await home.executions.finished()
    assert (await home.job(job_id)).error is not None


async def test_a_task_tells_its_plan_its_deliverables_and_what_was_not_delivered(home: Place) -> None:
    places = [{"type": "email", "target": "you@company.com"}]
    view = await home.submit("Hello! [[sim: tokens=5]]", deliverables=places)
    assert [node["id"] for node in view["plan"]["nodes"]] == view["succeeded_node_ids"] == ["n1"]
    (delivered,) = view["deliverables"]
    assert (delivered["content"], set(delivered["metadata"])) == (
        view["result"],
        {"factuality", "relevance", "completeness", "safety"},
    )
    assert (delivered["target"], delivered["delivered"]) == ("you@company.com", None)
    assert (view["partial"], view["failed_node_ids"]) == (False, [])


async def test_a_failed_task_is_partial_where_it_has_something(home: Place) -> None:
    view = await home.submit("[[sim: status=400 code=invalid_prompt]] Hello!")
    assert (view["status"], view["partial"], view["failed_node_ids"]) == ("failed", False, ["n1"])
