"""Measures the sound of a session, and keeps what the provider has not taken from its buffer yet."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from gateway.canonical.audio import PCM_BYTES_PER_S
from gateway.canonical.realtime import MS
from gateway.realtime.events import at

# Kept of an utterance, and of the silence before one.
UTTERANCE_MS, SILENCE_MS = 30 * MS, MS
# Items whose length is remembered until their transcripts come.
LENGTHS_MAX = 64
# Bytes a second of a format, by the words of both shapes of a session; `audio/pcm` has a rate beside it.
_BYTES_PER_S = {"g711_ulaw": 8000, "g711_alaw": 8000, "audio/pcmu": 8000, "audio/pcma": 8000}
_IN = (("audio", "input", "format"), ("input_audio_format",))
_OUT = (("audio", "output", "format"), ("output_audio_format",))
_VAD = (("audio", "input", "turn_detection"), ("turn_detection",))
_RATES = range(8_000, 48_001)


class Piece(Struct):
    """One event with sound, as it came."""

    data: str
    ms: int


class Sound(Struct):
    """The formats of a session, and the sound that waits in the provider's buffer.

    With `detects` the provider hears by itself when the caller speaks; else all waits until the caller commits it.
    """

    heard_bytes_per_s: int = PCM_BYTES_PER_S
    spoken_bytes_per_s: int = PCM_BYTES_PER_S
    detects: bool = True
    speaking: bool = False
    waiting: list[Piece] = []  # msgspec copies an empty default
    waiting_ms: int = 0
    uncommitted_ms: int = 0
    began_ms: int = 0
    lengths: dict[str, int] = {}  # msgspec copies an empty default

    def follow(self, session: Any) -> None:
        """Notes the formats that a session has."""
        self.heard_bytes_per_s = _rate(session, _IN, self.heard_bytes_per_s)
        self.spoken_bytes_per_s = _rate(session, _OUT, self.spoken_bytes_per_s)
        for *path, name in _VAD:
            holder = at(session, *path)
            if isinstance(holder, dict) and name in holder:
                self.detects = at(holder[name], "type") is not None

    def heard(self, data: bytes, audio: Any) -> int:
        """Keeps an event with sound; gives its length in milliseconds."""
        ms = _ms(audio, self.heard_bytes_per_s)
        self.waiting.append(Piece(data.decode(), ms))
        self.waiting_ms += ms
        self.uncommitted_ms += ms
        most = UTTERANCE_MS if self.speaking or not self.detects else SILENCE_MS
        while self.waiting_ms > most and len(self.waiting) > 1:
            self.waiting_ms -= self.waiting.pop(0).ms
        return ms

    def spoken_ms(self, audio: Any) -> int:
        """The length of a piece of the model's sound."""
        return _ms(audio, self.spoken_bytes_per_s)

    def speech(self, event: Any, *, begins: bool) -> None:
        """Notes that the provider hears the caller begin to speak, or end."""
        self.speaking = begins
        at_ms, item_id = at(event, "audio_start_ms" if begins else "audio_end_ms"), at(event, "item_id")
        if isinstance(at_ms, int) and begins:
            self.began_ms = at_ms
        elif isinstance(at_ms, int) and isinstance(item_id, str):
            self._measured(item_id, at_ms - self.began_ms)

    def taken(self, item_id: Any = None) -> None:
        """Forgets what the provider has taken from its buffer for an item, or cleared."""
        if isinstance(item_id, str) and item_id not in self.lengths:
            self._measured(item_id, self.uncommitted_ms)
        self.waiting, self.waiting_ms, self.uncommitted_ms, self.speaking = [], 0, 0, False

    def length_ms(self, item_id: Any) -> int:
        """The length of an item's sound, as far as it is known."""
        return self.lengths.get(str(item_id), 0)

    def _measured(self, item_id: str, ms: int) -> None:
        self.lengths[item_id] = max(0, ms)
        while len(self.lengths) > LENGTHS_MAX:
            del self.lengths[next(iter(self.lengths))]

    def again(self) -> list[bytes]:
        """The events that waited, to be sent once more."""
        return [piece.data.encode() for piece in self.waiting]


def _rate(session: Any, places: tuple[tuple[str, ...], ...], otherwise: int) -> int:
    for path in places:
        told = at(session, *path)
        name = at(told, "type") if isinstance(told, dict) else told
        rate = at(told, "rate")
        if isinstance(name, str) and name in _BYTES_PER_S:
            return _BYTES_PER_S[name]
        if isinstance(rate, int) and rate in _RATES:
            return 2 * rate
    return otherwise


def _ms(audio: Any, bytes_per_s: int) -> int:
    return base64_ms(len(audio), bytes_per_s) if isinstance(audio, str) else 0


def base64_ms(characters: int, bytes_per_s: int = PCM_BYTES_PER_S) -> int:
    """The length of sound in so many characters of base64."""
    return characters * 3 // 4 * MS // bytes_per_s
