"""Holds one conversation with Gemini: what is known of it, its money, and the frames that wait for its setup."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
from msgspec import Struct, field

from gateway.canonical.realtime import RealtimeUsage, Spent
from gateway.ports.clock import Clock
from gateway.realtime.conversation import Conversation
from gateway.realtime.events import Event
from gateway.realtime.gemini.setup import detects, setup, shown
from gateway.realtime.meter import Counts, Meter, Tokens
from gateway.realtime.step import Step, Terms

# https://ai.google.dev/gemini-api/docs/tokens#multimodal-tokens, and 25 a second of what it says.
# The prompts of recorded sessions have up to 1,250 tokens more than the texts in them.
TOKENS = Tokens(heard_per_s=32, spoken_per_s=25, unseen=1300)
HEARD = "audio/pcm;rate=24000"
# Sound that waits for a caller's commit, in base64; a minute.
WAITING_BYTES_MAX = 60 * 64_000


class Response(Struct):
    """A response on its way. `message` is the item that is being said, `output` what is complete.

    One that is `asked` for is the client's; Gemini begins others by itself. To one that is `joined` two messages ask:
    until it speaks, an interruption is of the first by the second.
    """

    id: str
    as_text: bool
    asked: bool = False
    joined: bool = False
    metadata: Event | None = None
    message: str | None = None
    said: str = ""
    output: list[Event] = []  # msgspec copies an empty default


class Utterance(Struct):
    """Holds what the caller says: its item's id, and the words that have been understood so far."""

    item_id: str
    transcript: str = ""
    stopped: bool = False


class State(Struct):
    """Holds what a session remembers between two sockets of Gemini.

    `unpaid` is a response that its client has seen the end of before Gemini reported what it used. `muted` leaves out
    the rest of a turn whose response the client has cancelled, and `replaced` its end, where Gemini has interrupted it:
    the next response may wait already. `calls` are the names of functions by the ids of calls that wait for their
    output; `gone` are those that Gemini has taken back, or of an earlier socket. `frames` wait until a socket's setup
    is confirmed, and the client is told then that its session is as it wants it, if it is `updating`.
    """

    counts: Counts = field(default_factory=Counts)
    conversation: Conversation = field(default_factory=Conversation)
    session: Event = field(default_factory=dict)
    handle: str | None = None
    response: Response | None = None
    utterance: Utterance | None = None
    unpaid: str | None = None
    reported: Event | None = None
    muted: bool = False
    replaced: bool = False
    calls: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    turns: list[Event] = field(default_factory=list)
    outputs: list[Event] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    frames: list[bytes] = field(default_factory=list)
    updating: bool = False
    committed: bool = False
    heard_ms: int = 0
    answered_ms: int = 0
    events: int = 0
    reconnects: int = 0


_STATE = msgspec.json.Decoder(State)


class Live:
    """The mutable part of a session, which the readers of its events share."""

    def __init__(self, terms: Terms, clock: Clock, state: bytes | None) -> None:
        self.terms = terms
        self.clock = clock
        self.state = State() if state is None else _STATE.decode(state)
        self.meter = Meter(terms, TOKENS, self.state.counts)
        # Of one socket: whether its setup has been sent and confirmed.
        self.was_opened = state is not None
        self.set_up = self.ready = False
        self.to_reconnect = False

    def to_gemini(self, step: Step, message: Event) -> None:
        """Sends a message, behind the setup that has to be confirmed first."""
        self.begin(step)
        data = orjson.dumps(message)
        if self.ready:
            step.to_provider.append(data)
        else:
            self.state.frames.append(data)

    def begin(self, step: Step) -> None:
        """Sends the setup, once for each socket."""
        if not self.set_up:
            self.set_up = True
            model = self.terms.candidate.target.upstream_model
            step.to_provider.append(orjson.dumps(setup(self.state.session, model, self.state.handle)))

    def tell(self, step: Step, event_type: str, **members: Any) -> None:
        """Sends an event to the client."""
        step.to_client.append(orjson.dumps({"type": event_type, "event_id": self.new_id("event"), **members}))

    @property
    def is_turn(self) -> bool:
        """True where Gemini speaks, or has begun to."""
        running = self.state.response
        return running is not None and not (running.asked and running.message is None and not running.output)

    def tell_session(self, step: Step, event_type: str) -> None:
        """Sends the session as it is."""
        session = shown(self.state.session, f"sess_{self.terms.session_id}", self.terms.candidate.name.requested)
        self.tell(step, event_type, session=session)

    def tell_item(self, step: Step, item: Event) -> None:
        """Adds an item to the conversation, complete as it is."""
        before = self.state.conversation.last_id
        self.state.conversation.put(item)
        for event_type in ("conversation.item.added", "conversation.item.done"):
            self.tell(step, event_type, previous_item_id=before, item=item)

    def new_id(self, prefix: str) -> str:
        """The next id of something that the gateway names."""
        self.state.events += 1
        return f"{prefix}_{self.terms.session_id}_{self.state.events}"

    @property
    def waiting_calls(self) -> list[str]:
        """The ids of calls that Gemini waits for the output of."""
        return [call_id for call_id in self.state.calls if call_id not in self.state.gone]

    @property
    def detects(self) -> bool:
        """True where Gemini hears by itself when the caller has finished."""
        return detects(self.state.session)

    def pay(self, response_id: str, used: RealtimeUsage | None) -> list[Spent]:
        """The charge for a turn; without a report it is what was seen of it."""
        self.state.unpaid = None
        if used is not None:
            self.state.reconnects = 0
        return self.meter.responded(response_id, used, self.clock.now_s())

    def so_far(self) -> Spent | None:
        """The estimate of the response that Gemini has not reported."""
        # One that waits for a socket's setup has not begun yet.
        runs = self.state.response is not None and not self.state.frames
        responds = runs or self.state.unpaid is not None
        return self.meter.so_far(self.clock.now_s(), responds=responds)

    def last(self) -> list[Spent]:
        """The charge for a response that has ended for its client, and that Gemini has not reported."""
        return [] if self.state.unpaid is None else self.pay(self.state.unpaid, None)
