"""The semantic cache, its pure half: which turn of a request is compared by meaning, and what is near enough.

Only the last turn may differ, and only by its wording: everything else of the request has to match exactly, so that it
is part of a partition's name, as is the embedding model. The gates judge the two turns besides their vectors.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from collections.abc import Sequence

import orjson
from msgspec.structs import replace

from gateway.cache import gates
from gateway.cache.identity import request_digest
from gateway.cache.reading import CHARACTERS_MAX
from gateway.canonical.parts import Text
from gateway.canonical.request import ChatRequest

# The least similarity of a hit where its key names none, and the bounds of what a key may name. The gates hold back
# what a vector cannot tell apart, so that it need not be near 1: docs/adr/0052-semantic-cache.md has the measurements.
THRESHOLD = 0.75
THRESHOLD_MIN, THRESHOLD_MAX = 0.5, 1.0
# Vectors are kept with a byte for each number.
_SCALE = 127


def turn_of(request: ChatRequest) -> str | None:
    """The text of the user's last turn; `None` for a request that is not looked up by meaning.

    Such a request ends with a turn of the user's that is one text, offers no tools, and wants one answer.
    """
    if not request.messages or request.tools or request.messages[-1].role != "user":
        return None
    parts = request.messages[-1].parts
    if len(parts) != 1 or type(parts[0]) is not Text or len(parts[0].text) > CHARACTERS_MAX:
        return None
    return parts[0].text if gates.read(parts[0].text) is not None else None


def partition_digest(request: ChatRequest) -> bytes | None:
    """The hash of all of a plain request but its last turn; `None` for one that holds more than texts and numbers."""
    *before, last = request.messages
    rest = replace(request, messages=(*before, replace(last, parts=())))
    return request_digest(rest, plain_alone=True)


def partition_name(digest: bytes, scope_name: str, model_id: str, embedding_model: str) -> str:
    """The name of the questions that a question may be compared with, as hex."""
    named = orjson.dumps(["semantic", scope_name, model_id, embedding_model])
    return hashlib.sha256(digest + named).hexdigest()


def is_hit(similarity: float, one: str, other: str, *, threshold: float) -> bool:
    """True if two turns, whose vectors are so similar, may share an answer."""
    if similarity < threshold:
        return False
    mine, theirs = gates.read(one), gates.read(other)
    return mine is not None and theirs is not None and gates.held_back(mine, theirs) is None


def packed(vector: Sequence[float]) -> bytes:
    """The vector's direction, with a byte for each number."""
    largest = max(map(abs, vector), default=0.0) or 1.0
    return array("b", [round(number / largest * _SCALE) for number in vector]).tobytes()


def similarity(one: bytes, other: bytes) -> float:
    """The cosine of the angle between two packed vectors; 0 for vectors of different lengths."""
    if len(one) != len(other):
        return 0.0
    mine, theirs = memoryview(one).cast("b"), memoryview(other).cast("b")
    product = math.sumprod(mine, theirs)
    lengths = math.sqrt(math.sumprod(mine, mine) * math.sumprod(theirs, theirs))
    return product / lengths if lengths else 0.0
