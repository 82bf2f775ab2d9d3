"""Types of arguments.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Optional, Union

from nexevo_ai._request import RequestOptions

# Shared.
from nexevo_ai.params.shared import MaxPriceParam, ProviderPreferencesParam


class AudioSpeechCreateParams(RequestOptions, total=False):
    """Arguments of `audio.speech.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    instructions: Optional[str]
    response_format: Optional[Literal["aac", "flac", "mp3", "opus", "pcm", "wav"]]
    speed: Optional[float]
    stream_format: Optional[Literal["audio", "sse"]]
    user: Optional[str]


class AudioTranscriptionsCreateParams(RequestOptions, total=False):
    """Arguments of `audio.transcriptions.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    prompt: Optional[str]
    response_format: Optional[Literal["diarized_json", "json", "srt", "text", "verbose_json", "vtt"]]
    temperature: Optional[float]
    user: Optional[str]
    chunking_strategy: Optional[Union[str, Mapping[str, Any]]]
    include: Optional[Sequence[str]]
    known_speaker_names: Optional[Sequence[str]]
    known_speaker_references: Optional[Sequence[str]]
    language: Optional[str]
    timestamp_granularities: Optional[Sequence[str]]


class AudioTranslationsCreateParams(RequestOptions, total=False):
    """Arguments of `audio.translations.create`."""

    models: Optional[Sequence[str]]
    provider: Optional[ProviderPreferencesParam]
    max_price: Optional[MaxPriceParam]
    prompt: Optional[str]
    response_format: Optional[Literal["diarized_json", "json", "srt", "text", "verbose_json", "vtt"]]
    temperature: Optional[float]
    user: Optional[str]
