"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._request import RequestOptions

# Shared.


class WebhooksGetSecretParams(RequestOptions, total=False):
    """Arguments of `webhooks.get_secret`."""


class WebhooksRotateSecretParams(RequestOptions, total=False):
    """Arguments of `webhooks.rotate_secret`."""


class WebhooksDeliveriesParams(RequestOptions, total=False):
    """Arguments of `webhooks.deliveries`."""

    limit: int
    cursor: Optional[str]
