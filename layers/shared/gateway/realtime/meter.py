"""Counts what a session uses, prices what its provider reports, and says how much has to be held for the rest."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gateway.canonical.estimate import IMAGE_TOKENS, estimated_tokens
from gateway.canonical.money import NanoUsd
from gateway.canonical.realtime import CONVERSATION, MS, RealtimePrice, RealtimeUsage, Spent, Transcriber
from gateway.ledger.realtime_prices import Rates, rates_of
from gateway.realtime.events import members
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
    """Counts the tokens of a second of sound, the caller's and the model's."""

    heard_per_s: int
    spoken_per_s: int


class Counts(Struct):
    """Holds what a meter remembers: the part of a session's state that is about money."""

    # Tokens of the conversation, as the last response told, and what came to it since.
    context: int = 0
    heard_ms: int = 0
    spoken_ms: int = 0
    written_bytes: int = 0
    text_items: int = 0
    since_s: float | None = None
    charged: list[str] = []  # msgspec copies an empty default


class Meter:
    """The money of one session."""

    def __init__(self, terms: Terms, tokens: Tokens, counts: Counts) -> None:
        self._model = terms.candidate.model
        self._price: RealtimePrice = terms.candidate.target.price
        self._tier = terms.tier
        self._rates = rates_of(self._price, terms.tier, self._model.sale)
        self._tokens = tokens
        self._asked: NanoUsd = 0
        self.counts = counts
        self._transcriber: tuple[Transcriber, Rates] | None = None
        self.output_max = self._model.max_output_tokens
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
        self.counts.heard_ms += ms

    def told(self, value: Any) -> None:
        """Counts an item, or a part of a session, that the next response reads."""
        content = members(value).get("content")
        parts = content if isinstance(content, list) else []
        pictures = sum("image_url" in members(part) for part in parts)
        self.counts.context += estimated_tokens(_text_bytes(value)) + pictures * IMAGE_TOKENS
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
            self.counts.context = used.usage.total
        self.counts.heard_ms = self.counts.spoken_ms = self.counts.written_bytes = 0
        return self._charged(response_id, replace(used, **self._passed(now_s)), estimated=estimated)

    def transcribed(self, item_id: str, used: RealtimeUsage | None, heard_ms: int) -> list[Spent]:
        """The charge for the transcript of what the caller said; without a report it is for the sound's length."""
        if self._transcriber is None or item_id in self.counts.charged:
            return []
        by, rates = self._transcriber
        self._remember(item_id)
        estimated = used is None
        if used is None:
            used = RealtimeUsage(audio=heard_ms * self._tokens.heard_per_s // MS, milliseconds=heard_ms)
        cost = rates.cost(used)
        return [Spent(item_id, by.id, cost, used.usage, estimated)] if cost else []

    def so_far(self, now_s: float, *, responds: bool) -> Spent | None:
        """The estimate of what has been used since the last charge, by a response that runs and by the time."""
        used = self._seen() if responds else RealtimeUsage()
        used = replace(used, milliseconds=self._passed_ms(now_s), text_items=self.counts.text_items)
        cost = self._rates.cost(used)
        return Spent("", self._model.id, cost, used.usage, estimated=True) if cost else None

    def passed(self, now_s: float, ref: str) -> list[Spent]:
        """The charge for the time since the last one, for models that are paid by it."""
        used = RealtimeUsage(**self._passed(now_s))
        return [] if used == RealtimeUsage() else self._charged(ref, used, estimated=False)

    def started(self, now_s: float) -> None:
        """Starts the time that is paid for."""
        self.counts.since_s = now_s

    def output_bound(self, tokens: Any) -> None:
        """Notes the bound that a client sets for a response, in tokens, or takes away."""
        most = self._model.max_output_tokens
        self.output_max = min(tokens, most) if isinstance(tokens, int) and tokens > 0 else most

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
        running = max(1, self.running)
        prompt = min(self._prompt(), self._model.context_window) * running
        output = min(self._output() + AHEAD_TOKENS * running, self.output_max * running)
        return self._rates.cost_at_most(prompt, output, AHEAD_MS, self.counts.text_items) + self._transcript()

    @property
    def timed(self) -> bool:
        """True for a model that is paid by the time of its socket, and not by what it hears."""
        return self._price.minute is not None and self._model.does == CONVERSATION

    def _transcript(self) -> NanoUsd:
        if self._transcriber is None:
            return 0
        ms = self.counts.heard_ms
        return self._transcriber[1].cost_at_most(ms * self._tokens.heard_per_s // MS, 0, ms, 0)

    def _passed(self, now_s: float) -> dict[str, int]:
        """The milliseconds and texts since the last charge, which are charged now."""
        ms, texts = self._passed_ms(now_s), self.counts.text_items
        self.counts.since_s, self.counts.text_items = now_s, 0
        return {"milliseconds": ms, "text_items": texts}

    def _passed_ms(self, now_s: float) -> int:
        since_s = self.counts.since_s
        return 0 if since_s is None or not self.timed else max(0, int((now_s - since_s) * MS))

    def _prompt(self) -> int:
        return self.counts.context + self.counts.heard_ms * self._tokens.heard_per_s // MS

    def _output(self) -> int:
        return self.counts.spoken_ms * self._tokens.spoken_per_s // MS + estimated_tokens(self.counts.written_bytes)

    def _seen(self) -> RealtimeUsage:
        heard = self.counts.heard_ms * self._tokens.heard_per_s // MS
        return RealtimeUsage(
            text=min(self.counts.context, self._model.context_window),
            audio=min(heard, self._model.context_window),
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


def _text_bytes(value: Any) -> int:
    """The bytes of all strings in a value but sound and pictures, which are counted otherwise."""
    if isinstance(value, str):
        return len(value.encode(errors="replace"))
    if isinstance(value, list):
        return sum(map(_text_bytes, value))
    named = members(value).items()
    return sum(len(name) + _text_bytes(each) for name, each in named if name not in ("audio", "image_url"))
