"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._request import RequestOptions

# Shared.


class JobsListParams(RequestOptions, total=False):
    """Arguments of `jobs.list`."""

    limit: int
    cursor: Optional[str]


class JobsGetParams(RequestOptions, total=False):
    """Arguments of `jobs.get`."""


class JobsCancelParams(RequestOptions, total=False):
    """Arguments of `jobs.cancel`."""
