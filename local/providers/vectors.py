"""Makes the vectors of every simulated embedding model: by the model and the text alone, of length one.

Texts that mean the same are near each other, as far as word lists tell: a vector is the sum of one of fixed random
numbers for each of the text's words, without those that say nothing and with one for all words of a group of synonyms,
for the kind of its question and its numbers. Of other texts, words and runs of three letters are counted.
"""

from __future__ import annotations

import base64
import hashlib
import math
import sys
from array import array
from operator import itemgetter

from gateway.cache import gates

# How much each of a text's features weighs. Of a long text, those that weigh most count.
_TERM, _KIND, _NUMBER, _LETTERS, _TEXT = 1.0, 0.6, 0.7, 0.08, 0.05
_FEATURES_MAX = 96
_weight = itemgetter(1)


def numbers(model: str, text: str, dimensions: int) -> list[float]:
    """Returns numbers that 32 bits hold exactly; the first ones of a longer vector are another's, up to its length."""
    total = [0.0] * dimensions
    for feature, weight in sorted(_features(text).items(), key=_weight, reverse=True)[:_FEATURES_MAX]:
        drawn = array("b", hashlib.shake_256(f"{model}\n{feature}".encode()).digest(dimensions))
        total = [number + weight * one for number, one in zip(total, drawn, strict=True)]
    length = math.sqrt(sum(number * number for number in total)) or 1.0
    return array("f", [number / length for number in total]).tolist()


def _features(text: str) -> dict[str, float]:
    found = {f"text {text}": _TEXT}
    reading = gates.read(text)
    if reading is None:
        low = text.casefold()
        found.update({f"letters {low[at : at + 3]}": _LETTERS for at in range(len(low) - 2)})
        return found | {f"term {word}": _TERM for word in low.split()}
    found.update({f"term {min(term.groups, default=term.stem)}": _TERM for term in reading.terms})
    found.update({f"number {number}": _NUMBER for number in reading.numbers})
    found[f"kind {reading.kind}"] = _KIND
    return found


def packed(vector: list[float]) -> str:
    """Returns a vector as base64 of little-endian float32."""
    found = array("f", vector)
    if sys.byteorder == "big":
        found.byteswap()
    return base64.b64encode(found.tobytes()).decode()
