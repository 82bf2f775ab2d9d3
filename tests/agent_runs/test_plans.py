"""Tests of plans: what can be run, which candidate is chosen, what is ready, what a repair runs again."""

import orjson
import pytest

from gateway.agents import plan as plans
from gateway.agents.plan import Node, Plan
from gateway.agents.records import Spec
from gateway.agents.tools.table import ROWS

TOOLS = {"list_models"}
LOOK = Node("look", "tool_call", "Look.", "list_models", "{}")
THINK = Node("think", "model", "Think.")
BOTH = Node("both", "aggregate", "Answer.", depends_on=("look", "think"))
WHOLE = Plan((LOOK, THINK, BOTH))


def test_a_plan_is_read_from_structured_output() -> None:
    text = orjson.dumps({"nodes": [{"id": "a", "type": "model", "goal": "g", "tool": None, "input": None}]}).decode()
    assert plans.read(text) == Plan((Node("a", "model", "g"),))
    assert plans.read("no plan") is None
    assert plans.read('{"nodes": [{"id": "a", "type": "magic", "goal": "g"}]}') is None


@pytest.mark.parametrize(
    "nodes",
    [
        (),
        (THINK, THINK),
        (BOTH,),
        (Node("a", "tool_call", "g", "python_exec"),),
        (Node("a", "model", "g", depends_on=("b",)), Node("b", "model", "g", depends_on=("a",))),
        tuple(Node(str(number), "model", "g") for number in range(plans.NODES_MAX + 1)),
    ],
)
def test_what_cannot_be_run_is_worth_nothing(nodes: tuple[Node, ...]) -> None:
    assert (plans.is_sound(Plan(nodes), TOOLS), plans.score(Plan(nodes), TOOLS)) == (False, 0.0)


def test_the_best_candidate_has_one_aggregate_and_calls_a_tool() -> None:
    without_tool, without_end = Plan((THINK, Node("end", "aggregate", "g", depends_on=("think",)))), Plan((LOOK, THINK))
    assert plans.best([None, without_tool, without_end, WHOLE], TOOLS) == WHOLE
    assert plans.best([None, Plan(())], TOOLS) is None


def test_nodes_are_ready_once_all_that_they_read_has_succeeded() -> None:
    assert plans.ready(WHOLE, (), ()) == [LOOK, THINK]
    assert plans.ready(WHOLE, ("look",), ("think",)) == []
    assert plans.ready(WHOLE, ("look", "think"), ()) == [BOTH]


def test_a_repair_runs_again_what_failed_and_what_reads_of_it() -> None:
    assert plans.to_run_again(WHOLE, {"look"}) == {"look", "both"}
    assert plans.to_run_again(WHOLE, {"both"}) == {"both"}


def test_results_of_unchanged_nodes_are_kept_and_those_behind_a_change_are_not() -> None:
    results = {"look": "1", "think": "2", "both": "3"}
    changed = Plan((LOOK, Node("think", "model", "Think again."), BOTH))
    assert plans.reusable(WHOLE, WHOLE, results) == results
    assert plans.reusable(WHOLE, changed, results) == {"look": "1"}


def test_the_planner_is_told_the_goal_the_tools_and_the_lesson() -> None:
    body = orjson.loads(plans.request(Spec("The goal.", "gpt-4o"), ROWS, lesson="Too few sources."))
    told = orjson.loads(body["messages"][1]["content"])
    assert (body["model"], told["goal"], told["lesson"]) == ("nexevo/fast", "The goal.", "Too few sources.")
    assert {tool["name"] for tool in told["tools"]} == {tool.name for tool in ROWS}
