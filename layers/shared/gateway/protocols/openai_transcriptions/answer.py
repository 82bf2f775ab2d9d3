"""Writes what was heard: as JSON, as text, as subtitles, or as OpenAI's events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.canonical.audio import SECOND
from gateway.canonical.response import Extension
from gateway.canonical.transcription import (
    DIARIZED,
    JSON,
    SEGMENT,
    SRT,
    TEXT,
    VERBOSE,
    VTT,
    Segment,
    SoundFile,
    Transcript,
    TranscriptionRequest,
)
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError
from gateway.protocols.shared.openai_errors import error_object

JSON_TYPE, TEXT_TYPE = "application/json", "text/plain; charset=utf-8"


def content_type(form: str) -> str:
    """The content type of a whole answer."""
    return TEXT_TYPE if form in (TEXT, SRT, VTT) else JSON_TYPE


def encode_answer(request: TranscriptionRequest, heard: Transcript, extension: Extension) -> bytes:
    """The whole answer in the form that was asked for."""
    if request.form == TEXT:
        return f"{heard.text}\n".encode()
    if request.form == SRT:
        return _srt(heard.segments or ()).encode()
    if request.form == VTT:
        return _vtt(heard.segments or ()).encode()
    members = {**_MEMBERS[request.form](request, heard), "usage": usage_object(heard.usage)}
    return orjson.dumps({**members, "nexevo": extension.as_json()})


def usage_object(usage: Usage | None) -> Mapping[str, Any]:
    """OpenAI's usage: of seconds, or of tokens."""
    told = usage or Usage()
    if seconds := dict(told.uses).get(SECOND):
        return {"type": "duration", "seconds": seconds}
    details = {"text_tokens": told.prompt - told.audio_input, "audio_tokens": told.audio_input}
    return {
        "type": "tokens",
        "input_tokens": told.prompt,
        "input_token_details": details,
        "output_tokens": told.output,
        "total_tokens": told.total,
    }


def delta_event(delta: str) -> bytes:
    """The event of more text."""
    return _event({"type": "transcript.text.delta", "delta": delta})


def segment_event(number: int, segment: Segment) -> bytes:
    """The event of a segment with its speaker."""
    return _event({**_spoken(number, segment), "type": "transcript.text.segment"})


def done_event(heard: Transcript, extension: Extension) -> bytes:
    """The last event, with the whole text, the usage and the cost."""
    more = {} if heard.logprobs is None else {"logprobs": heard.logprobs}
    usage = usage_object(heard.usage)
    done = {"type": "transcript.text.done", "text": heard.text, **more, "usage": usage, "nexevo": extension.as_json()}
    return _event(done) + b"data: [DONE]\n\n"


def error_event(error: GatewayError) -> bytes:
    """An error in the place of the last event."""
    return _event({"type": "error", "error": error_object(error)})


def _event(value: object) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


def _plain(_: TranscriptionRequest, heard: Transcript) -> dict[str, Any]:
    return {"text": heard.text} | ({} if heard.logprobs is None else {"logprobs": heard.logprobs})


def _verbose(request: TranscriptionRequest, heard: Transcript) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "task": "translate" if request.translates else "transcribe",
        "language": heard.language or request.language or "",
        "duration": _seconds(request.file),
        "text": heard.text,
    }
    if not request.granularities or SEGMENT in request.granularities:
        shown["segments"] = [
            {"id": number, "start": each.start, "end": each.end, "text": each.text, **each.more}
            for number, each in enumerate(heard.segments or ())
        ]
    if request.wants_words:
        shown["words"] = [{"word": each.word, "start": each.start, "end": each.end} for each in heard.words or ()]
    return shown


def _diarized(request: TranscriptionRequest, heard: Transcript) -> dict[str, Any]:
    return {
        "task": "transcribe",
        "duration": _seconds(request.file),
        "text": heard.text,
        "segments": [_spoken(number, each) for number, each in enumerate(heard.segments or ())],
    }


def _spoken(number: int, segment: Segment) -> dict[str, Any]:
    return {
        "type": "transcript.text.segment",
        "id": str(segment.more.get("id", f"seg_{number:03}")),
        "speaker": segment.speaker or "A",
        "start": segment.start,
        "end": segment.end,
        "text": segment.text,
    }


def _seconds(file: SoundFile | None) -> float:
    return 0.0 if file is None else round(file.seconds, 3)


_MEMBERS = {JSON: _plain, VERBOSE: _verbose, DIARIZED: _diarized}


def _srt(segments: Sequence[Segment]) -> str:
    """SubRip, whose times have a comma."""
    return "".join(
        f"{number}\n{_time(each.start, ',')} --> {_time(each.end, ',')}\n{_line(each.text)}\n\n"
        for number, each in enumerate(segments, 1)
    )


def _vtt(segments: Sequence[Segment]) -> str:
    """WebVTT: https://www.w3.org/TR/webvtt1/."""
    cues = (f"{_time(each.start, '.')} --> {_time(each.end, '.')}\n{_line(each.text)}\n\n" for each in segments)
    return "WEBVTT\n\n" + "".join(cues)


def _line(text: str) -> str:
    """The text of a cue, in which neither a blank line nor an arrow can stand."""
    return " ".join(text.split()).replace("-->", "->")


def _time(seconds: float, point: str) -> str:
    whole, milliseconds = divmod(round(max(0.0, seconds) * 1_000), 1_000)
    return f"{whole // 3_600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{milliseconds:03}"
