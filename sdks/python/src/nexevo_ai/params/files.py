"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Optional

from nexevo_ai._request import RequestOptions

# Shared.


class FilesPresignParams(RequestOptions, total=False):
    """Arguments of `files.presign`."""

    filename: str


class FilesCreateParams(RequestOptions, total=False):
    """Arguments of `files.create`."""

    purpose: str
    expires_after: Optional[Mapping[str, Any]]


class FilesListParams(RequestOptions, total=False):
    """Arguments of `files.list`."""

    limit: int
    after: Optional[str]
    after_id: Optional[str]
    before_id: Optional[str]
    order: Literal["asc", "desc"]
    purpose: Optional[Literal["user_data", "vision"]]


class FilesGetParams(RequestOptions, total=False):
    """Arguments of `files.get`."""


class FilesDeleteParams(RequestOptions, total=False):
    """Arguments of `files.delete`."""


class FilesContentParams(RequestOptions, total=False):
    """Arguments of `files.content`."""
