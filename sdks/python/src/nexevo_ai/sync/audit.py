"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.audit import AuditEntry

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.audit import AuditListParams


class AuditResource(Resource):
    """Methods of `client.audit`."""

    def list(self, **params: Unpack[AuditListParams]) -> SyncPage[AuditEntry]:
        """Lists what was done to the account, newest first; an entry is kept for 400 days."""
        call = call_of("GET", "/v1/audit", {**params}, query=("limit", "cursor", "action", "since"))
        answer: SyncPage[AuditEntry] = self._ask(call, element=AuditEntry)
        return answer
