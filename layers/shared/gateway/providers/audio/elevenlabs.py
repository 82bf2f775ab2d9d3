"""ElevenLabs' speech and transcription: https://elevenlabs.io/docs/api-reference/text-to-speech/stream,
https://elevenlabs.io/docs/api-reference/speech-to-text/convert.

Sentences are made of the words that its transcription tells, with the times of their first and last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from gateway.canonical.audio import MP3, OPUS, PCM, SpeechRequest
from gateway.canonical.transcription import DIARIZED, Segment, Transcript, TranscriptionRequest, Word
from gateway.framing.percent import encoded
from gateway.providers.audio.openai_transcription import form
from gateway.providers.audio.speaker import Speaker
from gateway.providers.audio.transcriber import TEXT, Transcriber
from gateway.providers.chat.registry import at, under
from gateway.providers.outgoing import Headers, Outgoing
from gateway.providers.vendor_endpoint import shaped

_BASE = at("https://api.elevenlabs.io")
_FORMS = {MP3: "mp3_44100_128", OPUS: "opus_48000_64", PCM: "pcm_24000"}
# https://elevenlabs.io/docs/product-guides/voices/voice-library: those that every account has.
_VOICES = {
    "sarah": "EXAVITQu4vr4xnSDxMaL",
    "george": "JBFqnCBsd6RMkjVDRZzb",
    "alice": "Xb7hH8MSUJpSbSDYk0k2",
    "brian": "nPczCjzI2devNBz1zQrb",
    "charlie": "IKne3meq5aSn9XLyUdCD",
    "lily": "pFZP5JQG7iQjIQuC4Bku",
}
_ENDS = (".", "!", "?", "…", "。", "！", "？")


class _Word(Struct):
    text: str
    type: str = "word"
    start: float | None = None
    end: float | None = None
    speaker_id: str | None = None


class _Answer(Struct):
    text: str
    language_code: str | None = None
    words: list[_Word] | None = None


def _sign(_: str, outgoing: Outgoing) -> Headers:
    return (("xi-api-key", outgoing.credential.api_key),)


def _write_speech(asked: SpeechRequest, model: str) -> Mapping[str, Any]:
    settings = None if asked.speed is None else {"speed": asked.speed}
    return {"text": asked.text, "model_id": model, "voice_settings": settings}


def _speech_address(asked: SpeechRequest, _: Outgoing) -> str:
    wanted = _FORMS[asked.form or MP3]
    return f"/v1/text-to-speech/{encoded(asked.voice or '')}/stream?output_format={wanted}"


def _write(asked: TranscriptionRequest, model: str) -> tuple[str, bytes]:
    return form(
        asked,
        [
            ("model_id", model),
            ("language_code", asked.language),
            ("temperature", asked.temperature),
            ("timestamps_granularity", "word"),
            ("tag_audio_events", "false"),
            ("diarize", "true" if asked.form == DIARIZED else None),
        ],
    )


def _read(_: TranscriptionRequest, body: bytes) -> Transcript:
    answer: _Answer = shaped(body, _Answer, TEXT)
    words = [
        Word(each.text, each.start, each.end, each.speaker_id)
        for each in answer.words or ()
        if each.type == "word" and each.start is not None and each.end is not None
    ]
    return Transcript(answer.text, answer.language_code, sentences(words), words)


def sentences(words: list[Word]) -> list[Segment]:
    """The words in sentences, each of one voice."""
    found: list[Segment] = []
    said: list[Word] = []
    for number, word in enumerate(words):
        said.append(word)
        following = words[number + 1] if number + 1 < len(words) else None
        if following is None or following.speaker != word.speaker or word.word.endswith(_ENDS):
            text = " ".join(each.word for each in said)
            found.append(Segment(said[0].start, said[-1].end, text, said[0].speaker))
            said = []
    return found


SPEECH = Speaker(
    name="elevenlabs",
    base_url=_BASE,
    path=under("/v1/text-to-speech"),
    sign=_sign,
    write=_write_speech,
    address=_speech_address,
    forms=tuple(_FORMS),
    voices=_VOICES,
    speeds=(0.7, 1.2),
)
TRANSCRIPTION = Transcriber(
    name="elevenlabs",
    base_url=_BASE,
    path=under("/v1/speech-to-text"),
    sign=_sign,
    write=_write,
    read=_read,
    segments=True,
    words=True,
    diarizes=True,
    tempered=True,
)
