"""Makes the vectors of every simulated embedding model: by the model and the text alone, of length one."""

from __future__ import annotations

import base64
import hashlib
import math
import sys
from array import array


def numbers(model: str, text: str, dimensions: int) -> list[float]:
    """Returns numbers that 32 bits hold exactly; the first ones of a longer vector are another's, up to its length."""
    drawn = array("h", hashlib.shake_256(f"{model}\n{text}".encode()).digest(2 * dimensions))
    length = math.sqrt(sum(number * number for number in drawn)) or 1.0
    return array("f", [number / length for number in drawn]).tolist()


def packed(vector: list[float]) -> str:
    """Returns a vector as base64 of little-endian float32."""
    found = array("f", vector)
    if sys.byteorder == "big":
        found.byteswap()
    return base64.b64encode(found.tobytes()).decode()
