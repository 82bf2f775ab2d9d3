"""Tests of planned tasks: candidates, nodes side by side, repair that keeps what did well, partial marks."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from gateway.agents import plan as plans
from gateway.agents.calls import Paid, PipelineCalls
from gateway.agents.decide import AwaitConsent, RunTools, next_action
from gateway.agents.process import STEP_S
from gateway.agents.records import Answered, Confirmed, Node, Ran, Spec, ToolCall
from gateway.agents.state import state_of
from gateway.agents.tools.tool import Arguments, Tool, ToolRefused, Work
from gateway.errors import RateLimited
from gateway.ledger.money import parse_usd
from tests.agent_runs.harness import TASKS, Place, call, kinds, say, scripted, with_tools
from tests.agent_runs.scenarios import (
    BAD,
    GOOD,
    aggregate,
    blamed,
    model,
    part,
    planned,
    planned_again,
    scored,
    told,
    uses,
)

pytestmark = pytest.mark.anyio
LOOK = uses("look", "list_models", kind="embedding")
THINK = model("think")
ANSWER = aggregate("answer", "look", "think")
WHOLE = (LOOK, THINK, ANSWER)
TEXTS = told(part("Do think."), "A thought.") + told(part("Do answer."), "The answer.")


class Tools:
    """Tools of a test, put in the place of one of the contract's: they count their calls."""

    def __init__(self, home: Place) -> None:
        self.home = home
        self.calls: Counter[str] = Counter()
        self.inputs: list[Mapping[str, Any]] = []
        self.failing: set[str] = set()

    def row(self, name: str, **turned: Any) -> Tool:
        async def act(_: Work, arguments: Arguments) -> str:
            self.calls[name] += 1
            self.inputs.append(arguments)
            if name in self.failing:
                raise ToolRefused(f"{name} is broken.")
            return f"{name}: {arguments.get('q', '')}"

        schema = {"type": "object", "properties": {"q": {"type": "string"}}}
        return Tool(name, f"Calls {name}.", schema, act, **turned)

    def stand(self, *rows: Tool) -> None:
        """Has the engine offer these rows too."""
        engine = self.home.executions.engine
        tools = replace(engine.tools, rows=with_tools(*rows))
        self.home.executions.engine = replace(engine, tools=tools)


async def submitted(home: Place, goal: str, **members: Any) -> dict[str, Any]:
    return await home.submit(goal, enable_planner=True, **members)


def results(view: Mapping[str, Any]) -> dict[str, str]:
    """The results of nodes that a model did."""
    return {step["node_id"]: step["content"] for step in view["steps"] if step["type"] == "node_result"}


async def test_a_task_is_planned_done_node_by_node_verified_and_answered(home: Place) -> None:
    view = await submitted(home, f"Find it. {planned(*WHOLE)} {TEXTS} {scored(GOOD)}")
    assert (view["status"], view["result"], view["verifier_passed"]) == ("succeeded", "The answer.", True)
    assert [(node["id"], node["type"]) for node in view["plan"]["nodes"]] == [
        ("look", "tool_call"),
        ("think", "model"),
        ("answer", "aggregate"),
    ]
    assert view["succeeded_node_ids"] == ["look", "think", "answer"]
    assert (view["failed_node_ids"], view["partial"], view["repair_rounds"]) == ([], False, 0)
    assert (kinds(view)[0], kinds(view)[-2:]) == ("plan", ["verification", "final_answer"])
    assert sorted(kinds(view)[1:-2]) == ["node_result", "node_result", "tool_call", "tool_result"]
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"]) > 0


async def test_nodes_that_are_ready_run_beside_each_other(home: Place) -> None:
    running, most = 0, 0
    tools = Tools(home)

    async def meet(_: Work, __: Arguments) -> str:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return "met"

    tools.stand(replace(tools.row("web_search"), run=meet))
    nodes = [uses(f"m{number}", "web_search") for number in range(4)]
    goal = f"Meet. {planned(*nodes, aggregate('answer', *[node['id'] for node in nodes]))} {scored(GOOD)}"
    view = await submitted(home, goal)
    assert (view["status"], most) == ("succeeded", 4)


async def test_a_node_that_has_to_wait_for_the_next_process_stops_none_beside_it(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask, refused, done = PipelineCalls.ask, asyncio.Event(), Counter[str]()
    tools = Tools(home)

    async def limited(calls: PipelineCalls, family: str, body: bytes, part: str) -> Paid:
        if part.endswith("/think") and not refused.is_set():
            refused.set()
            raise RateLimited("Wait.", retry_after_s=30)
        return await ask(calls, family, body, part)

    async def act(_: Work, __: Arguments) -> str:
        done["begun"] += 1
        await refused.wait()
        await asyncio.sleep(0.05)
        done["ended"] += 1
        return "done"

    monkeypatch.setattr(PipelineCalls, "ask", limited)
    # Enough for a step, and not for the wait before it.
    home.executions.process_s = STEP_S + 20
    tools.stand(replace(tools.row("web_search", has_side_effect=True), run=act))
    nodes = (uses("act", "web_search"), THINK, aggregate("answer", "act", "think"))
    view = await submitted(home, f"Act. {planned(*nodes)} {TEXTS} {scored(GOOD)}")
    assert (view["status"], view["result"], home.executions.calls) == ("succeeded", "The answer.", 2)
    assert done == {"begun": 1, "ended": 1}


async def test_a_node_begins_as_soon_as_what_it_reads_is_there(home: Place) -> None:
    order: list[str] = []
    tools = Tools(home)

    async def act(_: Work, arguments: Arguments) -> str:
        await asyncio.sleep(float(arguments["s"]))
        order.append(arguments["q"])
        return "done"

    tools.stand(replace(tools.row("web_search"), run=act))
    nodes = (
        uses("slow", "web_search", q="slow", s="0.3"),
        uses("quick", "web_search", q="quick", s="0"),
        uses("next", "web_search", "quick", q="next", s="0"),
        aggregate("answer", "slow", "next"),
    )
    await submitted(home, f"Go. {planned(*nodes)} {scored(GOOD)}")
    assert order == ["quick", "next", "slow"]


async def test_the_best_of_several_candidates_is_taken_and_all_are_paid(home: Place) -> None:
    poor = told("Candidate 2 of 3", '{"nodes": []}')
    third = told("Candidate 3 of 3", orjson.dumps({"nodes": WHOLE}).decode())
    view = await submitted(home, f"Plan. {planned(THINK)} {poor} {third} {TEXTS}", planner_n_candidates=3)
    assert [node["id"] for node in view["plan"]["nodes"]] == ["look", "think", "answer"]
    charges = [one for one in (await home.look()).entries if one.charge and one.charge.request_id == view["id"]]
    # Three candidates, two nodes of a model, one verification.
    assert len(charges) == 6
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


async def test_a_goal_that_no_planner_splits_is_one_node(home: Place) -> None:
    view = await submitted(home, f"Say it. {told('Split the goal', 'no plan')} {told('Your part', 'Said.')}")
    assert (view["status"], view["result"], view["succeeded_node_ids"]) == ("succeeded", "Said.", ["n1"])


async def test_results_are_handed_to_the_nodes_that_name_them(home: Place) -> None:
    tools = Tools(home)
    tools.stand(tools.row("web_search"))
    nodes = (THINK, uses("search", "web_search", "think", q="about {{think}}"), aggregate("answer", "search"))
    await submitted(home, f"Search. {planned(*nodes)} {TEXTS} {scored(GOOD)}")
    assert tools.inputs == [{"q": "about A thought."}]


async def test_a_node_that_fails_without_repair_leaves_a_partial_result_and_true_marks(home: Place) -> None:
    tools = Tools(home)
    tools.failing = {"web_search"}
    tools.stand(tools.row("web_search"))
    nodes = (uses("search", "web_search"), model("after", "search"), THINK, aggregate("answer", "after", "think"))
    view = await submitted(home, f"Search. {planned(*nodes)} {TEXTS} {scored(GOOD)}")
    assert (view["status"], view["error"]["code"], view["partial"]) == ("failed", "nodes_failed", True)
    assert view["succeeded_node_ids"] == ["think", "answer"]
    assert view["failed_node_ids"] == ["search", "after"]
    assert view["result"] == "The answer."


async def test_a_repair_runs_again_what_failed_and_what_reads_of_it_and_nothing_else(home: Place) -> None:
    tools = Tools(home)
    tools.failing = {"web_search"}
    tools.stand(tools.row("web_search"), tools.row("python_exec"))
    fine = uses("fine", "python_exec", q="1")
    first = (uses("search", "web_search"), fine, THINK, aggregate("answer", "search", "fine", "think"))
    second = (uses("search", "list_models"), fine, THINK, aggregate("answer", "search", "fine", "think"))
    goal = f"Search. {planned(*first)} {planned_again(*second)} {blamed('search')} {TEXTS} {scored(GOOD)}"
    view = await submitted(home, goal, auto_repair_max_rounds=2)
    assert (view["status"], view["repair_rounds"], view["partial"]) == ("succeeded", 1, False)
    assert view["succeeded_node_ids"] == ["search", "fine", "think", "answer"]
    assert tools.calls == {"web_search": 1, "python_exec": 1}
    # The thought was paid once: two plans, a reflection, the thought, the answer, one verification.
    charges = [one for one in (await home.look()).entries if one.charge and one.charge.request_id == view["id"]]
    assert len(charges) == 6
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


async def test_an_answer_that_the_verifier_refuses_is_made_anew_from_what_the_reflection_leaves(home: Place) -> None:
    tools = Tools(home)
    tools.stand(tools.row("web_search"))
    first = (uses("old", "web_search", q="old"), uses("new", "web_search", q="new"), aggregate("answer", "old", "new"))
    second = (uses("new", "web_search", q="new"), aggregate("answer", "new", goal="Do it better."))
    goal = (
        f"Which? {scored(GOOD)} {scored(BAD, where='Both.')} {planned(*first)} {planned_again(*second)} {blamed('old')}"
        f" {told(part('Do answer.'), 'Both.')} {told(part('Do it better.'), 'The new one.')}"
    )
    view = await submitted(home, goal, auto_repair_max_rounds=1)
    assert (view["status"], view["result"], view["verifier_passed"]) == ("succeeded", "The new one.", True)
    assert tools.calls["web_search"] == 2
    assert [kind for kind in kinds(view) if kind in {"plan", "verification", "reflection"}] == [
        "plan",
        "verification",
        "reflection",
        "plan",
        "verification",
    ]


async def test_repairs_end_with_their_rounds(home: Place) -> None:
    view = await submitted(home, f"Never. {planned(THINK)} {TEXTS} {scored(BAD)}", auto_repair_max_rounds=3)
    assert (view["status"], view["verifier_passed"], view["repair_rounds"]) == ("succeeded", False, 3)


async def test_a_task_without_a_planner_is_told_what_was_wrong_and_answers_again(home: Place) -> None:
    turns = scripted(call("list_models"), say("Bad."))
    better = scripted(say("Better."), about="'has to be mended: Too short.'")
    words = f"{scored(GOOD)} {scored(BAD, where='Bad.')} {blamed(cause='Too short.')}"
    # Without a model the script would play the verifier too.
    goal = f"Look. {turns.replace('sim:', 'sim: model=gpt-4o')} {words} {better}"
    view = await home.submit(goal, auto_repair_max_rounds=1)
    assert (view["status"], view["result"], view["repair_rounds"]) == ("succeeded", "Better.", 1)
    assert kinds(view).count("tool_result") == 1
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


@pytest.mark.parametrize("is_planned", [True, False])
async def test_the_second_level_waits_for_consent_to_side_effects_alone(home: Place, is_planned: bool) -> None:
    tools = Tools(home)
    tools.stand(tools.row("web_search", has_side_effect=True))
    nodes = (uses("act", "web_search", q="now"), LOOK, aggregate("answer", "act", "look"))
    script = scripted({"calls": [call("web_search", q="now"), call("list_models")]}, say("The answer."))
    goal = f"Act. {planned(*nodes)} {TEXTS}" if is_planned else f"Act. {script}"
    view = await home.submit(goal, enable_planner=is_planned, autonomy_level="L2")
    assert (view["status"], tools.calls["web_search"]) == ("awaiting_confirmation", 0)
    assert [step["tool_name"] for step in view["steps"] if step["type"] == "tool_result"] == ["list_models"]
    (waiting,) = view["awaiting"]
    assert (waiting["tool_name"], waiting["tool_input"]) == ("web_search", {"q": "now"})
    assert (await home.call("POST", f"{TASKS}/{view['id']}/confirm")).status == 200
    await home.executions.finished()
    ended = await home.get(view["id"])
    assert (ended["status"], ended["result"], ended["awaiting"]) == ("succeeded", "The answer.", [])
    assert tools.calls["web_search"] == 1


async def test_consent_is_to_arguments_with_the_results_that_a_node_puts_into_them(home: Place) -> None:
    tools = Tools(home)
    tools.stand(tools.row("web_search", has_side_effect=True))
    nodes = (THINK, uses("act", "web_search", "think", q="{{think}}"), aggregate("answer", "act"))
    view = await submitted(home, f"Act. {planned(*nodes)} {TEXTS}", autonomy_level="L2")
    (waiting,) = view["awaiting"]
    assert (waiting["tool_input"], tools.inputs) == ({"q": "A thought."}, [])
    await home.call("POST", f"{TASKS}/{view['id']}/confirm")
    await home.executions.finished()
    assert tools.inputs == [{"q": "A thought."}]


def test_consent_to_a_call_is_none_to_a_later_one_of_the_same_id() -> None:
    spec, name = Spec("Act.", "gpt-4o", autonomy_level="L2"), "web_search"
    first = Answered(1, {"role": "assistant"}, "", (ToolCall("call_0", name, "{}"),))
    later = Answered(2, {"role": "assistant"}, "", (ToolCall("call_0", name, '{"q": "other"}'),))
    records = (first, Confirmed(1, ("call_0",)), Ran(1, "call_0", name, "done"), later)
    assert next_action(spec, state_of(records[:2]), {name}) == RunTools(1, first.calls)
    assert next_action(spec, state_of(records), {name}) == AwaitConsent(2, later.calls)


async def test_a_plan_whose_arguments_nest_too_deep_is_no_plan(home: Place) -> None:
    deep = {**uses("look", "list_models"), "input": '{"kind": ' + "[ " * 300 + "] " * 300 + "}"}
    view = await submitted(home, f"Look. {planned(deep, aggregate('answer', 'look'))} {scored(GOOD)}")
    assert (view["status"], view["succeeded_node_ids"]) == ("succeeded", ["n1"])


def test_results_within_a_call_are_cut_where_they_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "FILLED_CHARACTERS_MAX", 5)
    node = Node("act", "tool_call", "", "web_search", '{"q": "{{a}} {{a}} {{b}}"}', ("a", "b"))
    assert plans.filled(node, {"a": "123", "b": "4"}) == '{"q":"123 12 "}'


async def test_a_planner_that_there_is_not_is_refused_before_a_task_begins(home: Place) -> None:
    body = {"goal": "Hello!", "model": "gpt-4o", "enable_planner": True, "planner_model": "no-such-model"}
    answer = await home.call("POST", TASKS, body)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


async def test_a_key_that_is_revoked_meanwhile_ends_a_plan_whose_results_stay(home: Place) -> None:
    tools = Tools(home)

    async def revoke(_: Work, __: Arguments) -> str:
        home.keys.records.clear()
        return "done"

    tools.stand(replace(tools.row("web_search"), run=revoke))
    nodes = (uses("act", "web_search"), aggregate("answer", "act"))
    home.executions.held = True
    body = {"goal": f"Act. {planned(*nodes)}", "model": "gpt-4o", "enable_planner": True, "wait": False}
    job_id = (await home.call("POST", TASKS, body)).json["id"]
    home.executions.release()
    await home.executions.finished()
    run = await home.runs.journals.read(await home.job(job_id))
    assert run.state.closed is not None
    assert (run.state.closed.status, list(run.state.succeeded)) == ("failed", ["act"])
