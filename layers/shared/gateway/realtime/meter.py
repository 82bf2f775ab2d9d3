"""Counts what a session uses, prices what its provider reports, and says how much has to be held for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.audio import PCM_BYTES_PER_S
from gateway.canonical.estimate import IMAGE_TOKENS, estimated_tokens
from gateway.canonical.money import NanoUsd
from gateway.canonical.realtime import CONVERSATION, MS, RealtimePrice, RealtimeUsage, Spent, Transcriber
from gateway.canonical.usage import Usage
from gateway.ledger.realtime_prices import Rates, rates_of
from gateway.realtime.events import members
from gateway.realtime.sound import base64_ms
from gateway.realtime.step import Terms

# Tokens of a response that are held for before they come. A hold grows as they do.
AHEAD_TOKENS = 1024
# A session that is paid by time is held for so much of it.
AHEAD_MS = 60 * MS
# The time after which it is charged, in seconds.
CHARGED_S = 30
# A hold that grows does so by a quarter more than it needs, so that few frames have to wait for the store.
_ROOM = 4
# Charged ids that are remembered, so that an event which comes twice is charged once.
_CHARGED_MAX = 64


class Tokens(Struct, frozen=True):
    """Counts the tokens of a second of sound, the caller's and the model's, and the text that a prompt has unseen."""

    heard_per_s: int
    spoken_per_s: int
    unseen: int


class Counts(Struct):
    """Holds what a meter remembers: the part of a session's state that is about money."""

    # Tokens of the conversation, of text, sound and pictures, as the last response told, and what came to it since.
    context: int = 0
    context_audio: int = 0
    context_image: int = 0
    heard_ms: int = 0
    spoken_ms: int = 0
    written_bytes: int = 0
    text_items: int = 0
    since_s: float | None = None
    charged: list[str] = []  # msgspec copies an empty default
    # Sound that no item has yet, and of items whose transcripts have not come, in milliseconds.
    said_ms: int = 0
    awaited: dict[str, int] = {}  # likewise
    # Transcripts of which a part has come, by their items and contents.
    partial: list[str] = []  # likewise


class Meter:
    """The money of one session."""

    def __init__(self, terms: Terms, tokens: Tokens, counts: Counts) -> None:
        self._model = terms.candidate.model
        self._price: RealtimePrice = terms.candidate.target.price
        self._tier = terms.tier
        self._rates = rates_of(self._price, terms.tier, self._model.sale)
        self._tokens = tokens
        self._asked: NanoUsd = 0
        # Whether the sound that was counted last has made a token more.
        self.hears_more = False
        self.counts = counts
        self._transcriber: tuple[Transcriber, Rates] | None = None
        # Whether the session's responses may speak, and their bound in tokens.
        self.speaks = True
        self.output_max = self._model.max_output_tokens
        # The same of responses that were asked for otherwise.
        self._asked_to_speak = False
        self._asked_max = 0
        self.heard_bytes_per_s = PCM_BYTES_PER_S
        # Responses that run at once; those out of the conversation may do so.
        self.running = 0

    @property
    def transcriber(self) -> Transcriber | None:
        """The model that writes down what the caller says."""
        return None if self._transcriber is None else self._transcriber[0]

    def transcribes(self, by: Transcriber) -> None:
        """Notes the model that writes down what the caller says."""
        if by != self.transcriber:
            self._transcriber = (by, rates_of(by.price, self._tier, by.sale))

    def heard(self, ms: int) -> None:
        """Counts sound of the caller that the next response may read."""
        before_ms = self.counts.heard_ms
        self.counts.heard_ms += ms
        self.hears_more = self._heard_tokens(before_ms) < self._heard_tokens(self.counts.heard_ms)
        self.counts.said_ms += ms

    def committed(self, item_id: Any) -> None:
        """Counts the sound so far as an item's, whose transcript is to come."""
        if self._transcriber is not None and isinstance(item_id, str):
            self.counts.awaited[item_id] = self.counts.said_ms
        self.counts.said_ms = 0

    def silent(self, ms: int = 0) -> None:
        """Forgets sound that no item will have, but the last of it."""
        self.counts.said_ms = min(self.counts.said_ms, ms)

    def told(self, value: Any) -> None:
        """Counts an item, or a part of a session, that the next response reads."""
        content = members(value).get("content")
        parts = content if isinstance(content, list) else []
        self.counts.context += estimated_tokens(_text_bytes(value))
        self.counts.context_image += sum("image_url" in members(part) for part in parts) * IMAGE_TOKENS
        sounds = (members(part).get("audio") for part in parts)
        sound_ms = sum(base64_ms(len(each), self.heard_bytes_per_s) for each in sounds if isinstance(each, str))
        self.counts.context_audio += sound_ms * self._tokens.heard_per_s // MS
        if self._price.text_item is not None:
            self.counts.text_items += sum("text" in members(part) for part in parts)

    def delivered(self, *, text_bytes: int = 0, ms: int = 0) -> None:
        """Counts what a running response has said."""
        self.counts.written_bytes += text_bytes
        self.counts.spoken_ms += ms

    def responded(
        self, response_id: str, used: RealtimeUsage | None, now_s: float, *, within: bool = True
    ) -> list[Spent]:
        """The charge for a response that has ended. Without the provider's report it is what was seen of it.

        One that is not `within` the conversation says nothing of how long that is.
        """
        if response_id in self.counts.charged:
            return []
        estimated = used is None and self._price.input is not None
        used = self._seen() if used is None else used
        if within:
            self.counts.context = used.text + used.cached_text + used.output_text
            self.counts.context_audio = used.audio + used.cached_audio + used.output_audio
            self.counts.context_image = used.image + used.cached_image
        self.counts.heard_ms = self.counts.spoken_ms = self.counts.written_bytes = 0
        return self._charged(response_id, replace(used, **self._passed(now_s)), estimated=estimated)

    def transcript_begins(self, ref: str) -> None:
        """Notes that a part of a transcript has come, by the place of what it writes down."""
        if ref not in self.counts.partial and ref not in self.counts.charged:
            self.counts.partial.append(ref)

    def transcribed(self, item_id: str, index: Any, used: RealtimeUsage | None, heard_ms: int) -> list[Spent]:
        """The charge for the transcript of what the caller said; without a report it is for the sound's length."""
        ref = f"{item_id}#{index}"
        self.not_transcribed(item_id, ref)
        if self._transcriber is None or ref in self.counts.charged:
            return []
        self._remember(ref)
        by, rates = self._transcriber
        cost, counted = self._transcript(rates, used, heard_ms)
        beside = self._model.does == CONVERSATION
        version = "" if beside else by.sale.price_version
        return [Spent(ref, by.id, cost, counted, used is None, beside, version)] if cost else []

    def not_transcribed(self, item_id: str, ref: str) -> None:
        """Forgets a transcript that is not to come."""
        self.counts.awaited.pop(item_id, None)
        self.counts.partial = [each for each in self.counts.partial if each != ref]

    def cut_short(self) -> list[Spent]:
        """The charges for transcripts of which the client has seen a part, and whose ends are not waited for."""
        spent = []
        for ref in [*self.counts.partial]:
            item_id, _, index = ref.rpartition("#")
            spent += self.transcribed(item_id, index, None, self.counts.awaited.get(item_id, self.counts.said_ms))
        self.counts.awaited = {}
        return spent

    def so_far(self, now_s: float, *, responds: bool) -> Spent | None:
        """The estimate of what has been used since the last charge, by a response that runs and by the time."""
        used = self._seen() if responds else RealtimeUsage()
        used = replace(used, milliseconds=self._passed_ms(now_s), text_items=self.counts.text_items)
        cost = self._rates.cost(used) + self._partly_transcribed()
        return Spent("", self._model.id, cost, used.usage, estimated=True) if cost else None

    def passed(self, now_s: float, ref: str) -> list[Spent]:
        """The charge for the time since the last one, for models that are paid by it."""
        used = RealtimeUsage(**self._passed(now_s))
        return [] if used == RealtimeUsage() else self._charged(ref, used, estimated=False)

    def started(self, now_s: float) -> None:
        """Starts the time that is paid for."""
        self.counts.since_s = now_s

    def output_bound(self, tokens: Any) -> None:
        """Notes the bound that a client sets for the session's responses, in tokens, or takes away."""
        self.output_max = self._bound(tokens)

    def asked(self, response: Mapping[str, Any]) -> None:
        """Notes what a response is set to otherwise than the session: it may speak, or be longer."""
        self._asked_to_speak |= speaks(response) is True
        tokens = response.get("max_output_tokens", response.get("max_response_output_tokens"))
        if tokens is not None:
            self._asked_max = max(self._asked_max, self._bound(tokens))

    def ran(self, responses: int) -> None:
        """Notes how many responses run, at the beginning or the end of one."""
        self.running = responses
        if not responses:
            self._asked_to_speak, self._asked_max = False, 0

    def _bound(self, tokens: Any) -> int:
        most = self._model.max_output_tokens
        return min(tokens, most) if isinstance(tokens, int) and tokens > 0 else most

    def due(self, now_s: float) -> bool:
        """True where a model that is paid by time has to be paid again."""
        since_s = self.counts.since_s
        return self.timed and since_s is not None and now_s - since_s >= CHARGED_S

    def ask(self) -> NanoUsd | None:
        """The amount that has to be held from now on, if it is more than was asked for; else `None`."""
        exposure = self.exposure()
        if exposure <= self._asked:
            return None
        self._asked = exposure + exposure // _ROOM
        return self._asked

    def exposure(self) -> NanoUsd:
        """The most that the session may come to before its next charge."""
        if self._model.does != CONVERSATION:
            return self._awaited(AHEAD_MS)
        running, most = max(1, self.running), max(self.output_max, self._asked_max)
        output = min(self._output() + AHEAD_TOKENS * running, most * running)
        spoken = self.speaks or self._asked_to_speak or self.counts.spoken_ms > 0
        read = replace(self._prompt(running), milliseconds=AHEAD_MS, text_items=self.counts.text_items)
        return self._rates.cost_at_most(read, output, spoken=spoken) + self._awaited(0)

    @property
    def timed(self) -> bool:
        """True for a model that is paid by the time of its socket, and not by what it hears."""
        return self._price.minute is not None and self._model.does == CONVERSATION

    def _awaited(self, ahead_ms: int) -> NanoUsd:
        """The most that the transcripts of what was heard, and is heard for that long, may come to."""
        if self._transcriber is None:
            return 0
        ms = self.counts.said_ms + sum(self.counts.awaited.values()) + ahead_ms
        tokens = self._heard_tokens(ms)
        # A transcript has fewer tokens than its sound.
        return self._transcriber[1].cost_at_most(RealtimeUsage(audio=tokens, milliseconds=ms), tokens, spoken=False)

    def _partly_transcribed(self) -> NanoUsd:
        if self._transcriber is None:
            return 0
        items = {ref.rpartition("#")[0] for ref in self.counts.partial}
        lengths = (self.counts.awaited.get(item_id, self.counts.said_ms) for item_id in items)
        return sum(self._transcript(self._transcriber[1], None, ms)[0] for ms in lengths)

    def _transcript(self, rates: Rates, used: RealtimeUsage | None, heard_ms: int) -> tuple[NanoUsd, Usage]:
        if used is None:
            used = RealtimeUsage(audio=self._heard_tokens(heard_ms), milliseconds=heard_ms)
        return rates.cost(used), used.usage

    def _passed(self, now_s: float) -> dict[str, int]:
        """The milliseconds and texts since the last charge, which are charged now."""
        ms, texts = self._passed_ms(now_s), self.counts.text_items
        self.counts.since_s, self.counts.text_items = now_s, 0
        return {"milliseconds": ms, "text_items": texts}

    def _passed_ms(self, now_s: float) -> int:
        since_s = self.counts.since_s
        return 0 if since_s is None or not self.timed else max(0, int((now_s - since_s) * MS))

    def _prompt(self, responses: int) -> RealtimeUsage:
        """The most that so many responses read: a whole window of the dearest kind, or less of each kind."""
        heard = self._heard_tokens(self.counts.heard_ms)
        text = self.counts.context + self._tokens.unseen
        counts = (text, self.counts.context_audio + heard, self.counts.context_image)
        window = self._model.context_window
        if sum(counts) > window:
            return RealtimeUsage(**{self._rates.prompt: window * responses})
        return RealtimeUsage(*(each * responses for each in counts))

    def _heard_tokens(self, ms: int) -> int:
        return ms * self._tokens.heard_per_s // MS

    def _output(self) -> int:
        return self.counts.spoken_ms * self._tokens.spoken_per_s // MS + estimated_tokens(self.counts.written_bytes)

    def _seen(self) -> RealtimeUsage:
        heard = self._heard_tokens(self.counts.heard_ms)
        return RealtimeUsage(
            text=min(self.counts.context, self._model.context_window),
            audio=min(self.counts.context_audio + heard, self._model.context_window),
            image=min(self.counts.context_image, self._model.context_window),
            output_text=estimated_tokens(self.counts.written_bytes),
            output_audio=self.counts.spoken_ms * self._tokens.spoken_per_s // MS,
        )

    def _charged(self, ref: str, used: RealtimeUsage, *, estimated: bool) -> list[Spent]:
        self._remember(ref)
        # What has been charged is no longer covered by the hold, so that the next response is asked for anew.
        self._asked = 0
        return [Spent(ref, self._model.id, self._rates.cost(used), used.usage, estimated)]

    def _remember(self, ref: str) -> None:
        self.counts.charged = [*self.counts.charged, ref][-_CHARGED_MAX:]


def speaks(settings: Mapping[str, Any]) -> bool | None:
    """True where a session, or a response, is set to speak; `None` where neither is said."""
    modalities = settings.get("output_modalities", settings.get("modalities"))
    return modalities != ["text"] if isinstance(modalities, list) else None


def _text_bytes(value: Any) -> int:
    """The bytes of all strings in a value but sound and pictures, which are counted otherwise."""
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    if isinstance(value, list):
        return sum(map(_text_bytes, value))
    named = members(value).items()
    return sum(len(name) + _text_bytes(each) for name, each in named if name not in ("audio", "image_url"))
