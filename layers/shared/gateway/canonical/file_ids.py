"""Ids of files that accounts uploaded here. They are in a form of their own, so that none is taken for a vendor's."""

from __future__ import annotations

from typing import TypeGuard

PREFIX = "file-nxn-"
# What a request that names such a file holds somewhere, by id or URL.
MARK = PREFIX.encode()


def names_own_file(value: object) -> TypeGuard[str]:
    """True for the id of an uploaded file."""
    return isinstance(value, str) and value.startswith(PREFIX)


def may_name_own_file(value: object) -> TypeGuard[str]:
    """True for such an id, and for a URL that may be such a file's."""
    return isinstance(value, str) and (value.startswith(PREFIX) or (value.startswith("https://") and PREFIX in value))
