"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from nexevo_ai._request import RequestOptions

# Shared.


class FeedbackSubmitParams(RequestOptions, total=False):
    """Arguments of `feedback.submit`."""

    comment: Optional[str]
    tags: Optional[Sequence[str]]


class FeedbackSummaryParams(RequestOptions, total=False):
    """Arguments of `feedback.summary`."""

    days: int
