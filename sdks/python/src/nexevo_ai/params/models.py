"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from nexevo_ai._request import RequestOptions

# Shared.


class ModelsListParams(RequestOptions, total=False):
    """Arguments of `models.list`."""


class ModelsGetParams(RequestOptions, total=False):
    """Arguments of `models.get`."""
