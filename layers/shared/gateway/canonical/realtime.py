"""Realtime as values: the models for sale, their prices by modality, and what a session has used."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import asdict

from gateway.canonical.audio import SECOND
from gateway.canonical.models import Model, Sale
from gateway.canonical.usage import Usage, counted, uses_of

CONVERSATION, TRANSCRIPTION = "conversation", "transcription"
# The word under which usage counts texts that are paid by the piece.
TEXT_ITEM = "text_item"
MS = 1000


class RealtimePrice(Struct, frozen=True):
    """USD, decimal text: per million tokens by modality, per minute, and per text that a caller writes.

    A session that has a price of a `minute` pays for as long as its provider's socket is open; a transcription for the
    sound that it heard. Cached tokens without a price of their own are paid as input of their modality, sound and
    pictures without one as text.
    """

    input: str | None = None
    cache_read: str | None = None
    output: str | None = None
    audio_input: str | None = None
    audio_cache_read: str | None = None
    audio_output: str | None = None
    image_input: str | None = None
    image_cache_read: str | None = None
    minute: str | None = None
    text_item: str | None = None

    @property
    def listed(self) -> Mapping[str, str]:
        """The unit and the price, as the list of models shows them."""
        given = {name: price for name, price in asdict(self).items() if price is not None}
        return {"unit": "1M tokens" if self.minute is None else "minute", **given}


class RealtimeModel(Model[RealtimePrice], frozen=True, kw_only=True):
    """One model for sale over a socket, which converses or only transcribes, as `does` says."""

    does: str = CONVERSATION
    context_window: int
    max_output_tokens: int
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]


class RealtimeUsage(Struct, frozen=True):
    """Counts what one response, or one transcription, has used.

    The classes are disjoint, and `milliseconds` are paid by time.
    """

    text: int = 0
    audio: int = 0
    image: int = 0
    cached_text: int = 0
    cached_audio: int = 0
    cached_image: int = 0
    output_text: int = 0
    output_audio: int = 0
    milliseconds: int = 0
    text_items: int = 0

    @property
    def usage(self) -> Usage:
        """The usage in the classes of all wires; the ledger's entry names it."""
        seconds = -(-self.milliseconds // MS)
        return counted(
            uses_of({SECOND: seconds, TEXT_ITEM: self.text_items}),
            input=self.text + self.audio + self.image,
            cache_read=self.cached_text + self.cached_audio + self.cached_image,
            output=self.output_text + self.output_audio,
            audio_input=self.audio,
            audio_output=self.output_audio,
        )


class Transcriber(Struct, frozen=True):
    """A model that writes down what the caller of a session says, at the session's provider."""

    id: str
    upstream_model: str
    price: RealtimePrice
    sale: Sale


class Spent(Struct, frozen=True):
    """A part of a session that is to be charged, once for each `id`.

    `estimated` marks what no provider has counted: a response whose end never came. What is `beside` the session's own
    work, such as a transcript of its caller, is paid with its next charge. `price_version` is the session's where it is
    empty.
    """

    id: str
    model: str
    cost_nanousd: int
    usage: Usage
    estimated: bool = False
    beside: bool = False
    price_version: str = ""
