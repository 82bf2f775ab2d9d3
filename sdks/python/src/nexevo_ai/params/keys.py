"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Optional

from nexevo_ai._request import Amount, RequestOptions

# Shared.


class KeysCreateParams(RequestOptions, total=False):
    """Arguments of `keys.create`."""

    monthly_spend_cap_usd: Optional[Amount]
    rpm_limit: Optional[int]
    tpm_limit: Optional[int]
    max_parallel: Optional[int]
    user_rpm_limit: Optional[int]
    allowed_ips: Optional[Sequence[str]]
    allowed_models: Optional[Sequence[str]]
    expires_at: Optional[str]
    region_policy: Literal["any", "cn-only", "overseas-only"]
    alert_webhook_url: Optional[str]
    can_manage_keys: bool
    disabled: bool
    cache: Literal["off", "exact", "semantic"]
    cache_threshold: Optional[float]


class KeysListParams(RequestOptions, total=False):
    """Arguments of `keys.list`."""

    limit: int
    cursor: Optional[str]


class KeysGetParams(RequestOptions, total=False):
    """Arguments of `keys.get`."""


class KeysUpdateParams(RequestOptions, total=False):
    """Arguments of `keys.update`."""

    name: str
    monthly_spend_cap_usd: Optional[Amount]
    rpm_limit: Optional[int]
    tpm_limit: Optional[int]
    max_parallel: Optional[int]
    user_rpm_limit: Optional[int]
    allowed_ips: Optional[Sequence[str]]
    allowed_models: Optional[Sequence[str]]
    expires_at: Optional[str]
    region_policy: Literal["any", "cn-only", "overseas-only"]
    alert_webhook_url: Optional[str]
    can_manage_keys: bool
    disabled: bool
    cache: Literal["off", "exact", "semantic"]
    cache_threshold: Optional[float]


class KeysDeleteParams(RequestOptions, total=False):
    """Arguments of `keys.delete`."""

    keep_made: bool


class KeysRevokeParams(RequestOptions, total=False):
    """Arguments of `keys.revoke`."""

    keep_made: bool


class KeysUpdateSpendCapParams(RequestOptions, total=False):
    """Arguments of `keys.update_spend_cap`."""

    monthly_spend_cap_usd: Optional[Amount]
    clear: bool


class KeysUpdateAlertWebhookParams(RequestOptions, total=False):
    """Arguments of `keys.update_alert_webhook`."""


class KeysUpdateRegionPolicyParams(RequestOptions, total=False):
    """Arguments of `keys.update_region_policy`."""
