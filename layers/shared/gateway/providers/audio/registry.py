"""Lists the vendors of speech and of transcription by the name under which this deployment stores their accounts.

A vendor's code is loaded at its first use, so that a cold start pays for no other vendor.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from gateway.ports.catalog import KnownNames
from gateway.providers.vendor_endpoint import row_in

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
    "gemini": ("gemini_transcription", "TRANSCRIPTION"),
}


@cache
def speaker(provider: str, model: str) -> Speaker:
    """The row that serves a vendor's model; raises `KeyError` for a vendor without speech."""
    chosen: Speaker = row_in("audio", *_SPEAKERS[provider], model)
    return chosen


@cache
def transcriber(provider: str, model: str) -> Transcriber:
    """The row that serves a vendor's model; raises `KeyError` for a vendor without transcription."""
    chosen: Transcriber = row_in("audio", *_TRANSCRIBERS[provider], model)
    return chosen


# What rows of the catalog may name.
KNOWN = KnownNames(providers=dict.fromkeys((*_SPEAKERS, *_TRANSCRIBERS), ()))
