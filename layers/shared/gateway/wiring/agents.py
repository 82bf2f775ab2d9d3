"""Builds the callers' side of runs and tasks. Everything behind the routes is imported at the first request."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.auth.principal import Principal
from gateway.wiring.process import process

if TYPE_CHECKING:
    from gateway.agents.records import Spec
    from gateway.agents.requests import RunBody, TaskBody
    from gateway.agents.runs import Runs


@cache
def runs() -> Runs:
    """The runs of this deployment."""
    from gateway.agents.journal import Journals  # noqa: PLC0415  # no cold start pays for it
    from gateway.agents.runs import Runs  # noqa: PLC0415  # likewise
    from gateway.wiring.job_stores import executions, jobs, writer  # noqa: PLC0415  # likewise
    from gateway.wiring.objects import bucket_objects  # noqa: PLC0415  # likewise

    objects = bucket_objects(process().settings.responses_bucket)
    return Runs(jobs(), writer(), executions(), Journals(jobs(), writer(), objects), objects, process().clock)


async def specified(principal: Principal, asked: RunBody | TaskBody) -> Spec:
    """The run that is asked for, with the tools that it is offered.

    Raises what a first call of its models would be refused for before it costs anything: models, rights.
    """
    from gateway.agents.prompt import first_requests  # noqa: PLC0415  # no cold start pays for it
    from gateway.agents.requests import RunBody, judge_deliverables  # noqa: PLC0415  # likewise
    from gateway.agents.tools.tool import MCP, Offer  # noqa: PLC0415  # likewise
    from gateway.pipeline.operation import InboundRequest  # noqa: PLC0415  # likewise
    from gateway.protocols.openai_chat import CLIENT  # noqa: PLC0415  # likewise
    from gateway.untrusted.urls import Policy  # noqa: PLC0415  # likewise
    from gateway.wiring.agent_tools import has_search, mcp_tools  # noqa: PLC0415  # likewise
    from gateway.wiring.chat import chat  # noqa: PLC0415  # likewise
    from gateway.wiring.streaming import services  # noqa: PLC0415  # likewise

    if not isinstance(asked, RunBody):
        judge_deliverables(asked.deliverables, Policy(process().settings.own_hosts))
    named = any(name.startswith(MCP) for name in asked.tools or ())
    mcp = await mcp_tools(principal.account_id) if named else {}
    spec = asked.spec(Offer(has_search=has_search(asked.model), mcp=mcp))
    for body in first_requests(spec):
        services().pipeline.open(chat(CLIENT), InboundRequest(principal, body, "", 0.0))
    return spec
