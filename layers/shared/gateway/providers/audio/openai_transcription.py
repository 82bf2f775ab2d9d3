"""Vendors whose transcription has OpenAI's form: https://platform.openai.com/docs/api-reference/audio.

Whisper tells when each sentence and word was said; the models that are paid by tokens tell the text alone, one of them
with its voices, and stream it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.request import NOTHING
from gateway.canonical.transcription import (
    DIARIZED,
    JSON,
    SEGMENT,
    VERBOSE,
    WORD,
    Heard,
    Segment,
    SoundFile,
    Transcript,
    TranscriptionRequest,
    Word,
)
from gateway.canonical.usage import Usage, counted
from gateway.errors import UnreadableAnswer, UpstreamError
from gateway.framing.multipart import FormPart, form_of
from gateway.framing.sse import Frame, SSEDecoder
from gateway.providers.audio.transcriber import TEXT, Transcriber
from gateway.providers.chat import azure
from gateway.providers.chat.registry import PROVIDERS
from gateway.providers.outgoing import Outgoing
from gateway.providers.vendor_endpoint import shaped

CUT = "The provider's text was cut off."
_DONE = b"[DONE]"


class _Details(Struct):
    audio_tokens: int = 0


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int = 0
    input_token_details: _Details | None = None


class _Segment(Struct):
    start: float
    end: float
    text: str
    speaker: str | None = None


class _Word(Struct):
    word: str
    start: float
    end: float


class _Answer(Struct):
    text: str
    language: str | None = None
    segments: list[dict[str, Any]] | None = None
    words: list[_Word] | None = None
    usage: _Usage | None = None
    logprobs: Any = None


class _Event(Struct):
    type: str = ""
    delta: str = ""
    text: str = ""
    usage: _Usage | None = None
    logprobs: Any = None
    more: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


_EVENT = msgspec.json.Decoder(_Event)
_OWN = frozenset({"start", "end", "text", "speaker", "type"})


def usage_of(told: _Usage | None) -> Usage | None:
    """The tokens that were reported; seconds are not taken from a provider."""
    if told is None or told.input_tokens is None:
        return None
    details = told.input_token_details or _Details(told.input_tokens)
    return counted(input=told.input_tokens, output=told.output_tokens, audio_input=details.audio_tokens)


def segment_of(row: Mapping[str, Any]) -> Segment:
    """A segment as the provider has it; raises `UnreadableAnswer` for one without text and times."""
    try:
        own = msgspec.convert(row, _Segment)
    except msgspec.ValidationError:
        raise UnreadableAnswer("a segment has no text or no times") from None
    more = {name: value for name, value in row.items() if name not in _OWN}
    return Segment(own.start, own.end, own.text, own.speaker, more)


def read(_: TranscriptionRequest, body: bytes) -> Transcript:
    """The text, and what is told of it."""
    answer: _Answer = shaped(body, _Answer, TEXT)
    return Transcript(
        answer.text,
        answer.language,
        None if answer.segments is None else [segment_of(row) for row in answer.segments],
        None if answer.words is None else [Word(each.word, each.start, each.end) for each in answer.words],
        usage_of(answer.usage),
        answer.logprobs,
    )


class EventReader:
    """Reads OpenAI's events of transcription."""

    def __init__(self) -> None:
        self._frames = SSEDecoder()

    def feed(self, data: bytes) -> Iterator[Heard]:
        """The pieces of whole events."""
        return (_heard(frame) for frame in self._frames.feed(data) if frame.data != _DONE)

    def flush(self) -> Iterator[Heard]:
        """The last event, after which the text is whole only if that one said so."""
        yield from (_heard(frame) for frame in self._frames.flush() if frame.data != _DONE)
        yield Heard(error=UpstreamError(CUT))


def _heard(frame: Frame) -> Heard:
    try:
        event = _EVENT.decode(frame.data)
        if event.type == "transcript.text.segment":
            return Heard(segment=segment_of(orjson.loads(frame.data)))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Heard(error=UnreadableAnswer("an event cannot be read"))
    except UnreadableAnswer as unreadable:
        return Heard(error=unreadable)
    if event.type == "transcript.text.done":
        return Heard(whole=Transcript(event.text, usage=usage_of(event.usage), logprobs=event.logprobs))
    if event.type == "error":
        return Heard(error=UpstreamError("The provider failed while it listened."))
    return Heard(delta=event.delta)


def file_part(file: SoundFile) -> FormPart:
    """The field of the file; its name is the gateway's own, with the ending of its type."""
    return FormPart("file", file.content, f"sound.{file.extension}", file.mime_type)


def form(asked: TranscriptionRequest, fields: list[tuple[str, Any]]) -> tuple[str, bytes]:
    """The form of these fields and the file; fields that are `None` are left out."""
    if asked.file is None:
        raise ValueError("the request's file was not fetched")
    told = [FormPart(name, str(value).encode()) for name, value in fields if value is not None]
    return form_of([*told, file_part(asked.file)])


def shared_fields(asked: TranscriptionRequest, model: str) -> list[tuple[str, Any]]:
    """The fields that every vendor of this form takes."""
    return [
        ("model", model),
        ("language", asked.language),
        ("prompt", asked.prompt),
        ("temperature", asked.temperature),
    ]


def write_whisper(asked: TranscriptionRequest, model: str) -> tuple[str, bytes]:
    """The form of Whisper's hosts: times are asked for where they are wanted."""
    timed = asked.wants_segments or asked.wants_words
    wanted = [name for name in (SEGMENT, WORD) if (asked.wants_words if name == WORD else asked.wants_segments)]
    return form(
        asked,
        [
            *shared_fields(asked, model),
            ("response_format", VERBOSE if timed else JSON),
            *[("timestamp_granularities[]", name) for name in (wanted if WORD in wanted else ())],
        ],
    )


def _write_told(asked: TranscriptionRequest, model: str) -> tuple[str, bytes]:
    chunking = asked.chunking or ("auto" if asked.form == DIARIZED else None)
    return form(
        asked,
        [
            *shared_fields(asked, model),
            ("response_format", DIARIZED if asked.form == DIARIZED else JSON),
            ("include[]", "logprobs" if asked.logprobs else None),
            ("chunking_strategy", chunking if chunking in (None, "auto") else orjson.dumps(chunking).decode()),
            *[("known_speaker_names[]", name) for name, _ in asked.speakers],
            *[("known_speaker_references[]", sample) for _, sample in asked.speakers],
            ("stream", "true" if asked.stream else None),
        ],
    )


def audio_path(asked: TranscriptionRequest, _: Outgoing) -> str:
    """The path of what is asked for."""
    return "/audio/translations" if asked.translates else "/audio/transcriptions"


def _azure_path(asked: TranscriptionRequest, outgoing: Outgoing) -> str:
    return azure.audio_path(outgoing, audio_path(asked, outgoing))


WHISPER = Transcriber(
    name="openai",
    base_url=PROVIDERS["openai"].base_url,
    path=lambda _: "/audio/transcriptions",
    write=write_whisper,
    read=read,
    address=audio_path,
    segments=True,
    words=True,
    prompted=True,
    tempered=True,
    translates=True,
)
_TOLD = replace(
    WHISPER,
    write=_write_told,
    reader=EventReader,
    segments=False,
    words=False,
    translates=False,
    logprobs=True,
    chunks=True,
)
_DIARIZING = replace(_TOLD, diarizes=True, prompted=False, logprobs=False)
_AZURE = {"name": "azure", "base_url": PROVIDERS["azure"].base_url, "sign": PROVIDERS["azure"].sign}


def openai(model: str) -> Transcriber:
    """The row of a model at OpenAI."""
    if "diarize" in model:
        return _DIARIZING
    return _TOLD if "transcribe" in model else WHISPER


def azure_openai(model: str) -> Transcriber:
    """The row of a model at Azure, whose deployments are named as their models are."""
    return replace(openai(model), address=_azure_path, **_AZURE)


GROQ = replace(WHISPER, name="groq", base_url=PROVIDERS["groq"].base_url)
