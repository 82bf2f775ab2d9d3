"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from nexevo_ai._request import RequestOptions

# Shared.


class HealthParams(RequestOptions, total=False):
    """Arguments of `health`."""


class OpenapiParams(RequestOptions, total=False):
    """Arguments of `openapi`."""
