"""Lists the vendors of pictures by the name under which this deployment stores their accounts.

A vendor's code is loaded at its first use, so that a cold start pays for no other vendor.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.providers.chat import registry as chat
from gateway.providers.vendor_endpoint import row_in

if TYPE_CHECKING:
    # The list of models reads the names alone.
    from gateway.providers.images.vendor import Painter

# Each vendor's module in this folder, and its row there; a function chooses the row by the model.
_ROWS = {
    "openai": ("openai", "OPENAI"),
    "azure": ("openai", "AZURE"),
    "gemini": ("google", "gemini"),
    "vertex": ("google", "vertex"),
    "replicate": ("replicate", "of"),
    "fal": ("fal", "FAL"),
    "bfl": ("bfl", "BFL"),
    "stability": ("stability", "STABILITY"),
    "dashscope": ("dashscope", "of"),
    "xai": ("xai", "XAI"),
}


@cache
def painter(provider: str, model: str) -> Painter:
    """The row that serves a vendor's model; raises `KeyError` for a vendor without pictures."""
    chosen: Painter = row_in("images", *_ROWS[provider], model)
    return chosen


# What rows of the catalog may name.
KNOWN = chat.KNOWN.among(_ROWS)
