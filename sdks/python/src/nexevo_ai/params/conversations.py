"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional

from nexevo_ai._request import RequestOptions

# Shared.


class ConversationsCreateParams(RequestOptions, total=False):
    """Arguments of `conversations.create`."""

    title: Optional[str]
    metadata: Optional[Mapping[str, Any]]
    items: Optional[Sequence[Mapping[str, Any]]]


class ConversationsListParams(RequestOptions, total=False):
    """Arguments of `conversations.list`."""

    limit: int
    cursor: Optional[str]


class ConversationsGetParams(RequestOptions, total=False):
    """Arguments of `conversations.get`."""


class ConversationsUpdateParams(RequestOptions, total=False):
    """Arguments of `conversations.update`."""

    title: Optional[str]
    metadata: Optional[Mapping[str, Any]]


class ConversationsDeleteParams(RequestOptions, total=False):
    """Arguments of `conversations.delete`."""


class ConversationsAppendMessageParams(RequestOptions, total=False):
    """Arguments of `conversations.append_message`."""


class ConversationsCreateItemsParams(RequestOptions, total=False):
    """Arguments of `conversations.create_items`."""


class ConversationsListItemsParams(RequestOptions, total=False):
    """Arguments of `conversations.list_items`."""

    limit: int
    after: Optional[str]
    order: Literal["asc", "desc"]


class ConversationsGetItemParams(RequestOptions, total=False):
    """Arguments of `conversations.get_item`."""


class ConversationsDeleteItemParams(RequestOptions, total=False):
    """Arguments of `conversations.delete_item`."""
