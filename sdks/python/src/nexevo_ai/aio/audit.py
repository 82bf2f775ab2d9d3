"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of
from nexevo_ai.types.audit import AuditEntry

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.audit import AuditListParams


class AsyncAuditResource(AsyncResource):
    """Methods of `client.audit`."""

    @deferred  # async only
    async def list(self, **params: Unpack[AuditListParams]) -> AsyncPage[AuditEntry]:
        """Lists what was done to the account, newest first; an entry is kept for 400 days."""
        call = call_of("GET", "/v1/audit", {**params}, query=("limit", "cursor", "action", "since"))
        answer: AsyncPage[AuditEntry] = await self._ask(call, element=AuditEntry)
        return answer
