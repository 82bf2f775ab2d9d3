"""Lists the vendors of pictures by the name under which this deployment stores their accounts.

A vendor's code is loaded at its first use, so that a cold start pays for no other vendor.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from gateway.ports.catalog import KnownNames
from gateway.providers.chat import registry as chat

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
    module, row = _ROWS[provider]
    found = getattr(import_module(f"gateway.providers.images.{module}"), row)
    chosen: Painter = found(model) if callable(found) else found
    return chosen


# What rows of the catalog may name.
KNOWN = KnownNames(
    providers=dict.fromkeys(_ROWS, ()),
    regional={name: pattern for name, pattern in chat.KNOWN.regional.items() if name in _ROWS},
)
