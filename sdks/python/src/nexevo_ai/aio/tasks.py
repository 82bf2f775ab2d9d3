"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncTasksHelpers
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.tasks import RunSummary, Task

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.tasks import (
        TasksCancelParams,
        TasksConfirmParams,
        TasksGetParams,
        TasksListParams,
        TasksSubmitParams,
    )


class AsyncTasksResource(AsyncTasksHelpers):
    """Methods of `client.tasks`."""

    async def submit(self, goal: str, **params: Unpack[TasksSubmitParams]) -> Task:
        """Begins a task; waits for it unless told not to."""
        call = call_of(
            "POST",
            "/v1/tasks",
            {"goal": goal, **params},
            body=(
                "goal",
                "model",
                "tools",
                "deliverables",
                "budget_usd",
                "deadline_sec",
                "wait",
                "enable_planner",
                "planner_model",
                "planner_n_candidates",
                "auto_repair_max_rounds",
                "autonomy_level",
                "max_steps",
                "rag_documents",
            ),
            is_once=True,
        )
        answer: Task = await self._ask(call, kind=Task)
        return answer

    @deferred  # async only
    async def list(self, **params: Unpack[TasksListParams]) -> AsyncPage[RunSummary]:
        """Lists tasks and runs of agents, newest first."""
        call = call_of("GET", "/v1/tasks", {**params}, query=("limit", "cursor"))
        answer: AsyncPage[RunSummary] = await self._ask(call, element=RunSummary)
        return answer

    async def get(self, task_id: str, **params: Unpack[TasksGetParams]) -> Task:
        """Shows a task or a run of an agent."""
        call = call_of("GET", f"/v1/tasks/{path_part(task_id)}", {**params})
        answer: Task = await self._ask(call, kind=Task)
        return answer

    async def confirm(self, task_id: str, **params: Unpack[TasksConfirmParams]) -> Task:
        """Lets a task go on that waits for its owner's consent."""
        call = call_of("POST", f"/v1/tasks/{path_part(task_id)}/confirm", {**params}, is_once=True)
        answer: Task = await self._ask(call, kind=Task)
        return answer

    async def cancel(self, task_id: str, **params: Unpack[TasksCancelParams]) -> Task:
        """Cancels a task or a run of an agent."""
        call = call_of("POST", f"/v1/tasks/{path_part(task_id)}/cancel", {**params}, is_once=True)
        answer: Task = await self._ask(call, kind=Task)
        return answer
