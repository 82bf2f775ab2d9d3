"""Speech as values: a request to speak, its sound, and the models for sale."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from gateway.canonical.chat_models import ListPrice
from gateway.canonical.models import Model
from gateway.canonical.request import NOTHING, Json, RoutingPreferences
from gateway.canonical.usage import Usage
from gateway.errors import GatewayError

# The words under which usage counts what is not paid by the token.
CHARACTER, SECOND = "character", "audio_second"
SPEECH = "speech"

MP3, OPUS, AAC, FLAC, WAV, PCM = "mp3", "opus", "aac", "flac", "wav", "pcm"
# Each form of sound with its content type. `pcm` is 16 bit, little-endian, one channel, 24,000 samples a second.
CONTENT_TYPES: Mapping[str, str] = {
    MP3: "audio/mpeg",
    OPUS: "audio/opus",
    AAC: "audio/aac",
    FLAC: "audio/flac",
    WAV: "audio/wav",
    PCM: "audio/pcm",
}
PCM_RATE = 24_000
PCM_BYTES_PER_S = 2 * PCM_RATE


class SpeechRequest(Struct, frozen=True):
    """One text to be spoken. `form` is the caller's, or nothing where the model's usual one will do.

    `as_events` wants the sound in server-sent events. The sound is sent as it comes either way.
    """

    model: str
    text: str
    voice: str | None = None
    form: str | None = None
    instructions: str | None = None
    speed: float | None = None
    as_events: bool = False
    routing: RoutingPreferences = field(default_factory=RoutingPreferences)
    user: str | None = None
    stream: bool = True
    echo: Json = field(default_factory=lambda: NOTHING)


class Sound(Struct, frozen=True):
    """A piece of a provider's sound. `usage` is what the provider reports; `ended` says that the sound is whole."""

    data: bytes = b""
    usage: Usage | None = None
    ended: bool = False
    error: GatewayError | None = None


class AudioPrice(Struct, frozen=True):
    """A price in USD, decimal text: of a million characters, of a minute of sound, or of a million tokens."""

    characters: str | None = None
    minute: str | None = None
    tokens: ListPrice | None = None

    @property
    def listed(self) -> Mapping[str, str]:
        """The unit and the price, as the list of models shows them."""
        if self.characters is not None:
            return {"unit": "1M characters", "characters": self.characters}
        if self.minute is not None:
            return {"unit": "minute", "minute": self.minute}
        return {"unit": "1M tokens", **(self.tokens.classes if self.tokens else {})}


class AudioModel(Model[AudioPrice], frozen=True, kw_only=True):
    """One model for sale that speaks or listens, as `does` says.

    One that speaks takes a text of at most `characters_max` characters. One that listens bills `seconds_least` seconds
    at least, if it is paid by the minute.
    """

    does: str
    characters_max: int | None = None
    seconds_least: int = 0
