"""Tests of plans: what can be run, which candidate is chosen, what is ready, what a repair runs again."""

import orjson
import pytest
from msgspec.structs import replace

from gateway.agents import plan as plans
from gateway.agents.records import Node, Plan, Spec
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
        (Node("a", "tool_call", "g", "list_models", "no json"),),
        (LOOK, Node("a", "tool_call", "g", "list_models", '{"q": "{{look}}"}')),
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


def test_results_of_unchanged_nodes_are_kept_and_those_behind_a_change_are_not() -> None:
    results = {"look": "1", "think": "2", "both": "3"}
    changed = Plan((LOOK, Node("think", "model", "Think again."), BOTH))
    assert plans.reusable(WHOLE, WHOLE, results) == results
    assert plans.reusable(WHOLE, changed, results) == {"look": "1"}
    # A node that failed has no result, so it is run again with what reads of it.
    assert plans.reusable(WHOLE, WHOLE, {"think": "2", "both": "3"}) == {"think": "2"}


def test_a_node_is_known_by_its_work_and_not_by_its_id() -> None:
    use = Node("use", "tool_call", "Use.", "list_models", '{"kind": "{{look}}"}', ("look",))
    renamed = Plan(
        (replace(LOOK, id="first"), replace(use, id="second", input='{"kind":"{{first}}"}', depends_on=("first",)))
    )
    results = {"look": "1", "use": "2"}
    assert plans.reusable(Plan((LOOK, use)), renamed, results) == {"first": "1", "second": "2"}
    other = Plan((replace(LOOK, input='{"kind": "chat"}'), use))
    assert plans.reusable(Plan((LOOK, use)), other, results) == {}


def test_texts_of_a_tools_input_are_filled_with_results() -> None:
    node = Node("use", "tool_call", "Use.", "list_models", '{"a": ["{{look}}!"], "n": 1}', ("look",))
    assert orjson.loads(plans.filled(node, {"look": 'say "x"'})) == {"a": ['say "x"!'], "n": 1}


def test_the_planner_is_told_the_goal_the_tools_and_the_lesson() -> None:
    body = orjson.loads(plans.request(Spec("The goal.", "gpt-4o"), ROWS, before={"lesson": "Too few sources."}))
    told = orjson.loads(body["messages"][1]["content"])
    assert (body["model"], body["messages"][2]["content"]) == ("nexevo/fast", "The goal.")
    assert told["before"]["lesson"] == "Too few sources."
    assert {tool["name"] for tool in told["tools"]} == {tool.name for tool in ROWS}
