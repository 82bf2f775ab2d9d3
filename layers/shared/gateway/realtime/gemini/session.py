"""Carries one conversation between a client of OpenAI's wire and Gemini's Live API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from gateway.canonical.money import NanoUsd
from gateway.canonical.realtime import Spent
from gateway.errors import GatewayError, RateLimited, UpstreamError
from gateway.ports.clock import Clock
from gateway.realtime.client_events import known_type
from gateway.realtime.events import Event, at, error_event, head_of_client, read_provider
from gateway.realtime.gemini import response
from gateway.realtime.gemini.asking import SENDERS, cancel, is_output, lose_calls, seeded
from gateway.realtime.gemini.live import Live
from gateway.realtime.gemini.setup import is_setup
from gateway.realtime.gemini.telling import tell
from gateway.realtime.step import GONE, INTERNAL_ERROR, MOVED, POLICY_VIOLATION, RECONNECTS_MAX, Close, Step, Terms


class GeminiSession:
    """One conversation with a provider of Gemini's Live API."""

    def __init__(self, terms: Terms, clock: Clock, state: bytes | None = None) -> None:
        self._live = Live(terms, clock, state)

    def opened(self, unsent: Sequence[bytes] = ()) -> Step:
        """Tells the client of its session, whose setup waits for what the client sets; later goes on with it."""
        live, step = self._live, Step()
        live.meter.started(live.clock.now_s())
        live.set_up = live.ready = live.to_reconnect = False
        live.state.muted = live.state.replaced = False
        if live.was_opened:
            self._go_on(step, unsent)
        else:
            live.tell_session(step, "session.created")
        live.was_opened = True
        step.ask_nanousd = live.meter.ask()
        return step

    def from_client(self, data: bytes) -> Step:
        """Sends what the event asks for, or answers it with an error."""
        step, event_id = Step(), None
        try:
            head = head_of_client(data)
            event_id = head.event_id
            SENDERS[known_type(head.type)](self._live, step, data, head)
        except GatewayError as error:
            return Step(to_client=[error_event(error, self._live.new_id("event"), event_id)])
        return self._concluded(step)

    def from_provider(self, data: bytes) -> Step:
        """Tells the client what the message holds."""
        step = Step()
        try:
            tell(self._live, step, read_provider(data))
        except GatewayError as error:
            return self._ended(error, Close(INTERNAL_ERROR, GONE))
        return self._concluded(step)

    def tick(self) -> Step:
        """Nothing but a hold, since time costs nothing here."""
        return Step(ask_nanousd=self._live.meter.ask())

    def refused(self, error: GatewayError) -> Step:
        """An error event; a limit cancels the response, everything else ends the session."""
        if not isinstance(error, RateLimited):
            return self._ended(error, Close(POLICY_VIOLATION, error.code or error.type))
        step = Step(to_client=[error_event(error, self._live.new_id("event"))])
        if self._live.state.response is not None:
            # A limit that stops what its client asks for keeps that from Gemini, which has no turn to be left out.
            began = self._live.is_turn
            cancel(self._live, step, "client_cancelled")
            self._live.state.muted = began
        return step

    def provider_gone(self, code: int) -> Step:
        """Another socket that knows the conversation; the end where sockets do not last for a response.

        Where its setup is not confirmed yet, another account may confirm it: any code will do.
        """
        live, state = self._live, self._live.state
        may_go_on = code in MOVED if live.ready else live.was_opened
        if may_go_on and state.reconnects < RECONNECTS_MAX:
            state.reconnects += 1
            return self._reconnecting(Step())
        return self._ended(UpstreamError(GONE), Close(INTERNAL_ERROR, GONE))

    def moved(self) -> None:
        """Forgets the session's handle, which no other account has."""
        self._live.state.handle = None

    def left(self) -> Step:
        """The charge for a response that is cut short."""
        step = Step()
        self._cut_short(step)
        return step

    def so_far(self) -> Spent | None:
        """The estimate of what has not been charged yet."""
        return self._live.so_far()

    @property
    def quiet(self) -> bool:
        """True between turns: none runs, waits for a function's output, or is to be reported."""
        return self._is_between and self._live.state.unpaid is None

    @property
    def _is_between(self) -> bool:
        """True between responses and utterances."""
        state = self._live.state
        return state.response is None and (state.utterance is None or state.utterance.stopped)

    @property
    def responds(self) -> bool:
        """True while a response is on its way from Gemini."""
        return self._live.state.response is not None

    @property
    def exposure_nanousd(self) -> NanoUsd:
        """The most that may be spent before the next charge."""
        return self._live.meter.exposure()

    def state(self) -> bytes:
        """The conversation, its session, and what was counted."""
        return msgspec.json.encode(self._live.state)

    def _concluded(self, step: Step) -> Step:
        # A client may wait for its update to be confirmed before it answers a call.
        if self._live.to_reconnect and (self._is_between if self._live.state.updating else self.quiet):
            self._reconnecting(step)
        step.ask_nanousd = self._live.meter.ask()
        return step

    def _reconnecting(self, step: Step) -> Step:
        self._cut_short(step)
        step.reconnect = True
        self._live.to_reconnect = False
        self._live.ready = False
        return step

    def _go_on(self, step: Step, unsent: Sequence[bytes]) -> None:
        """Begins a further socket: Gemini knows the conversation by its handle, or is told of it.

        What it was not sent waits for the confirmation of its setup.
        """
        live = self._live
        waiting = [*(frame for frame in unsent if not is_setup(frame)), *live.state.frames]
        live.state.frames = []
        is_open: set[str] = set()
        if live.waiting_calls or live.state.outputs or any(map(is_output, waiting)):
            # A session cannot be resumed where it waits for a call: https://ai.google.dev/api/live
            live.state.handle = None
            waiting, is_open = lose_calls(live, waiting)
        live.begin(step)
        if live.state.handle is None:
            waits = [*_turns_in(waiting), *live.state.turns]
            turns = seeded(live.state.conversation.again(), waits, is_open)
            if turns:
                live.to_gemini(step, {"clientContent": {"turns": turns, "turnComplete": False}})
        live.state.frames += waiting

    def _cut_short(self, step: Step) -> None:
        """Ends a response, and charges for it; one that waits for a socket's setup has not begun yet."""
        if not self._live.state.frames:
            error: dict[str, Any] = {"type": "server_error", "code": "session_moved"}
            response.finish(self._live, step, "failed", None, {"error": error})
        step.spent += self._live.last()

    def _ended(self, error: GatewayError, close: Close) -> Step:
        told, step = error_event(error, self._live.new_id("event")), Step(close=close)
        self._cut_short(step)
        step.to_client = [told]
        return step


def _turns_in(frames: Iterable[bytes]) -> Iterator[Event]:
    """The turns of frames that Gemini has not been sent yet."""
    for frame in frames:
        yield from at(msgspec.json.decode(frame), "clientContent", "turns") or ()
