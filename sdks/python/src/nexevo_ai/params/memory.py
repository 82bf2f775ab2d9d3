"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, Optional

from nexevo_ai._request import RequestOptions

# Shared.


class MemoryListParams(RequestOptions, total=False):
    """Arguments of `memory.list`."""

    level: Literal["task", "tenant"]
    task_id: Optional[str]


class MemoryDeleteParams(RequestOptions, total=False):
    """Arguments of `memory.delete`."""
