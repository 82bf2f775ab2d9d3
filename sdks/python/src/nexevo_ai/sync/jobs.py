"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of, path_part
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import JobsHelpers
from nexevo_ai.types.jobs import Job

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.jobs import JobsCancelParams, JobsGetParams, JobsListParams


class JobsResource(JobsHelpers):
    """Methods of `client.jobs`."""

    def list(self, **params: Unpack[JobsListParams]) -> SyncPage[Job]:
        """Lists the account's jobs, newest first."""
        call = call_of("GET", "/v1/generation/jobs", {**params}, query=("limit", "cursor"))
        answer: SyncPage[Job] = self._ask(call, element=Job)
        return answer

    def get(self, job_id: str, **params: Unpack[JobsGetParams]) -> Job:
        """Shows a job, with freshly signed URLs of its results."""
        call = call_of("GET", f"/v1/generation/jobs/{path_part(job_id)}", {**params})
        answer: Job = self._ask(call, kind=Job)
        return answer

    def cancel(self, job_id: str, **params: Unpack[JobsCancelParams]) -> Job:
        """Cancels a job that has not ended; it is not charged."""
        call = call_of("POST", f"/v1/generation/jobs/{path_part(job_id)}/cancel", {**params}, is_once=True)
        answer: Job = self._ask(call, kind=Job)
        return answer
