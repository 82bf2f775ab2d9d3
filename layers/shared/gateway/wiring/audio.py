"""Builds speech and transcription."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.catalog.audio import AUDIO_MODELS
from gateway.catalog.live import LiveCatalog
from gateway.operations.speech import SpeechOperation
from gateway.operations.transcription import TranscriptionOperation
from gateway.protocols.openai_transcriptions import OpenAITranscriptions
from gateway.providers.audio.registry import KNOWN
from gateway.wiring.following import follow

if TYPE_CHECKING:
    # A cold start loads nothing that reads strangers' files.
    from gateway.operations.media_inputs import Inputs

# Read when the process starts, where CPU is plenty.
CATALOG = follow(LiveCatalog(AUDIO_MODELS, KNOWN))


def speech() -> SpeechOperation:
    """Speech for callers of OpenAI's wire."""
    return SpeechOperation(CATALOG)


def transcription(wire: OpenAITranscriptions) -> TranscriptionOperation:
    """Transcription, or translation, for callers of OpenAI's wire."""
    return TranscriptionOperation(wire, CATALOG, _inputs)


def _inputs() -> Inputs:
    """The reader of files that requests name."""
    from gateway.wiring.files import media_inputs  # noqa: PLC0415  # no cold start pays for it

    return media_inputs()
