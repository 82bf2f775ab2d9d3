"""Resources of the sync client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Union, overload

from nexevo_ai._answers import BinaryResponse
from nexevo_ai._request import FileContent, call_of
from nexevo_ai._sync.conveniences import Resource
from nexevo_ai._sync.streams import Stream
from nexevo_ai.types.audio import SpeechEvent, Transcript, TranscriptEvent

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.audio import (
        AudioSpeechCreateParams,
        AudioTranscriptionsCreateParams,
        AudioTranslationsCreateParams,
    )


class AudioSpeechResource(Resource):
    """Methods of `client.audio.speech`."""

    def create(
        self, model: str, input: str, voice: Union[str, Mapping[str, Any]], **params: Unpack[AudioSpeechCreateParams]
    ) -> BinaryResponse:
        """Speaks a text."""
        call = call_of(
            "POST",
            "/v1/audio/speech",
            {"model": model, "input": input, "voice": voice, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "model",
                "input",
                "voice",
                "instructions",
                "response_format",
                "speed",
                "stream_format",
                "user",
            ),
            is_once=True,
        )
        answer: BinaryResponse = self._ask(call, event=SpeechEvent)
        return answer


class AudioTranscriptionsResource(Resource):
    """Methods of `client.audio.transcriptions`."""

    @overload
    def create(
        self, file: FileContent, model: str, *, stream: Literal[True], **params: Unpack[AudioTranscriptionsCreateParams]
    ) -> Stream[TranscriptEvent]: ...

    @overload
    def create(
        self,
        file: FileContent,
        model: str,
        *,
        stream: Literal[False] = ...,
        **params: Unpack[AudioTranscriptionsCreateParams],
    ) -> Union[Transcript, str]: ...

    def create(
        self, file: FileContent, model: str, *, stream: bool = False, **params: Unpack[AudioTranscriptionsCreateParams]
    ) -> Union[Union[Transcript, str], Stream[TranscriptEvent]]:
        """Writes a recording down."""
        call = call_of(
            "POST",
            "/v1/audio/transcriptions",
            {"file": file, "model": model, **({"stream": True} if stream else {}), **params},
            body=(
                "models",
                "provider",
                "max_price",
                "file",
                "model",
                "prompt",
                "response_format",
                "temperature",
                "user",
                "chunking_strategy",
                "include",
                "known_speaker_names",
                "known_speaker_references",
                "language",
                "stream",
                "timestamp_granularities",
            ),
            is_form=True,
            is_once=True,
        )
        answer: Union[Union[Transcript, str], Stream[TranscriptEvent]] = self._ask(
            call, kind=Transcript, event=TranscriptEvent
        )
        return answer


class AudioTranslationsResource(Resource):
    """Methods of `client.audio.translations`."""

    def create(
        self, file: FileContent, model: str, **params: Unpack[AudioTranslationsCreateParams]
    ) -> Union[Transcript, str]:
        """Writes a recording down in English."""
        call = call_of(
            "POST",
            "/v1/audio/translations",
            {"file": file, "model": model, **params},
            body=(
                "models",
                "provider",
                "max_price",
                "file",
                "model",
                "prompt",
                "response_format",
                "temperature",
                "user",
            ),
            is_form=True,
            is_once=True,
        )
        answer: Union[Transcript, str] = self._ask(call, kind=Transcript)
        return answer


class AudioResource(Resource):
    """Methods of `client.audio`."""

    @cached_property
    def speech(self) -> AudioSpeechResource:
        """Methods of `audio.speech`."""
        return AudioSpeechResource(self._client, form=self._form)

    @cached_property
    def transcriptions(self) -> AudioTranscriptionsResource:
        """Methods of `audio.transcriptions`."""
        return AudioTranscriptionsResource(self._client, form=self._form)

    @cached_property
    def translations(self) -> AudioTranslationsResource:
        """Methods of `audio.translations`."""
        return AudioTranslationsResource(self._client, form=self._form)
