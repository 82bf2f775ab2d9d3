"""Tests of agents that runs spawn: two levels, one budget, one deadline, one memory, no more rights than the run."""

from typing import Any

import orjson
import pytest

from gateway.agents.tools import spawn_agent
from gateway.ledger.money import parse_usd
from tests.agent_runs.harness import Place, call, kinds, say
from tests.agent_runs.scenarios import GOOD, aggregate, part, planned, scored, spawn, spawning, told, uses
from tests.agent_runs.test_planned import Tools

pytestmark = pytest.mark.anyio
PART = f"Do it. {spawning(call('web_search', q='deep'), say('The part.'))}"


def answers(view: Any) -> list[Any]:
    """The results of the run's own spawning calls."""
    return [
        orjson.loads(step["tool_output"])
        for step in view["steps"]
        if step["type"] == "tool_result" and step["tool_name"] == "spawn_agent" and "agent" not in step
    ]


async def test_an_agent_does_a_part_with_tools_and_its_cost_is_the_runs(home: Place) -> None:
    tools = Tools(home)
    tools.stand(tools.row("web_search"))
    view = await home.run(f"Work. {spawning(spawn(PART), say('The whole.'))}")
    assert (view["status"], view["result"], answers(view)) == ("succeeded", "The whole.", [{"answer": "The part."}])
    assert tools.inputs == [{"q": "deep"}]
    assert kinds(view) == ["tool_call", "tool_call", "tool_result", "agent_answer", "tool_result", "final_answer"]
    assert ["agent" in step for step in view["steps"]] == [False, True, True, True, False, False]
    charges = [one for one in (await home.look()).entries if one.charge and one.charge.request_id == view["id"]]
    assert len(charges) == 4
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


async def test_agents_go_two_levels_deep_and_no_further(home: Place) -> None:
    third = f"Third. {spawning(say('Never.'))}"
    second = f"Second. {spawning(spawn(third), say('The second.'))}"
    first = f"First. {spawning(spawn(second), say('The first.'))}"
    view = await home.run(f"Work. {spawning(spawn(first), say('The whole.'))}")
    assert answers(view) == [{"answer": "The first."}]
    results = {
        len(step["agent"].split("/")) // 2: step
        for step in view["steps"]
        if step["type"] == "tool_result" and "agent" in step
    }
    assert orjson.loads(results[1]["tool_output"]) == {"answer": "The second."}
    assert results[2]["is_error"]
    assert "no tool 'spawn_agent'" in results[2]["tool_output"]
    assert "Never." not in [step["content"] for step in view["steps"]]


async def test_agents_share_the_memory_of_the_run(home: Place) -> None:
    task = f"Recall. {spawning(call('memory_read', key='a'), call('memory_write', key='b', value='2'), say('Done.'))}"
    turns = (call("memory_write", key="a", value="1"), spawn(task), call("memory_read", key="b"), say("Done."))
    view = await home.run(f"Share. {spawning(*turns)}")
    read = [orjson.loads(step["tool_output"]) for step in view["steps"]
            if step["type"] == "tool_result" and step["tool_name"] == "memory_read"]  # fmt: skip
    assert [each["value"] for each in read] == ["1", "2"]


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"tools": ["web_search"]}, "this run's tools"),
        ({"tools": "all"}, "this run's tools"),
        ({"max_steps": "many"}, "'max_steps'"),
        ({"task": ""}, "'task'"),
    ],
)
async def test_an_agent_is_given_nothing_that_the_run_does_not_have(
    home: Place, members: dict[str, Any], words: str
) -> None:
    turn = {"call": "spawn_agent", "with": {"task": "Do it.", **members}}
    view = await home.run(f"Work. {spawning(turn, say('Done.'))}", tools=["spawn_agent", "memory_read"])
    (answer,) = answers(view)
    assert words in answer["error"]


async def test_a_run_that_does_not_enable_agents_spawns_none(home: Place) -> None:
    view = await home.run(f"Work. {spawning(spawn('Do it.'), say('Done.'))}", tools=["memory_read"])
    (answer,) = answers(view)
    assert "no tool 'spawn_agent'" in answer["error"]


async def test_an_agent_of_the_second_level_of_autonomy_has_no_tool_with_side_effects(home: Place) -> None:
    tools = Tools(home)
    tools.stand(tools.row("web_search", has_side_effect=True))
    goal = f"Work. {spawning(spawn(PART), say('The whole.')).replace('sim:', 'sim: model=gpt-4o', 1)}"
    view = await home.submit(goal, autonomy_level="L2")
    assert (view["status"], tools.calls["web_search"]) == ("succeeded", 0)
    failed = next(step for step in view["steps"] if step["tool_name"] == "web_search" and step["type"] == "tool_result")
    assert "no tool 'web_search'" in failed["tool_output"]


async def test_an_agent_spawns_so_many_and_no_more(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn_agent, "AGENTS_MAX", 2)
    task = f"Do it. {spawning(say('Done.'))}"
    view = await home.run(f"Work. {spawning({'calls': [spawn(task)] * 3}, say('Done.'))}")
    assert sorted("answer" in each for each in answers(view)) == [False, True, True]


async def test_a_plan_spawns_so_many_agents_and_no_more(home: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spawn_agent, "AGENTS_MAX", 2)
    nodes = [uses(f"part{number}", "spawn_agent", task="Do it.") for number in range(3)]
    # The others read the first one, so that they are decided on after its agent has ended.
    nodes += [uses(f"late{number}", "spawn_agent", "part0", task="Do it.") for number in range(2)]
    last = aggregate("answer", *[node["id"] for node in nodes])
    view = await home.submit(f"Work. {planned(*nodes, last)}", enable_planner=True, auto_repair_max_rounds=0)
    found = {node["id"]: node["id"] in view["succeeded_node_ids"] for node in nodes}
    assert found == {"part0": True, "part1": True, "part2": False, "late0": False, "late1": False}
    assert sum("answer" in each for each in answers(view)) == kinds(view).count("agent_answer") == 2


async def test_an_agent_that_outlasts_its_process_goes_on_in_the_next_one(
    home: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.agents.process.STEP_S", 0.05)
    home.executions.process_s = 0.3
    turns = [call("memory_write", key=f"k{number}", value="v") for number in range(6)]
    task = f"[[sim: delay_ms=100]] {spawning(*turns, say('The part.'))}"
    view = await home.run(f"Work. {spawning(spawn(task), say('The whole.'))}")
    assert (view["status"], view["result"], answers(view)) == ("succeeded", "The whole.", [{"answer": "The part."}])
    assert home.executions.calls > 1
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


async def test_a_node_of_a_plan_may_be_an_agent(home: Place) -> None:
    nodes = (uses("part", "spawn_agent", task="Do it."), aggregate("answer", "part"))
    words = f"{scored(GOOD)} {planned(*nodes)} {told(part('Do answer.'), 'The whole.')}"
    view = await home.submit(f"Work. {words}", enable_planner=True)
    assert (view["status"], view["succeeded_node_ids"]) == ("succeeded", ["part", "answer"])
    assert "agent_answer" in kinds(view)
    assert parse_usd(view["total_cost_usd"]) == await home.paid_nanousd(view["id"])


async def test_an_agent_is_offered_nothing_that_its_run_was_told_it_is_not(home: Place) -> None:
    task = f"Search. {spawning(call('rag_search', query='a'), say('Done.'))}"
    view = await home.run(f"Work. {spawning(spawn(task), say('Done.'))}")
    assert "rag_search" in view["tools_not_offered"]
    refused = next(step for step in view["steps"] if step["tool_name"] == "rag_search" and step.get("is_error"))
    assert "no tool 'rag_search'" in refused["tool_output"]
