"""Holds one conversation with a provider of the same wire: what is known of it, its money and its names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import orjson
from msgspec import Struct, field
from msgspec.structs import replace

from gateway.canonical.realtime import TRANSCRIPTION, Spent, Transcriber
from gateway.ports.clock import Clock
from gateway.realtime.client_events import TRANSCRIPTIONS
from gateway.realtime.conversation import Conversation
from gateway.realtime.events import Event, at, members, put
from gateway.realtime.hand_over import Pending, Seeds, merged
from gateway.realtime.meter import Counts, Meter, Tokens, speaks
from gateway.realtime.sound import Sound
from gateway.realtime.step import Terms
from gateway.realtime.unconfirmed import Sent, Unconfirmed

# https://developers.openai.com/api/docs/guides/realtime-costs: a token is 100 ms of the user, 50 ms of the assistant.
# The prompts of recorded sessions have up to 24 tokens more than is estimated of their texts.
TOKENS = Tokens(heard_per_s=10, spoken_per_s=20, unseen=100)


class State(Struct):
    """Holds what a session remembers between two sockets of its provider.

    `session` is what its client has set, and `asked` are updates that were not confirmed. Between two processes both
    name models as the client does, since another provider may go on with them.
    """

    counts: Counts = field(default_factory=Counts)
    conversation: Conversation = field(default_factory=Conversation)
    session: Event = field(default_factory=dict)
    asked: list[Event] = []  # likewise
    session_id: str | None = None
    running: list[str] = []  # msgspec copies an empty default
    reconnects: int = 0
    sound: Sound = field(default_factory=Sound)
    events: int = 0
    sent: list[Sent] = []  # likewise


_STATE = msgspec.json.Decoder(State)


class Talk:
    """The mutable part of a session, which the readers of its events share."""

    def __init__(self, terms: Terms, clock: Clock, state: bytes | None) -> None:
        self.terms = terms
        self.clock = clock
        self.state = State() if state is None else _STATE.decode(state)
        self.seeds: Seeds | None = None
        # Items on their way that are to be the first. Their provider tells no predecessor of them; it may tell none of
        # others either.
        self.roots = 0
        self._was_opened = state is not None
        self.meter = Meter(terms, TOKENS, self.state.counts)
        model, target = terms.candidate.model, terms.candidate.target
        self.upstream_model: str = target.upstream_model
        self.requested = terms.candidate.name.requested
        self.own = terms.own_names
        self.transcribers = dict(terms.transcribers)
        self.only_transcribes = model.does == TRANSCRIPTION
        if self.only_transcribes:
            own = Transcriber(model.id, self.upstream_model, target.price, model.sale)
            self.transcribers |= dict.fromkeys(self.own, own)
            self.meter.transcribes(own)
        self._by_upstream: Mapping[str, tuple[str, Transcriber]] = {
            by.upstream_model: (name, by) for name, by in self.transcribers.items()
        }
        theirs = {name: by.upstream_model for name, by in self.transcribers.items()}
        self.state.session = named(self.state.session, self.upstream_model, theirs)
        self.state.asked = [_update_named(each, self.upstream_model, theirs) for each in self.state.asked]
        self.pending = Pending(self.state.asked)
        self.unconfirmed = Unconfirmed(self.state.sent)
        self.follow(self.state.session)
        self.follow_modalities()

    def kept(self) -> State:
        """The state for another process, with the client's names of models."""
        ours = {theirs: name for theirs, (name, _) in self._by_upstream.items()}
        asked = [_update_named(each, self.requested, ours) for each in self.state.asked]
        return replace(self.state, session=named(self.state.session, self.requested, ours), asked=asked)

    def begin(self) -> None:
        """Prepares a further socket of the provider, if this is one."""
        if self._was_opened:
            # What only transcribes needs to know nothing of what was said.
            items = [] if self.only_transcribes else self.state.conversation.again()
            self.seeds = Seeds(self.state.session, items)
        self._was_opened = True

    def renamed(self, data: bytes, session: Event) -> bytes:
        """The event with the names by which the client knows the session and its models."""
        if session.get("model") == self.upstream_model != self.requested:
            data = put(data, ("session", "model"), self.requested)
        for path in TRANSCRIPTIONS:
            told = at(session, *path, "model")
            name, _ = self._by_upstream.get(str(told), (told, None))
            if name != told:
                data = put(data, ("session", *path, "model"), name)
        if self.seeds is not None and isinstance(session.get("id"), str):
            data = put(data, ("session", "id"), self.state.session_id)
        return data

    def follow(self, session: Event) -> None:
        """Notes what a session is set to, as far as it changes what is paid."""
        self.state.sound.follow(session)
        self.meter.heard_bytes_per_s = self.state.sound.heard_bytes_per_s
        self.meter.output_bound(session.get("max_output_tokens", session.get("max_response_output_tokens")))
        for path in TRANSCRIPTIONS:
            told = at(session, *path, "model")
            if str(told) in self._by_upstream:
                self.meter.transcribes(self._by_upstream[str(told)][1])

    def follow_modalities(self, session: Event | None = None) -> None:
        """Notes whether responses may speak: as the provider tells, and by updates on their way to it."""
        told = self.state.session if session is None else session
        sets = [speaks(told), *(speaks(members(each.get("session"))) for each in self.state.asked)]
        if any(sets) or sets[0] is not None:
            self.meter.speaks = any(sets)

    def starts(self, response_id: str, response: Event) -> None:
        """Notes a response that runs."""
        self.state.running.append(response_id)
        self.meter.ran(len(self.state.running))
        self.meter.asked(response)

    def ends(self, response_id: str) -> None:
        """Notes the end of a response."""
        self.state.running = [running for running in self.state.running if running != response_id]
        self.meter.ran(len(self.state.running))
        self.state.reconnects = 0

    def last(self) -> list[Spent]:
        """The charges for responses and transcripts that have no end, and for the time."""
        now_s, running = self.clock.now_s(), self.state.running
        self.state.running = []
        spent = [each for response_id in running for each in self.meter.responded(response_id, None, now_s)]
        spent += self.meter.cut_short()
        return spent + (self.meter.passed(now_s, self.new_id()) if self.meter.timed else [])

    def cut_short(self) -> list[bytes]:
        """The ends of the responses that are not waited for."""
        return [self._failed(response_id) for response_id in self.state.running]

    def _failed(self, response_id: str) -> bytes:
        error = {"type": "server_error", "code": "session_moved"}
        told: Event = {"id": response_id, "object": "realtime.response", "status": "failed", "output": []}
        told |= {"status_details": {"type": "failed", "error": error}, "usage": None}
        return orjson.dumps({"type": "response.done", "event_id": self.new_id(), "response": told})

    def new_id(self) -> str:
        """The id of the next event that the gateway writes itself."""
        self.state.events += 1
        return f"event_{self.terms.session_id}_{self.state.events}"

    def wrote(self, event_id: object) -> bool:
        """True for the id of an event that the gateway has written itself."""
        return isinstance(event_id, str) and event_id.startswith(f"event_{self.terms.session_id}_")


def named(session: Event, model: str, transcribers: Mapping[str, str]) -> Event:
    """The session with another name of its model, and with the names of those that transcribe replaced."""
    told = {**session, "model": model} if session.get("model") is not None else session
    for *above, last in TRANSCRIPTIONS:
        transcription = members(at(told, *above, last))
        name = str(transcription.get("model"))
        if name in transcribers:
            told = merged(told, _below(above, {last: {"model": transcribers[name]}}))
    return told


def _below(path: Sequence[str], value: Event) -> Event:
    for name in reversed(path):
        value = {name: value}
    return value


def _update_named(event: Event, model: str, transcribers: Mapping[str, str]) -> Event:
    return {**event, "session": named(members(event.get("session")), model, transcribers)}
