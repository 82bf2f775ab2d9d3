"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._request import RequestOptions

# Shared.


class AuditListParams(RequestOptions, total=False):
    """Arguments of `audit.list`."""

    limit: int
    cursor: Optional[str]
    action: Optional[str]
    since: Optional[str]
