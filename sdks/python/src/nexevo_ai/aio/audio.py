"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Union, overload

from nexevo_ai._answers import BinaryResponse
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._async.streams import AsyncStream
from nexevo_ai._request import FileContent, call_of
from nexevo_ai.types.audio import SpeechEvent, Transcript, TranscriptEvent

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.audio import (
        AudioSpeechCreateParams,
        AudioTranscriptionsCreateParams,
        AudioTranslationsCreateParams,
    )


class AsyncAudioSpeechResource(AsyncResource):
    """Methods of `client.audio.speech`."""

    async def create(
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
        answer: BinaryResponse = await self._ask(call, event=SpeechEvent)
        return answer


class AsyncAudioTranscriptionsResource(AsyncResource):
    """Methods of `client.audio.transcriptions`."""

    @overload
    async def create(
        self, file: FileContent, model: str, *, stream: Literal[True], **params: Unpack[AudioTranscriptionsCreateParams]
    ) -> AsyncStream[TranscriptEvent]: ...

    @overload
    async def create(
        self,
        file: FileContent,
        model: str,
        *,
        stream: Literal[False] = ...,
        **params: Unpack[AudioTranscriptionsCreateParams],
    ) -> Union[Transcript, str]: ...

    async def create(
        self, file: FileContent, model: str, *, stream: bool = False, **params: Unpack[AudioTranscriptionsCreateParams]
    ) -> Union[Union[Transcript, str], AsyncStream[TranscriptEvent]]:
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
        answer: Union[Union[Transcript, str], AsyncStream[TranscriptEvent]] = await self._ask(
            call, kind=Transcript, event=TranscriptEvent
        )
        return answer


class AsyncAudioTranslationsResource(AsyncResource):
    """Methods of `client.audio.translations`."""

    async def create(
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
        answer: Union[Transcript, str] = await self._ask(call, kind=Transcript)
        return answer


class AsyncAudioResource(AsyncResource):
    """Methods of `client.audio`."""

    @cached_property
    def speech(self) -> AsyncAudioSpeechResource:
        """Methods of `audio.speech`."""
        return AsyncAudioSpeechResource(self._client, form=self._form)

    @cached_property
    def transcriptions(self) -> AsyncAudioTranscriptionsResource:
        """Methods of `audio.transcriptions`."""
        return AsyncAudioTranscriptionsResource(self._client, form=self._form)

    @cached_property
    def translations(self) -> AsyncAudioTranslationsResource:
        """Methods of `audio.translations`."""
        return AsyncAudioTranslationsResource(self._client, form=self._form)
