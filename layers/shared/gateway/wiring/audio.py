"""Builds speech."""

from __future__ import annotations

from gateway.catalog.audio import AUDIO_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.speech import SpeechOperation
from gateway.providers.audio.registry import KNOWN
from gateway.wiring.following import follow

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(AUDIO_MODELS, KNOWN))


def speech() -> SpeechOperation:
    """Speech for callers of OpenAI's wire."""
    return SpeechOperation(CATALOG)
