"""Deepgram's speech and transcription: https://developers.deepgram.com/reference/text-to-speech/speak-request,
https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded.

A voice of its speech is a model. Utterances, which it tells on request, are the sentences of its transcription.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.audio import AAC, FLAC, MP3, OPUS, PCM, WAV, SpeechRequest
from gateway.canonical.transcription import DIARIZED, Segment, Transcript, TranscriptionRequest, Word
from gateway.errors import UnreadableAnswer
from gateway.framing.percent import encoded
from gateway.providers.audio.speaker import Speaker
from gateway.providers.audio.transcriber import TEXT, Transcriber
from gateway.providers.chat.registry import at, under
from gateway.providers.outgoing import Headers, Outgoing
from gateway.providers.vendor_endpoint import shaped

_BASE = at("https://api.deepgram.com")
_FORMS = {
    MP3: "encoding=mp3",
    OPUS: "encoding=opus&container=ogg",
    AAC: "encoding=aac",
    FLAC: "encoding=flac",
    WAV: "encoding=linear16&container=wav&sample_rate=24000",
    PCM: "encoding=linear16&container=none&sample_rate=24000",
}
# https://developers.deepgram.com/docs/tts-models
_VOICES = ("thalia", "andromeda", "helena", "apollo", "arcas", "aries")


class _Word(Struct):
    word: str
    start: float
    end: float
    punctuated_word: str | None = None
    speaker: int | None = None


class _Utterance(Struct):
    start: float
    end: float
    transcript: str
    speaker: int | None = None


class _Alternative(Struct):
    transcript: str
    words: list[_Word] = field(default_factory=list)


class _Channel(Struct):
    alternatives: list[_Alternative]
    detected_language: str | None = None


class _Results(Struct):
    channels: list[_Channel]
    utterances: list[_Utterance] = field(default_factory=list)


class _Answer(Struct):
    results: _Results


def _sign(_: str, outgoing: Outgoing) -> Headers:
    return (("authorization", f"Token {outgoing.credential.api_key}"),)


def _write_speech(asked: SpeechRequest, _: str) -> Mapping[str, Any]:
    return {"text": asked.text}


def _speech_address(asked: SpeechRequest, _: Outgoing) -> str:
    speed = "" if asked.speed is None else f"&speed={asked.speed}"
    return f"/v1/speak?model={encoded(asked.voice or '')}&{_FORMS[asked.form or MP3]}{speed}"


def _write(asked: TranscriptionRequest, _: str) -> tuple[str, bytes]:
    if asked.file is None:
        raise ValueError("the request's file was not fetched")
    return asked.file.mime_type, asked.file.content


def _address(asked: TranscriptionRequest, outgoing: Outgoing) -> str:
    language = f"language={encoded(asked.language)}" if asked.language else "detect_language=true"
    voices = "&diarize=true" if asked.form == DIARIZED else ""
    return f"/v1/listen?model={encoded(outgoing.model)}&smart_format=true&utterances=true&{language}{voices}"


def _read(_: TranscriptionRequest, body: bytes) -> Transcript:
    answer: _Answer = shaped(body, _Answer, TEXT)
    if not answer.results.channels or not answer.results.channels[0].alternatives:
        raise UnreadableAnswer("it holds no text")
    channel = answer.results.channels[0]
    heard = channel.alternatives[0]
    return Transcript(
        heard.transcript,
        channel.detected_language,
        [Segment(each.start, each.end, each.transcript, _voice(each.speaker)) for each in answer.results.utterances],
        [Word(each.punctuated_word or each.word, each.start, each.end, _voice(each.speaker)) for each in heard.words],
    )


def _voice(number: int | None) -> str | None:
    return None if number is None else f"speaker_{number}"


_SPEECH = Speaker(
    name="deepgram",
    base_url=_BASE,
    path=under("/v1/speak"),
    sign=_sign,
    write=_write_speech,
    address=_speech_address,
    forms=tuple(_FORMS),
    voices={},
    speeds=(0.7, 1.5),
)
TRANSCRIPTION = Transcriber(
    name="deepgram",
    base_url=_BASE,
    path=under("/v1/listen"),
    sign=_sign,
    write=_write,
    read=_read,
    address=_address,
    segments=True,
    words=True,
    diarizes=True,
)


def speech(model: str) -> Speaker:
    """The row of a family of voices, `aura-2` for one."""
    return replace(_SPEECH, voices={voice: f"{model}-{voice}-en" for voice in _VOICES})
