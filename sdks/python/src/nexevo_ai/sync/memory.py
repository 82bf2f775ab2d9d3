"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexevo_ai._request import call_of, path_part
from nexevo_ai._sync.answers import SyncPage
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai.types.memory import Memory, MemoryDeleted

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.memory import MemoryDeleteParams, MemoryListParams


class MemoryResource(Resource):
    """Methods of `client.memory`."""

    def list(self, **params: Unpack[MemoryListParams]) -> SyncPage[Memory]:
        """Lists memories by their keys; all of them, since there are 256 at most."""
        call = call_of("GET", "/v1/memory", {**params}, query=("level", "task_id"))
        answer: SyncPage[Memory] = self._ask(call, element=Memory)
        return answer

    def delete(self, key: str, **params: Unpack[MemoryDeleteParams]) -> MemoryDeleted:
        """Deletes what the account's agents remember under a key."""
        call = call_of("DELETE", f"/v1/memory/{path_part(key, slashes=True)}", {**params})
        answer: MemoryDeleted = self._ask(call, kind=MemoryDeleted)
        return answer
