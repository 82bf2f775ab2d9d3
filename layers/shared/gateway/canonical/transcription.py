"""Transcription as values: a file of sound, what is wanted of it, and the text that was heard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from gateway.canonical.request import NOTHING, Json, RoutingPreferences
from gateway.canonical.usage import Usage

TRANSCRIPTION = "transcription"
JSON, TEXT, SRT, VTT, VERBOSE, DIARIZED = "json", "text", "srt", "vtt", "verbose_json", "diarized_json"
FORMS = (JSON, TEXT, SRT, VTT, VERBOSE, DIARIZED)
# The forms that tell when something was said.
TIMED = frozenset({SRT, VTT, VERBOSE, DIARIZED})
SEGMENT, WORD = "segment", "word"
LOGPROBS = "logprobs"


class SoundFile(Struct, frozen=True):
    """A file of sound, its type by its content, and the seconds that its container tells."""

    content: bytes
    mime_type: str
    extension: str
    seconds: float

    @property
    def whole_seconds(self) -> int:
        """The seconds that are billed: a begun one is one."""
        return math.ceil(self.seconds)


class TranscriptionRequest(Struct, frozen=True):
    """One file to be written down, or to be translated into English where `translates`.

    The file stands in `file`, or is fetched by the name in `named`. `speakers` are names with a sample of each voice,
    as data: URLs. `chunking` is OpenAI's way to cut long sound. `form` is that of a whole answer.
    """

    model: str
    file: SoundFile | None = None
    named: str | None = None
    translates: bool = False
    form: str = JSON
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    granularities: tuple[str, ...] = ()
    logprobs: bool = False
    chunking: Any = None
    speakers: tuple[tuple[str, str], ...] = ()
    routing: RoutingPreferences = field(default_factory=RoutingPreferences)
    user: str | None = None
    stream: bool = False
    echo: Json = field(default_factory=lambda: NOTHING)

    @property
    def wants_segments(self) -> bool:
        """True where the answer tells when each sentence was said."""
        return self.form in TIMED

    @property
    def wants_words(self) -> bool:
        """True where the answer tells when each word was said."""
        return WORD in self.granularities


class Segment(Struct, frozen=True):
    """A part of the text, and the seconds at which it was said. `more` are further members as the provider has them."""

    start: float
    end: float
    text: str
    speaker: str | None = None
    more: Mapping[str, Any] = field(default_factory=lambda: NOTHING)


class Word(Struct, frozen=True):
    """A word, and the seconds at which it was said."""

    word: str
    start: float
    end: float
    speaker: str | None = None


class Transcript(Struct, frozen=True):
    """The text that was heard. `usage` is `None` if it was not reported; `logprobs` are as the provider has them."""

    text: str
    language: str | None = None
    segments: Sequence[Segment] | None = None
    words: Sequence[Word] | None = None
    usage: Usage | None = None
    logprobs: Any = None


class Heard(Struct, frozen=True):
    """A piece of a provider's stream: more text, a segment of it, or its end with all of it."""

    delta: str = ""
    segment: Segment | None = None
    whole: Transcript | None = None
    error: Any = None
