"""Bodies of `POST /v1/agents/run` and `POST /v1/tasks`: bounds in the types, and the run that each describes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from itertools import chain
from typing import Annotated, Any, ClassVar, Literal, Self

from msgspec import Meta, field
from msgspec.structs import replace

from gateway.accounts.key_settings import UsdAmount
from gateway.agents.records import Deliverable, Spec
from gateway.agents.tools.mcp import NOT_REGISTERED
from gateway.agents.tools.table import NAMES, not_offered
from gateway.agents.tools.tool import MCP, Offer
from gateway.canonical.jobs import JobKind
from gateway.errors import InvalidRequest
from gateway.people.settings import EmailAddress
from gateway.protocols.shared.body import Body
from gateway.untrusted.urls import Policy, judge_url

# The contract's tools; those that have no row in the table are not offered, and the run says so.
BUILT_IN = (
    "rag_search",
    "list_models",
    "web_search",
    "generate_image",
    "python_exec",
    "spawn_agent",
    "memory_read",
    "memory_write",
)
NOT_HERE = "This deployment does not have this tool."
# Seconds that a run may last in all, and that an answer waits for it at the most.
LASTS_S_MAX = 3600
WAIT_S_MAX = 840
TASK_CHARACTERS_MAX = 200_000
STEPS, STEPS_MAX = 10, 30
THRESHOLD = 0.7
MODEL = "nexevo/balanced"

Text = Annotated[str, Meta(min_length=1, max_length=TASK_CHARACTERS_MAX)]
ModelName = Annotated[str, Meta(min_length=1, max_length=200)]
Steps = Annotated[int, Meta(ge=1, le=STEPS_MAX)]
ToolNames = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...], Meta(max_length=64)]


class Share(float):
    """A number from 0 to 1."""

    SCHEMA: ClassVar[Mapping[str, Any]] = {"type": "number", "minimum": 0, "maximum": 1}

    @classmethod
    def read(cls, value: object) -> Self:
        if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= 1:
            raise ValueError("Input should be a number from 0 to 1")
        return cls(value)


# A default of a type that reads its values itself is one that the library cannot document.
Threshold = Annotated[Share, Meta(extra_json_schema={"default": THRESHOLD})]


class RunBody(Body, frozen=True):
    """Request of a run; without `tools` it is offered all that there are."""

    task: Text
    model: ModelName = MODEL
    tools: ToolNames | None = None
    max_steps: Steps = STEPS
    rag_documents: Annotated[tuple[Text, ...], Meta(max_length=4_000)] = ()
    system_prompt: Text | None = None
    wait: bool = True
    timeout_sec: Annotated[int, Meta(ge=1, le=LASTS_S_MAX)] = 120
    enable_verifier: bool = False
    verifier_threshold: Threshold = field(default_factory=partial(Share, THRESHOLD))
    max_cost_usd: UsdAmount | None = None

    kind: ClassVar[JobKind] = JobKind.AGENT

    @property
    def limit_s(self) -> int:
        """Seconds that the run may last."""
        return LASTS_S_MAX

    @property
    def wait_s(self) -> int:
        """Seconds that a waiting answer waits at the most."""
        return min(self.timeout_sec, WAIT_S_MAX)

    def spec(self, offer: Offer = Offer()) -> Spec:  # noqa: B008  # frozen
        """The run that is asked for; raises `InvalidRequest` for a tool that there is not."""
        tools = _tools(self.tools, offer.mcp)
        return Spec(
            task=self.task,
            model=self.model,
            tools=tools,
            max_steps=self.max_steps,
            system_prompt=self.system_prompt,
            rag_documents=self.rag_documents,
            max_cost_nanousd=_amount(self.max_cost_usd),
            enable_verifier=self.enable_verifier,
            verifier_threshold=float(self.verifier_threshold),
            mcp={name: offer.mcp[name] for name in tools if name in offer.mcp},
            not_offered=_not_offered(tools, replace(offer, documents=self.rag_documents)),
        )


class DeliverableBody(Body, frozen=True):
    """One place that a task's result goes to."""

    type: Literal["email", "webhook"]
    target: Annotated[str, Meta(min_length=1, max_length=2_000)]


class TaskBody(Body, frozen=True):
    """Request of a task. Its deadline bounds the work where the answer is not waited for, else the wait."""

    goal: Text
    model: ModelName = MODEL
    tools: ToolNames | None = None
    deliverables: Annotated[tuple[DeliverableBody, ...], Meta(max_length=10)] = ()
    budget_usd: UsdAmount | None = None
    deadline_sec: Annotated[int, Meta(ge=10, le=LASTS_S_MAX)] = 120
    wait: bool = True
    enable_planner: bool = False
    planner_model: ModelName = "nexevo/fast"
    planner_n_candidates: Annotated[int, Meta(ge=1, le=5)] = 1
    auto_repair_max_rounds: Annotated[int, Meta(ge=0, le=3)] = 0
    autonomy_level: Literal["L1", "L2", "L3"] = "L3"
    max_steps: Steps = STEPS
    rag_documents: Annotated[tuple[Text, ...], Meta(max_length=4_000)] = ()

    kind: ClassVar[JobKind] = JobKind.TASK

    @property
    def limit_s(self) -> int:
        """Seconds that the task may last."""
        return LASTS_S_MAX if self.wait else self.deadline_sec

    @property
    def wait_s(self) -> int:
        """Seconds that a waiting answer waits at the most."""
        return min(self.deadline_sec, WAIT_S_MAX)

    def spec(self, offer: Offer = Offer()) -> Spec:  # noqa: B008  # frozen
        """The task that is asked for; raises `InvalidRequest` for an unknown tool."""
        tools = _tools(self.tools, offer.mcp)
        return Spec(
            task=self.goal,
            model=self.model,
            tools=tools,
            max_steps=self.max_steps,
            rag_documents=self.rag_documents,
            max_cost_nanousd=_amount(self.budget_usd),
            enable_verifier=True,
            deliverables=tuple(Deliverable(each.type, each.target) for each in self.deliverables),
            enable_planner=self.enable_planner,
            planner_model=self.planner_model,
            planner_n_candidates=self.planner_n_candidates,
            auto_repair_max_rounds=self.auto_repair_max_rounds,
            autonomy_level=self.autonomy_level,
            mcp={name: offer.mcp[name] for name in tools if name in offer.mcp},
            not_offered=_not_offered(tools, replace(offer, documents=self.rag_documents)),
        )


def judge_deliverables(asked: Sequence[DeliverableBody], policy: Policy) -> None:
    """Raises `InvalidRequest` for an address that no result may go to."""
    for place, each in enumerate(asked):
        param = f"deliverables[{place}].target"
        try:
            if each.type == "email":
                EmailAddress.read(each.target)
            else:
                judge_url(each.target, param, policy)
        except ValueError as wrong:
            raise InvalidRequest(str(wrong), param=param, code="invalid_value") from None


def _amount(given: UsdAmount | None) -> int | None:
    return None if given is None else int(given)


def _tools(names: Sequence[str] | None, mcp: Collection[str]) -> tuple[str, ...]:
    """The names without repeats; `mcp:<server>:*` is each tool of that server."""
    if names is None:
        return BUILT_IN
    for place, name in enumerate(names):
        if name not in BUILT_IN and not name.startswith(MCP):
            message = f"There is no tool {name[:100]!r}; there are {', '.join(BUILT_IN)}."
            raise InvalidRequest(message, param=f"tools[{place}]", code="invalid_value")
    found = (_every(name, mcp) if name.startswith(MCP) and name.endswith(":*") else [name] for name in names)
    return tuple(dict.fromkeys(chain.from_iterable(found)))


def _every(name: str, mcp: Collection[str]) -> Sequence[str]:
    return [tool for tool in mcp if tool.startswith(name[:-1])] or [name]


def _not_offered(tools: Sequence[str], offer: Offer) -> dict[str, str]:
    missing = {
        name: NOT_REGISTERED if name.startswith(MCP) else NOT_HERE
        for name in tools
        if name not in NAMES and name not in offer.mcp
    }
    return missing | not_offered(tools, offer)
