"""Lists the vendors of speech by the name under which this deployment stores their accounts.

A vendor's code is loaded at its first use, so that a cold start pays for no other vendor.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from gateway.ports.catalog import KnownNames

if TYPE_CHECKING:
    # The list of models reads the names alone.
    from gateway.providers.audio.speaker import Speaker

# Each vendor's module in this folder, and its row there; a function chooses the row by the model.
_SPEAKERS = {
    "openai": ("openai_like", "openai"),
    "azure": ("openai_like", "azure_openai"),
}


@cache
def speaker(provider: str, model: str) -> Speaker:
    """The row that serves a vendor's model; raises `KeyError` for a vendor without speech."""
    module, row = _SPEAKERS[provider]
    found = getattr(import_module(f"gateway.providers.audio.{module}"), row)
    chosen: Speaker = found(model) if callable(found) else found
    return chosen


# What rows of the catalog may name.
KNOWN = KnownNames(providers=dict.fromkeys(_SPEAKERS, ()))
