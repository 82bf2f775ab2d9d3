"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from pydantic import Field

from nexevo_ai._models import NexevoModel

# Shared.
from nexevo_ai.types.shared import Key


class CreatedKey(NexevoModel):
    """A new key: `full_key` is shown this once."""

    full_key: str = Field(repr=False)
    key: Key


class KeyList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Key]
    has_more: bool
    next_cursor: Optional[str]


CreatedKey.model_rebuild()
KeyList.model_rebuild()
