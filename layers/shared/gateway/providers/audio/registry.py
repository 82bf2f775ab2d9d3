"""Lists the vendors of speech and of transcription by the name under which this deployment stores their accounts.

A vendor's code is loaded at its first use, so that a cold start pays for no other vendor.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.ports.catalog import KnownNames

if TYPE_CHECKING:
    # The list of models reads the names alone.
    from gateway.providers.audio.speaker import Speaker
    from gateway.providers.audio.transcriber import Transcriber

# Each vendor's module in this folder, and its row there; a function chooses the row by the model.
_SPEAKERS = {
    "openai": ("openai_like", "openai"),
    "azure": ("openai_like", "azure_openai"),
    "groq": ("openai_like", "groq"),
    "elevenlabs": ("elevenlabs", "SPEECH"),
    "deepgram": ("deepgram", "speech"),
    "gemini": ("gemini", "SPEECH"),
}
_TRANSCRIBERS = {
    "openai": ("openai_transcription", "openai"),
    "azure": ("openai_transcription", "azure_openai"),
    "groq": ("openai_transcription", "GROQ"),
    "elevenlabs": ("elevenlabs", "TRANSCRIPTION"),
    "deepgram": ("deepgram", "TRANSCRIPTION"),
    "mistral": ("mistral", "TRANSCRIPTION"),
}


@cache
def speaker(provider: str, model: str) -> Speaker:
    """The row that serves a vendor's model; raises `KeyError` for a vendor without speech."""
    chosen: Speaker = _row(*_SPEAKERS[provider], model)
    return chosen


@cache
def transcriber(provider: str, model: str) -> Transcriber:
    """The row that serves a vendor's model; raises `KeyError` for a vendor without transcription."""
    chosen: Transcriber = _row(*_TRANSCRIBERS[provider], model)
    return chosen


def _row(module: str, row: str, model: str) -> Any:
    found = getattr(import_module(f"gateway.providers.audio.{module}"), row)
    return found(model) if callable(found) else found


# What rows of the catalog may name.
KNOWN = KnownNames(providers=dict.fromkeys((*_SPEAKERS, *_TRANSCRIBERS), ()))
