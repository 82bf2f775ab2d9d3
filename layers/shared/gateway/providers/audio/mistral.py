"""Mistral's transcription, OpenAI's form with other members.

https://docs.mistral.ai/api/endpoint/audio/transcriptions
"""

from __future__ import annotations

from msgspec import Struct

from gateway.canonical.transcription import DIARIZED, SEGMENT, Segment, Transcript, TranscriptionRequest
from gateway.providers.audio.openai_transcription import form
from gateway.providers.audio.transcriber import TEXT, Transcriber
from gateway.providers.chat.registry import PROVIDERS, under
from gateway.providers.vendor_endpoint import shaped


class _Segment(Struct):
    text: str
    start: float
    end: float
    speaker_id: str | None = None


class _Answer(Struct):
    text: str
    language: str | None = None
    segments: list[_Segment] | None = None


def _write(asked: TranscriptionRequest, model: str) -> tuple[str, bytes]:
    # A language and times do not go together: the times are told for the language that is heard.
    timed = asked.wants_segments
    return form(
        asked,
        [
            ("model", model),
            ("language", None if timed else asked.language),
            ("temperature", asked.temperature),
            ("timestamp_granularities", SEGMENT if timed else None),
            ("diarize", "true" if asked.form == DIARIZED else None),
        ],
    )


def _read(_: TranscriptionRequest, body: bytes) -> Transcript:
    answer: _Answer = shaped(body, _Answer, TEXT)
    segments = [Segment(each.start, each.end, each.text, each.speaker_id) for each in answer.segments or ()]
    return Transcript(answer.text, answer.language, segments)


TRANSCRIPTION = Transcriber(
    name="mistral",
    base_url=PROVIDERS["mistral"].base_url,
    path=under("/audio/transcriptions"),
    write=_write,
    read=_read,
    segments=True,
    diarizes=True,
    tempered=True,
)
