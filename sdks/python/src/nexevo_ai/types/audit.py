"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.


class AuditEntry(NexevoModel):
    """One entry of an account's audit log."""

    object: str
    id: str
    action: str
    outcome: str
    created_at: str
    user_id: Optional[str]
    key_id: Optional[str]
    operator: Optional[str]
    source: Optional[str]
    target: Optional[str]
    before: Object
    after: Object
    note: Optional[str]


class AuditEntryList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[AuditEntry]
    has_more: bool
    next_cursor: Optional[str]


AuditEntry.model_rebuild()
AuditEntryList.model_rebuild()
