"""Sixty scripted goals with faults, each done with and without repair: how many more come to the right answer with it.

The models are scripted by what they are shown: that of a node says the fact only if its results have it and nothing
against it, the verifier passes an answer with the fact alone, and the planner mends its plan where it is told of the
failure. So it measures whether causes, plans and results reach the models that need them. Some goals stay failed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.agents.tools.tool import Arguments, Tool, ToolRefused, Work
from tests.agent_runs.harness import Place, with_tools
from tests.agent_runs.scenarios import (
    BAD,
    GOOD,
    aggregate,
    blamed,
    part,
    plan_text,
    planned,
    planned_again,
    scored,
    scores,
    told,
    uses,
)

ROUNDS = 2
UNKNOWN = "No source says it."
Nodes = Callable[[str], list[dict[str, Any]]]


@dataclass(frozen=True)
class Goal:
    """One goal: the words that its models are told, and the answer that is right. `fault` is its kind."""

    fault: str
    text: str
    right: str


class Sources:
    """Tools with faults: an index, an archive that may contradict it, a service that breaks, a search that is empty."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}

    def tools(self) -> tuple[Tool, ...]:
        """The tools, in the places of three of the contract's and under names of their own."""
        return (
            _tool("web_search", self._search),
            _tool("python_exec", self._flaky),
            _tool("list_models", _archive),
        )

    async def _search(self, _: Work, arguments: Arguments) -> str:
        """Finds the fact where the question is precise, nothing where it is vague; an unknown word is an error."""
        question = str(arguments.get("q"))
        if question.startswith("vague"):
            return '{"passages": []}'
        if question.startswith("broken"):
            raise ToolRefused("The search does not take this question.")
        return f"Found: {question}"

    async def _flaky(self, _: Work, arguments: Arguments) -> str:
        """Fails at the first call with each question, and answers the next one."""
        question = str(arguments.get("q"))
        self.asked[question] = self.asked.get(question, 0) + 1
        if self.asked[question] == 1:
            raise ToolRefused("The service is overloaded.")
        return f"Found: {question}"


async def _archive(_: Work, arguments: Arguments) -> str:
    """Says something old."""
    return f"Old: {arguments.get('q')}"


def _tool(name: str, run: Callable[[Work, Arguments], Any]) -> Tool:
    schema: Mapping[str, Any] = {"type": "object", "properties": {"q": {"type": "string"}}}
    return Tool(name, "Asks a source.", schema, run)


def _search(question: str) -> dict[str, Any]:
    return uses("source", "web_search", q=question)


# What each kind of fault puts into the first plan and, where the lesson is enough, into the next: a fact stands for F.
KINDS: Mapping[str, tuple[int, Nodes, Nodes]] = {
    "none": (10, lambda fact: [_search(fact)], lambda fact: [_search(fact)]),
    "wrong tool": (11, lambda fact: [uses("source", "list_models", q=fact)], lambda fact: [_search(fact)]),
    "empty result": (11, lambda _: [_search("vague")], lambda fact: [_search(fact)]),
    "contradicting sources": (
        11,
        lambda fact: [_search(fact), uses("old", "list_models", q=fact)],
        lambda fact: [_search(fact)],
    ),
    "failing node": (
        7,
        lambda fact: [uses("source", "python_exec", q=fact)],
        lambda fact: [uses("source", "python_exec", q=fact)],
    ),
    "two faults": (5, lambda _: [_search("broken")], lambda _: [_search("vague")]),
    "beyond repair": (5, lambda _: [_search("broken")], lambda _: [_search("broken still")]),
}
EMPTY = "The result was empty."


def goals() -> list[Goal]:
    """The sixty, kind by kind."""
    kinds = [kind for kind, (many, _, _) in KINDS.items() for _ in range(many)]
    return [_goal(kind, number) for number, kind in enumerate(kinds)]


def _goal(kind: str, number: int) -> Goal:
    """One goal. Of the words that are about one request the last ones win."""
    _, first, again = KINDS[kind]
    fact = f"F{number}."
    right = f"The answer is {fact}"
    answers = (told(part("Answer"), UNKNOWN), told(f"Found: {fact}", right), told("Old: ", "The sources contradict."))
    verdicts = (scored(BAD), told(right, scores(GOOD)))
    plans = (planned(*_plan(first(fact))), planned_again(*_plan(again(fact))))
    cause = blamed("old" if kind == "contradicting sources" else "source")
    words: Sequence[str] = (*answers, *verdicts, *plans, cause)
    if kind == "two faults":
        # The second cause is another one, and its plan too.
        second = told("passages", orjson.dumps({"cause": EMPTY, "failed_node_ids": ["source"]}).decode())
        words = (cause, second, *plans, told(EMPTY, plan_text(_plan([_search(fact)]))), *answers, *verdicts)
    return Goal(kind, f"Goal {number}. {' '.join(words)}", right)


def _plan(sources: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [*sources, aggregate("answer", *(node["id"] for node in sources), goal="Answer.")]


async def succeeded(home: Place, goal: Goal, rounds: int) -> bool:
    """True if the task ends with the right answer, which its verifier passes."""
    tools = replace(home.engine.tools, rows=with_tools(*Sources().tools()))
    home.executions.engine = replace(home.engine, tools=tools)
    view = await home.submit(goal.text, enable_planner=True, auto_repair_max_rounds=rounds, deadline_sec=600)
    return (view["status"], view["result"], view["verifier_passed"]) == ("succeeded", goal.right, True)
