"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.conveniences import AsyncAgentsHelpers
from nexevo_ai._request import call_of
from nexevo_ai.types.agents import Run

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.agents import AgentsRunParams


class AsyncAgentsResource(AsyncAgentsHelpers):
    """Methods of `client.agents`."""

    async def run(self, task: str, **params: Unpack[AgentsRunParams]) -> Run:
        """Begins a run of an agent; waits for it unless told not to."""
        call = call_of(
            "POST",
            "/v1/agents/run",
            {"task": task, **params},
            body=(
                "task",
                "model",
                "tools",
                "max_steps",
                "rag_documents",
                "system_prompt",
                "wait",
                "timeout_sec",
                "enable_verifier",
                "verifier_threshold",
                "max_cost_usd",
            ),
            is_once=True,
        )
        answer: Run = await self._ask(call, kind=Run)
        return answer
