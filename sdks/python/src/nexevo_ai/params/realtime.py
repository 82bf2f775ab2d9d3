"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Literal, TypedDict

from nexevo_ai._request import RequestOptions

# Shared.


class ExpiresAfterParam(TypedDict, total=False):
    """The life of a secret."""

    anchor: Literal["created_at"]
    seconds: int


class RealtimeClientSecretsCreateParams(RequestOptions, total=False):
    """Arguments of `realtime.client_secrets.create`."""

    expires_after: ExpiresAfterParam
