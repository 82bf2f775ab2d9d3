"""The semantic cache, its pure half: which turn of a request is compared by meaning, and what is near enough.

Only the last turn may differ, and only by its wording: everything else of the request has to match exactly, so that it
is part of a partition's name, as is the embedding model. The gates judge the two turns besides their vectors.
"""

from __future__ import annotations

import hashlib
import math
import re
from array import array
from collections.abc import Callable, Sequence
from operator import mul

import orjson
from msgspec import Struct
from msgspec.structs import replace

from gateway.cache import gates
from gateway.cache.identity import request_digest
from gateway.cache.reading import CHARACTERS_MAX
from gateway.canonical.parts import Text
from gateway.canonical.request import ChatRequest
from gateway.ports.keys import SEMANTIC, KeyRecord

# The least similarity of a hit where its key names none. The gates hold back what a vector cannot tell apart, so that
# it need not be near 1: docs/adr/0052-semantic-cache.md has the measurements.
THRESHOLD = 0.75
# Two answers agree that are at least so similar. Of short ones, the numbers are equal too.
AGREEMENT = 0.8
SHORT_CHARACTERS = 200
# A key's hits end once its answers have disagreed too often: at least so many were checked, and the share of those that
# disagree is above the bound, at 95 % confidence.
CHECKED_MIN = 20
DISAGREEMENT_MAX = 0.02
_Z = 1.96
# Vectors are kept with a byte for each number.
_SCALE = 127


class Wording(Struct, frozen=True):
    """The question of one request, and what has to be equal besides: a hash, and the callers who share answers."""

    text: str
    threshold: float
    digest: bytes
    scope: str

    def partition(self, model_id: str, embedding: str) -> str:
        """The name of the questions that it may be compared with, as hex."""
        named = orjson.dumps(["semantic", self.scope, model_id, embedding])
        return hashlib.sha256(self.digest + named).hexdigest()


def wording_of(request: ChatRequest, key: KeyRecord, scope: str) -> Wording | None:
    """The question of a request; `None` for one that is not looked up by meaning, or whose key does not want it."""
    turn = turn_of(request) if key.cache == SEMANTIC else None
    digest = None if turn is None else partition_digest(request)
    if turn is None or digest is None:
        return None
    chosen = key.cache_threshold_thousandths
    return Wording(turn, THRESHOLD if chosen is None else chosen / 1000, digest, scope)


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
    return similarity_to(one)(other)


def similarity_to(vector: bytes) -> Callable[[bytes], float]:
    """Makes the function that gives the similarity of a packed vector to another one: to be called with many."""
    mine = tuple(array("b", vector))
    square = sum(map(mul, mine, mine))

    def similarity_of(other: bytes) -> float:
        if len(other) != len(mine):
            return 0.0
        theirs = tuple(array("b", other))
        lengths = math.sqrt(square * sum(map(mul, theirs, theirs)))
        return sum(map(mul, mine, theirs)) / lengths if lengths else 0.0

    return similarity_of


def agree(one: str, other: str, alike: float) -> bool:
    """True if two answers to one question say the same, as far as their similarity, yes or no, and numbers tell."""
    mine, theirs = one.casefold().split(), other.casefold().split()
    if mine == theirs:
        return True
    if alike < AGREEMENT or _verdict(mine) != _verdict(theirs):
        return False
    return max(len(one), len(other)) > SHORT_CHARACTERS or _NUMBER.findall(one) == _NUMBER.findall(other)


def disagrees_too_often(checked: int, disagreed: int) -> bool:
    """True if the share of answers that disagree is above its bound, by the lower end of Wilson's interval."""
    if checked < CHECKED_MIN:
        return False
    share, weight = disagreed / checked, _Z * _Z / checked
    centre = share + weight / 2
    spread = math.sqrt(weight * share * (1 - share) + weight * weight / 4)
    return (centre - spread) / (1 + weight) > DISAGREEMENT_MAX


def _verdict(words: list[str]) -> str:
    """The yes or no that an answer begins with."""
    return _VERDICTS.get(words[0].strip(",.!\uff0c\u3002"), "") if words else ""


_NUMBER = re.compile(r"\d[\d,.]*")
_VERDICTS = {
    "yes": "yes",
    "no": "no",
    "是": "yes",
    "否": "no",
    "是的": "yes",
    "不是": "no",
    "可以": "yes",
    "不可以": "no",
}
