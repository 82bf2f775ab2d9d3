"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional, Union

from nexevo_ai._models import NexevoModel

# Shared.


class Memory(NexevoModel):
    """A value that agents remember."""

    object: str
    level: Union[Literal["task", "tenant"], str]
    key: str
    value: str
    updated_at: Optional[str]


class MemoryDeleted(NexevoModel):
    """A value that agents no longer remember."""

    object: str
    level: str
    key: str
    deleted: bool


class MemoryList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Memory]
    has_more: bool
    next_cursor: Optional[str]


Memory.model_rebuild()
MemoryDeleted.model_rebuild()
MemoryList.model_rebuild()
