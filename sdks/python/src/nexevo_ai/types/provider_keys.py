"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.


class ProviderKey(NexevoModel):
    """An account's own key of a provider."""

    object: str
    id: str
    provider: str
    name: str
    mode: str
    last4: str
    settings: Object
    verified: Optional[bool]
    reason: Optional[str]
    tested_at: Optional[str]
    created_at: str
    updated_at: str


class ProviderKeyList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[ProviderKey]
    has_more: bool
    next_cursor: Optional[str]


ProviderKey.model_rebuild()
ProviderKeyList.model_rebuild()
