"""Defines a vendor of speech: a row of pure functions that write its requests, and the reader of its sound."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from gateway.canonical.audio import PCM, WAV, Sound, SpeechRequest
from gateway.errors import UnreadableAnswer, UpstreamError
from gateway.framing.sse import Frame, SSEDecoder
from gateway.ports.upstream import Credential, UpstreamRequest
from gateway.providers.outgoing import Outgoing
from gateway.providers.vendor_endpoint import VendorEndpoint

NO_SOUND = "it holds no sound"
CUT = "The provider's sound was cut off."
# https://platform.openai.com/docs/guides/text-to-speech#voice-options
OPENAI_VOICES = (
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
)  # fmt: skip


class SoundReader(Protocol):
    """Reads one answer as it comes."""

    def feed(self, data: bytes) -> Iterable[Sound]:
        """The sound that the bytes complete."""

    def flush(self) -> Iterable[Sound]:
        """The sound that the end of the bytes completes; an answer that is not whole is an error."""


class PlainReader:
    """Reads sound that comes as it is, to the end of the body."""

    def feed(self, data: bytes) -> Sequence[Sound]:
        """The bytes are the sound."""
        return (Sound(data),)

    def flush(self) -> Sequence[Sound]:
        """The transport has judged whether the body is whole."""
        return (Sound(ended=True),)


class EventReader:
    """Reads events by a function of the vendor's, which makes sound of each; one of them says that all came."""

    def __init__(self, sound_of: Callable[[Frame], Sound]) -> None:
        self._sound_of = sound_of
        self._frames = SSEDecoder()

    def feed(self, data: bytes) -> Iterator[Sound]:
        """The sound of whole events."""
        return map(self._sound_of, self._frames.feed(data))

    def flush(self) -> Iterator[Sound]:
        """The sound of the last event, after which the sound is whole only if that one said so."""
        yield from map(self._sound_of, self._frames.flush())
        yield Sound(error=UpstreamError(CUT))


class Speaker(VendorEndpoint, frozen=True, kw_only=True):
    """One row. `write` makes the body for a model's name at the vendor, and `address` the path and query.

    `forms` are the vendor's forms of sound, the usual one first; `written_as` are its words for them. `voices` are its
    own, the usual one first; where they are given, OpenAI's names stand for them by their place. A voice that is in
    `voices` neither by name nor by id belongs to an account. `speeds` are the bounds of the vendor's speed, and
    `instructed` vendors are told how to speak. A second of their sound is `tokens_per_s` tokens, where it is paid so.
    """

    write: Callable[[SpeechRequest, str], Mapping[str, Any]]
    address: Callable[[SpeechRequest, Outgoing], str] | None = None
    forms: tuple[str, ...]
    reader: Callable[[], SoundReader] = PlainReader
    voices: Mapping[str, str]
    speeds: tuple[float, float] | None = None
    instructed: bool = False
    # https://platform.openai.com/docs/guides/realtime-costs: one for 50 ms of what a model says.
    tokens_per_s: int = 20

    def makes(self, form: str) -> bool:
        """True for a form that the vendor has, or that is made here of one: WAV is a header before `pcm`."""
        return form in self.forms or (form == WAV and PCM in self.forms)

    def asked_form(self, form: str) -> str:
        """The form that the vendor is asked for."""
        return form if form in self.forms else PCM

    def voice_of(self, named: str | None) -> str | None:
        """The vendor's id of a voice; nothing for one that not every account has."""
        own = tuple(self.voices.values())
        if named is None:
            return own[0]
        if named in own:
            return named
        found = self.voices.get(named.lower())
        if found is None and named in OPENAI_VOICES:
            return own[OPENAI_VOICES.index(named) % len(own)]
        return found

    def request(self, asked: SpeechRequest, model: str, credential: Credential, now_s: float) -> UpstreamRequest:
        """The request, ready to leave."""
        path = None if self.address is None else partial(self.address, asked)
        return self.posted(self.write(asked, model), model, credential, now_s, path)


def no_sound() -> UnreadableAnswer:
    """The error of an answer without sound."""
    return UnreadableAnswer(NO_SOUND)
