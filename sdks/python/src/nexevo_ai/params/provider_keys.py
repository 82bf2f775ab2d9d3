"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Optional

from nexevo_ai._request import RequestOptions

# Shared.


class ProviderKeysCreateParams(RequestOptions, total=False):
    """Arguments of `provider_keys.create`."""

    settings: Mapping[str, str]
    mode: Literal["first", "only"]
    name: Optional[str]
    verify: bool


class ProviderKeysListParams(RequestOptions, total=False):
    """Arguments of `provider_keys.list`."""


class ProviderKeysGetParams(RequestOptions, total=False):
    """Arguments of `provider_keys.get`."""


class ProviderKeysUpdateParams(RequestOptions, total=False):
    """Arguments of `provider_keys.update`."""

    name: str
    mode: Literal["first", "only"]
    api_key: str
    settings: Mapping[str, str]
    verify: bool


class ProviderKeysDeleteParams(RequestOptions, total=False):
    """Arguments of `provider_keys.delete`."""


class ProviderKeysTestParams(RequestOptions, total=False):
    """Arguments of `provider_keys.test`."""
