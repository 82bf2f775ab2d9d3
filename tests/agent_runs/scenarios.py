"""Words by which the simulated models play a planned task: its planner, its nodes, its verifier, its reflection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tests.agent_runs.harness import call, scripted

PLANNER, AGAIN = "Split the goal", "An earlier plan failed"
VERIFIER, REFLECTION = "Score an agent", "Find the root cause"
GOOD, BAD = 1.0, 0.1


def told(about: str, text: str, **words: Any) -> str:
    """Has the model say the text where it is asked about something; later words win over earlier ones."""
    extra = "".join(f" {name}={value}" for name, value in words.items())
    # Two closing brackets would end the directive.
    return f"[[sim: about='{about}' text='{text.replace(']]', '] ]')}'{extra}]]"


def part(goal: str) -> str:
    """The words by which the model of a node knows its part."""
    return f"Your part: {goal}"


def model(name: str, *reads: str, goal: str = "") -> dict[str, Any]:
    """Writes a node that a model does; its part is its name where nothing else is said."""
    return _node(name, "model", goal or f"Do {name}.", reads)


def aggregate(name: str, *reads: str, goal: str = "") -> dict[str, Any]:
    """Writes the node that makes the answer."""
    return _node(name, "aggregate", goal or f"Do {name}.", reads)


def uses(name: str, tool: str, *reads: str, **arguments: Any) -> dict[str, Any]:
    """Writes a node that calls a tool."""
    return _node(name, "tool_call", f"Call {tool}.", reads) | {
        "tool": tool,
        "input": orjson.dumps(arguments).decode(),
    }


def _node(name: str, kind: str, goal: str, reads: Sequence[str]) -> dict[str, Any]:
    return {"id": name, "type": kind, "goal": goal, "tool": None, "input": None, "depends_on": list(reads)}


def plan_text(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Writes a planner's answer."""
    return orjson.dumps({"nodes": nodes}).decode()


def planned(*nodes: Mapping[str, Any], **words: Any) -> str:
    """Has the planner give this plan."""
    return told(PLANNER, plan_text(nodes), **words)


def planned_again(*nodes: Mapping[str, Any]) -> str:
    """Has the planner give this plan once it is told that an earlier one failed."""
    return told(AGAIN, plan_text(nodes))


def scores(score: float) -> str:
    """Writes a verifier's answer with this score in every dimension."""
    return orjson.dumps(dict.fromkeys(("factuality", "relevance", "completeness", "safety"), score)).decode()


def scored(score: float, *, where: str = VERIFIER) -> str:
    """Has the verifier give this score in every dimension, to each answer or to one that has the words."""
    return told(where, scores(score))


def blamed(*names: str, cause: str = "It was wrong.") -> str:
    """Has the reflection blame these nodes."""
    return told(REFLECTION, orjson.dumps({"cause": cause, "failed_node_ids": names}).decode())


def spawning(*turns: Mapping[str, Any]) -> str:
    """Has the model follow a script in whose calls there are tasks of agents, with words of their own."""
    text = scripted(*turns)
    for stand_in, escape in _ESCAPES.values():
        text = text.replace(stand_in, escape)
    return text


def spawn(task: str, **members: Any) -> dict[str, Any]:
    """One turn of a script that spawns an agent with this task."""
    for character, (stand_in, _) in _ESCAPES.items():
        task = task.replace(character, stand_in)
    return call("spawn_agent", task=task, **members)


# Characters that would end the words around a task, what stands for them until the script is written, and how JSON
# writes them then.
_ESCAPES = {"[": ("\ue000", "\\u005b"), "]": ("\ue001", "\\u005d"), "'": ("\ue002", "\\u0027")}
