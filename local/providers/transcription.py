"""Simulates transcription with OpenAI's form: https://platform.openai.com/docs/api-reference/audio/createTranscription.

A file is heard as sentences that its bytes decide, one for each three seconds. Whisper tells their times and those of
their words; the models that are paid by tokens stream, and one of them tells voices apart.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.errors import InvalidRequest
from gateway.untrusted.file_types import AUDIO, judge_file
from gateway.untrusted.sound_length import sound_seconds
from local.providers import openai_dialects, openai_shapes, tokens
from local.providers.json_value import Json, JsonValue
from local.providers.openai_shapes import Dialect
from local.providers.wire import Call, Frame, FrameKind, Reply, Wire, json_reply, route, sse

WHISPERS = ("whisper-1",)
TOLD = ("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize")
SENTENCE_S = 3.0
SOUND_TOKENS_PER_S = 10
_SENTENCES = (
    "The sun rises in the east.", "It sets in the west.", "People have seen this for thousands of years.",
    "The days grow longer in spring.", "Snow lies on the hills.", "The train leaves at noon.",
)  # fmt: skip
_PLAIN = frozenset({"file", "model", "language", "prompt", "response_format", "temperature"})
_WHISPER = _PLAIN | {"timestamp_granularities"}
_TOLD = _PLAIN | {"include", "chunking_strategy", "stream", "known_speaker_names", "known_speaker_references"}
_TIMED = ("verbose_json", "srt", "vtt")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A part of what is heard, and its seconds."""

    start: float
    end: float
    text: str
    speaker: str

    @property
    def words(self) -> list[tuple[str, float, float]]:
        """Each word with its seconds, which are shared out evenly."""
        said = self.text.split()
        step = (self.end - self.start) / len(said)
        times = [round(self.start + step * number, 3) for number in range(len(said) + 1)]
        return list(zip(said, times, times[1:], strict=False))


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor: its row, its models, and its paths."""

    dialect: Dialect
    whispers: tuple[str, ...]
    told: tuple[str, ...] = ()
    root: str = ""


OPENAI = Vendor(openai_shapes.OPENAI, WHISPERS, TOLD)
AZURE = Vendor(openai_dialects.AZURE, WHISPERS, TOLD, "/openai/(v1|deployments/[^/]+)")
GROQ = Vendor(
    next(row for row in openai_dialects.DIALECTS if row.row == "groq"), ("whisper-large-v3", "whisper-large-v3-turbo")
)
VENDORS = (OPENAI, AZURE, GROQ)


def wire(vendor: Vendor) -> Wire:
    """Builds one vendor's transcription and translation."""
    return Wire(
        row=vendor.dialect.row,
        prefix=vendor.dialect.prefix,
        routes=tuple(
            route("POST", f"{vendor.root}/audio/{path}", functools.partial(_listen, vendor))
            for path in ("transcriptions", "translations")
        ),
        authorize=functools.partial(openai_shapes.authorize, vendor.dialect),
        question=lambda body: str(body.get("prompt", "")),
        model=lambda call: str(call.body.get("model", "")),
        refusal=openai_shapes.refusal,
        error_frame=lambda _: sse({"type": "error", "error": {"type": "server_error", "message": "Overloaded."}}),
        garbage_frame=lambda _: b"data: {not json\n\n",
        headers=openai_shapes.headers,
    )


def content_of(file: JsonValue) -> bytes:
    """Returns the bytes of a form's file."""
    return base64.b64decode(str(file["base64"])) if isinstance(file, dict) else b""


def seconds(content: bytes, name: str) -> float:
    """Returns the length of a sound file, which is none where it cannot be told."""
    try:
        return sound_seconds(content, judge_file(content, name, AUDIO), name)
    except InvalidRequest:
        return 0.0


def heard(content: bytes, lasting_s: float) -> list[Sentence]:
    """Returns what is heard in a file: the same in the same file."""
    drawn = hashlib.sha256(content).digest()
    starts = [number * SENTENCE_S for number in range(max(1, math.ceil(lasting_s / SENTENCE_S)))]
    return [
        Sentence(
            start,
            round(min(start + SENTENCE_S, lasting_s), 3),
            _SENTENCES[drawn[number % 32] % len(_SENTENCES)],
            "AB"[drawn[number % 32] & 1],
        )
        for number, start in enumerate(starts)
    ]


def _listen(vendor: Vendor, call: Call) -> Reply:
    body = call.body
    model, translates = str(body.get("model", "")), call.path.endswith("/translations")
    _check(vendor, body, model, translates=translates)
    file = body["file"]
    content = content_of(file)
    lasting_s = seconds(content, str(file["filename"]))
    said = heard(content, lasting_s)
    if model in vendor.whispers:
        return json_reply(_whisper(body, said, lasting_s, translates=translates))
    return _tell(call, said, lasting_s)


def _whisper(body: Json, said: list[Sentence], lasting_s: float, *, translates: bool) -> Json:
    text = " ".join(each.text for each in said)
    if body.get("response_format") != "verbose_json":
        return {"text": text, "usage": {"type": "duration", "seconds": math.ceil(lasting_s)}}
    told: Json = {
        "task": "translate" if translates else "transcribe",
        "language": "english",
        "duration": lasting_s,
        "text": text,
        "usage": {"type": "duration", "seconds": math.ceil(lasting_s)},
    }
    wanted = body.get("timestamp_granularities") or ["segment"]
    if "segment" in wanted:
        told["segments"] = [_segment(number, each) for number, each in enumerate(said)]
    if "word" in wanted:
        told["words"] = [{"word": word, "start": start, "end": end} for each in said for word, start, end in each.words]
    return told


def _segment(number: int, said: Sentence) -> Json:
    return {
        "id": number, "seek": 0, "start": said.start, "end": said.end, "text": f" {said.text}", "tokens": [50364, 440],
        "temperature": 0.0, "avg_logprob": -0.25, "compression_ratio": 1.2, "no_speech_prob": 0.01,
    }  # fmt: skip


def _tell(call: Call, said: list[Sentence], lasting_s: float) -> Reply:
    text = " ".join(each.text for each in said)
    read = math.ceil(lasting_s * SOUND_TOKENS_PER_S)
    prompt = tokens.count(str(call.body.get("prompt") or ""))
    usage: Json = {
        "type": "tokens",
        "input_tokens": read + prompt,
        "input_token_details": {"text_tokens": prompt, "audio_tokens": read},
        "output_tokens": tokens.count(text),
        "total_tokens": read + prompt + tokens.count(text),
    }
    tells_voices = call.body.get("response_format") == "diarized_json"
    rows: list[Json] = [
        {
            "type": "transcript.text.segment", "id": f"seg_{number:03}", "speaker": each.speaker, "start": each.start,
            "end": each.end, "text": each.text,
        }
        for number, each in enumerate(said)
    ]  # fmt: skip
    if call.body.get("stream") == "true":
        deltas: list[Json] = [{"type": "transcript.text.delta", "delta": part} for part in _parts(text)]
        done: Json = {"type": "transcript.text.done", "text": text, "usage": usage}
        return Reply(200, (("content-type", "text/event-stream"),), _frames(rows if tells_voices else deltas, done))
    if tells_voices:
        return json_reply(
            {
                "task": "transcribe",
                "duration": lasting_s,
                "text": text,
                "segments": list[JsonValue](rows),
                "usage": usage,
            }
        )
    logprobs: Json = (
        {"logprobs": [{"token": "The", "logprob": -0.1, "bytes": [84]}]} if call.body.get("include") else {}
    )
    return json_reply({"text": text, "usage": usage, **logprobs})


def _frames(events: list[Json], done: Json) -> Iterator[Frame]:
    for event in events:
        yield Frame(FrameKind.CONTENT, sse(event))
    yield Frame(FrameKind.DONE, sse(done))


def _parts(text: str) -> list[str]:
    words = text.split(" ")
    return [word if number == 0 else f" {word}" for number, word in enumerate(words)]


def _check(vendor: Vendor, body: Json, model: str, *, translates: bool) -> None:
    """Raises the refusal of what the vendor does not take."""
    known = _WHISPER if model in vendor.whispers else _TOLD
    for name in body.keys() - known:
        raise openai_shapes.refusal(400, f"Unknown parameter: '{name}'.", "unknown_parameter", name)
    if model not in (*vendor.whispers, *vendor.told):
        raise openai_shapes.refusal(404, f"The model `{model}` does not exist.", "model_not_found", "model")
    if not isinstance(body.get("file"), dict):
        raise openai_shapes.refusal(400, "Missing required parameter: 'file'.", "missing_required_parameter", "file")
    if translates and model not in vendor.whispers:
        raise openai_shapes.refusal(400, f"The model `{model}` does not translate.", None, "model")
    form = body.get("response_format", "json")
    forms = ("json", "text", *_TIMED) if model in vendor.whispers else ("json", "text")
    if form not in (*forms, *(("diarized_json",) if "diarize" in model else ())):
        raise openai_shapes.refusal(400, f"response_format '{form}' is not compatible.", "unsupported_value", "form")
