"""Finds what a request has its provider look up by an id or an address of the provider's own.

Such an id stands for something uploaded, stored or made before in the account whose key is used: the operator's, which
all callers share. Each wire has a table of the members that name such things, and of those that hold the caller's
own data, schemas for example, in which any name may stand. In all other members a name that ends as references do, or
that providers have for what they keep, is taken for one, and so is an `id` in the form of theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any, Final, TypeAlias

from gateway.canonical.file_ids import names_own_file
from gateway.protocols.shared.preferences import OWN_MEMBERS


class Mark(Enum):
    """The meaning of a member: it names provider state, or a file, or it holds nothing that is judged.

    A file uploaded here is no provider state.
    """

    STATE = "state"
    FILE = "file"
    OWN = "own"


STATE: Final = Mark.STATE
OWN: Final = Mark.OWN
FILE: Final = Mark.FILE

# A function tells whether a string names provider state. An array's elements stand in its member's place.
Place: TypeAlias = "Mark | Callable[[str], bool] | Places"
Places: TypeAlias = Mapping[str, Place]

# The members that are the gateway's on every wire, for the table of each.
GATEWAYS: Final[Places] = dict.fromkeys(OWN_MEMBERS, OWN)

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[-.\s]+")
# `upload_id` and `gcs_uris`, and what OpenAI, Anthropic and Google keep; some clients write `file` for `file_id`.
_REFERENCES = re.compile(
    r".*_(?:ids?|uris?|refs?)"
    r"|(?:assistant|cached_?content|container|conversation|(?:input_)?file|prompt|skill|thread|vector_?store)s?(?:_?ids?)?"
)
_KEPT_IDS = re.compile(r"(?:asst|cntr|container|conv|file|ig|pmpt|skill|thread|vs)[-_].+|cachedContents/.+|gs://.+")
_NOWHERE: Places = {}


def first_reference(document: object, places: Places) -> str | None:
    """The JSON path of the first member of a request that names provider state, or `None`."""
    found = _found(document, places)
    return None if found is None else "".join(found).removeprefix(".")


def _found(value: Any, places: Places) -> list[str] | None:
    """The steps to the first reference below an object or an array."""
    if isinstance(value, list):
        for position, element in enumerate(value):
            inner = _found(element, places) if isinstance(element, dict | list) else None
            if inner is not None:
                return [f"[{position}]", *inner]
        return None
    for name, member in value.items():
        inner = None if member is None else _judged(name, member, places.get(name))
        if inner is not None:
            return [f".{name}", *inner]
    return None


def _judged(name: str, member: object, place: Place | None) -> list[str] | None:
    """The steps from this member to the reference in it, none if it is one itself, or `None`."""
    if place is OWN:
        return None
    if place is STATE:
        return []
    if place is FILE:
        return None if names_own_file(member) else []
    if place is None and (_looks_like_reference(name) or (name == "id" and _is_kept_id(member))):
        return []
    if callable(place):
        return [] if isinstance(member, str) and place(member) else None
    if isinstance(member, dict | list):
        return _found(member, _NOWHERE if place is None else place)
    # Where an object is expected, `"file": "file-1"` is an id.
    return [] if place is not None and isinstance(member, str) and _looks_like_reference(name) else None


@lru_cache(maxsize=1024)
def _looks_like_reference(name: str) -> bool:
    return _REFERENCES.fullmatch(_WORDS.sub("_", name).lower()) is not None


def _is_kept_id(value: object) -> bool:
    return isinstance(value, str) and _KEPT_IDS.fullmatch(value) is not None
