"""Ids of output items: the gateway's name over the provider's, which can be read back from it.

A forwarded item's id contains its provider's id: `msg_68ab` is shown as `msg_nxn-68ab`. Encrypted reasoning is bound to
the id of its item, and items such as computer calls need one, so the provider gets its own id when the item is sent
back. An item that the gateway made for a provider of another wire has an id that no provider knows: it is left out.
"""

from __future__ import annotations

import re

_GIVEN = re.compile(r"([a-z]{1,16})_(.+)", re.DOTALL)
_SHOWN = re.compile(r"([a-z]{1,16})_nxn-(.+)", re.DOTALL)
# The rest of an id that `Output` or a list of input items made: an answer's own id and an item's place.
_MADE_HERE = re.compile(r"[0-9a-z]{18}-(?:in)?\d+")
# Stands before a provider's id that has no prefix.
_PLAIN = "item"


def shown(given: str) -> str:
    """The caller's id for a provider's."""
    parts = _GIVEN.fullmatch(given)
    if parts is None or parts[1] == _PLAIN:
        return f"{_PLAIN}_nxn-{given}"
    return f"{parts[1]}_nxn-{parts[2]}"


def given(identity: str) -> str | None:
    """The provider's id behind an id that was shown; none where the gateway made the item."""
    parts = _SHOWN.fullmatch(identity)
    if parts is None:
        return identity
    prefix, rest = parts.groups()
    if _MADE_HERE.fullmatch(rest):
        return None
    return rest if prefix == _PLAIN else f"{prefix}_{rest}"
