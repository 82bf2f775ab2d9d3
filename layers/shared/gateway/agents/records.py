"""Records of a run's journal, and the request that a run was given. They hold content, so they live with the objects.

A run is what its records come to (`state.py`). A record is written once and never changes; what a step is to do follows
from the records before it, so a process that takes over does the same again, under the same Idempotency-Keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from msgspec import Meta, Struct, convert, to_builtins

from gateway.canonical.json_bounds import REWRITTEN_DEPTH_MAX, bound_depth
from gateway.canonical.money import NanoUsd
from gateway.ports.mcp import McpTool

Json: TypeAlias = Mapping[str, Any]
NO_MEMBERS: Json = {}


class Deliverable(Struct, frozen=True):
    """The place that a task's result goes to: a webhook or an e-mail address."""

    type: str
    target: str


class Spec(Struct, frozen=True, omit_defaults=True):
    """The request of a run, or of a task: its `goal` is the `task` of a run.

    `max_cost_nanousd` warns and stops nothing. `tools` names those that the owner enabled, and
    `not_offered` says why some of them are not offered all the same. `mcp` are the tools of the account's own servers
    as they were described when the run began, by their full names.
    """

    task: str
    model: str
    tools: tuple[str, ...] = ()
    max_steps: int = 10
    system_prompt: str | None = None
    rag_documents: tuple[str, ...] = ()
    max_cost_nanousd: NanoUsd | None = None
    enable_verifier: bool = False
    verifier_threshold: float = 0.7
    deliverables: tuple[Deliverable, ...] = ()
    enable_planner: bool = False
    planner_model: str = "nexevo/fast"
    planner_n_candidates: int = 1
    auto_repair_max_rounds: int = 0
    autonomy_level: str = "L3"
    not_offered: Mapping[str, str] = NO_MEMBERS
    mcp: Mapping[str, McpTool] = NO_MEMBERS


class ToolCall(Struct, frozen=True):
    """One call that the model asked for. `arguments` is the text that it wrote, JSON as a rule."""

    id: str
    name: str
    arguments: str


class Node(Struct, frozen=True, omit_defaults=True):
    """One node of a plan; `input` is the text of a tool's arguments, in which `{{id}}` is the result of a node."""

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    type: Literal["model", "tool_call", "aggregate"]
    goal: Annotated[str, Meta(max_length=8_000)]
    tool: str | None = None
    input: Annotated[str, Meta(max_length=20_000)] | None = None
    depends_on: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """A graph of nodes; `depends_on` names the nodes whose results a node reads."""

    nodes: tuple[Node, ...]


class Answered(Struct, frozen=True, tag="answered", omit_defaults=True):
    """The model's answer to the step: what it said, and the calls that are to be run next.

    `message` is the assistant's turn as the next request repeats it.
    """

    step: int
    message: Json
    content: str
    calls: tuple[ToolCall, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cost_nanousd: NanoUsd = 0
    model_used: str = ""


class Ran(Struct, frozen=True, tag="ran", omit_defaults=True):
    """The result of one call. `remembered` is what it wrote to the memory of the run.

    `shared` are paid calls that several calls may have made and the run pays once: cost and tokens by their names.
    """

    step: int
    call_id: str
    name: str
    output: str
    failed: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    cost_nanousd: NanoUsd = 0
    remembered: Mapping[str, str] = NO_MEMBERS
    shared: Mapping[str, tuple[NanoUsd, int, int]] = NO_MEMBERS


class Warned(Struct, frozen=True, tag="warned"):
    """The notice that the run has come to its soft limit."""

    step: int
    spent_nanousd: NanoUsd
    limit_nanousd: NanoUsd


class Confirmed(Struct, frozen=True, tag="confirmed"):
    """The owner's consent: to the start (`call_ids` is empty), or to calls with side effects."""

    step: int
    call_ids: tuple[str, ...] = ()


class Verified(Struct, frozen=True, tag="verified", omit_defaults=True):
    """The verifier's scores of the answer, 0 to 1, and what they cost."""

    step: int
    scores: Mapping[str, float]
    passed: bool
    tokens_in: int = 0
    tokens_out: int = 0
    cost_nanousd: NanoUsd = 0


class Planned(Struct, frozen=True, tag="planned", omit_defaults=True):
    """The plan of a round, the first of which is 0, and what its candidates cost."""

    round: int
    plan: Plan
    tokens_in: int = 0
    tokens_out: int = 0
    cost_nanousd: NanoUsd = 0


class NodeRan(Struct, frozen=True, tag="node_ran", omit_defaults=True):
    """The result of one node of the plan, and a tool's arguments; the `step` of what it ran is the round."""

    node_id: str
    ran: Ran
    arguments: str = ""


class Reflected(Struct, frozen=True, tag="reflected", omit_defaults=True):
    """The cause of a round's failure, and the nodes whose results were at fault: what the next round has to heed."""

    round: int
    cause: str
    blamed: tuple[str, ...] = ()
    tokens_in: int = 0
    tokens_out: int = 0
    cost_nanousd: NanoUsd = 0


class Sent(Struct, frozen=True, tag="sent"):
    """The notice that the result is on its way to all places that it is to go to."""

    step: int


class Spawned(Struct, frozen=True, tag="spawned"):
    """A record of an agent that a call spawned; `call` is the step and the id of the call."""

    call: str
    record: Record


class Closed(Struct, frozen=True, tag="closed", omit_defaults=True):
    """The end of the run. A failed or cancelled one keeps the `result` that there was."""

    step: int
    status: str
    result: str | None = None
    code: str | None = None
    message: str | None = None


Record: TypeAlias = (
    Answered | Ran | Warned | Confirmed | Verified | Planned | NodeRan | Reflected | Sent | Spawned | Closed
)


def read_arguments(text: str) -> Any:
    """The arguments that a model wrote, as JSON; raises `ValueError` for what is none, or nests too deep to be written
    again: in the answers to the run's owner, or in the call of a tool.
    """
    found = orjson.loads(text or "{}")
    bound_depth(text.encode(), found, REWRITTEN_DEPTH_MAX)
    return found


def written(records: tuple[Record, ...]) -> bytes:
    """The journal as one document."""
    return orjson.dumps(to_builtins(records))


def read(document: bytes) -> tuple[Record, ...]:
    """The records of a journal's document."""
    return convert(orjson.loads(document), tuple[Record, ...])


def written_spec(spec: Spec) -> bytes:
    """The request as one document."""
    return orjson.dumps(to_builtins(spec))


def read_spec(document: bytes) -> Spec:
    """The request of a document; a member that this release does not know is left out."""
    return convert(orjson.loads(document), Spec)
