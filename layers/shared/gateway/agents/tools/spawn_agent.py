"""Has an agent of its own do a part of the work: its steps are records of the same run, so they share all that it has.

The process of the run does the agent's steps (`process.py`), since they may take longer than a call of a tool. Money,
deadline, memory and documents are the run's, and the tools are some of the run's.
"""

from __future__ import annotations

from collections.abc import Collection

from gateway.agents.records import Spec
from gateway.agents.tools.tool import Arguments, Tool, ToolRefused, Work, number_of, text_of

NAME = "spawn_agent"
TASK_CHARACTERS_MAX = 20_000
# Levels of agents below the run, and agents that one agent may spawn.
DEPTH_MAX, AGENTS_MAX = 2, 10
TOO_MANY = f"An agent may spawn at most {AGENTS_MAX} others."
NO_SUCH_TOOL = "The argument 'tools' should be a list of this run's tools."


async def run(work: Work, arguments: Arguments) -> str:
    """Refuses a call that no process took as an agent."""
    raise ToolRefused(f"{work.call_id}: an agent cannot be spawned here, for {sorted(arguments)}.")


def child_spec(spec: Spec, arguments: Arguments, number: int, depth: int, forbidden: Collection[str]) -> Spec:
    """The request of an agent: the `number`th, from 0, that its parent of this `spec` spawns, and its depth.

    It is offered no tool that its parent is not, nor a `forbidden` one. Raises `ToolRefused` for one that may not be.
    """
    if number >= AGENTS_MAX:
        raise ToolRefused(TOO_MANY)
    asked = arguments.get("tools", list(spec.tools))
    if not isinstance(asked, list) or not set(spec.tools).issuperset(map(str, asked)):
        raise ToolRefused(NO_SUCH_TOOL)
    last = depth >= DEPTH_MAX
    tools = tuple(name for name in asked if name not in forbidden and not (last and name == NAME))
    return Spec(
        task=text_of(arguments, "task", characters_max=TASK_CHARACTERS_MAX),
        model=spec.model,
        tools=tools,
        max_steps=number_of(arguments, "max_steps", default=spec.max_steps, lowest=1, highest=spec.max_steps),
        rag_documents=spec.rag_documents,
        not_offered=spec.not_offered,
        mcp={name: spec.mcp[name] for name in tools if name in spec.mcp},
    )


TOOL = Tool(
    name=NAME,
    description="Has another agent do a part of the work, and returns its answer. Tell it all that it has to know.",
    parameters={
        "type": "object",
        "properties": {
            "task": {"type": "string", "maxLength": TASK_CHARACTERS_MAX},
            "tools": {"type": "array", "items": {"type": "string"}, "description": "All of this run's without it."},
            "max_steps": {"type": "integer", "minimum": 1},
        },
        "required": ["task"],
    },
    run=run,
    price="the calls of the agent's model and tools",
)
