"""Passes events on between a client and a provider of the same wire, OpenAI's, and reads what they cost.

Every byte stands, but for the names of models, the text of a provider's errors and, after a hand-over, the session's
id. Only the events that `asking.py` and `telling.py` list are read further than to their head.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from gateway.canonical.money import NanoUsd
from gateway.canonical.realtime import Spent
from gateway.errors import GatewayError, RateLimited, UpstreamError
from gateway.ports.clock import Clock
from gateway.realtime.asking import APPEND, JUDGES, UPDATES, unpaid
from gateway.realtime.client_events import known_type
from gateway.realtime.events import Head, error_event, head_of_client, head_of_provider
from gateway.realtime.hand_over import is_seed
from gateway.realtime.step import GONE, INTERNAL_ERROR, MOVED, POLICY_VIOLATION, RECONNECTS_MAX, Close, Step, Terms
from gateway.realtime.talk import Talk
from gateway.realtime.telling import READERS
from gateway.realtime.unconfirmed import COMMIT, RESPOND


class PassingSession:
    """One conversation with a provider of OpenAI's wire."""

    def __init__(self, terms: Terms, clock: Clock, state: bytes | None = None) -> None:
        self._talk = Talk(terms, clock, state)
        # The client's event of the last step, if that asks for a response: a refusal keeps it from the provider.
        self._asking: Head | None = None

    def opened(self, unsent: Sequence[bytes] = ()) -> Step:
        """Nothing at first; after a hand-over the session, the conversation so far, and what was not sent."""
        talk, now_s = self._talk, self._talk.clock.now_s()
        talk.meter.started(now_s)
        step = Step(ask_nanousd=talk.meter.ask())
        talk.begin()
        if talk.seeds is not None:
            later = [(head_of_provider(frame)[0], frame) for frame in unsent]
            later = [(head, frame) for head, frame in later if head.type not in UPDATES and not is_seed(head.event_id)]
            # The last sounds that wait: what else is not sent stands between them.
            sounds = sum(head.type == APPEND for head, _ in later)
            waiting = talk.state.sound.again()
            heard = waiting[: max(0, len(waiting) - sounds)]
            lost = [each for each in talk.unconfirmed.given_up(unsent) if each.type == RESPOND]
            step.to_client = [error_event(UpstreamError(GONE), talk.new_id(), each.event_id) for each in lost]
            before = [*talk.seeds.frames(), *talk.pending.again(), *heard, *talk.unconfirmed.again(unsent, now_s)]
            step.to_provider = [*before, *(frame for _, frame in later)]
        return step

    def from_client(self, data: bytes) -> Step:
        """Passes an event on, or answers it with an error."""
        event_id: Any = None
        self._asking = None
        try:
            head = head_of_client(data)
            event_id = head.event_id
            judge = JUDGES.get(known_type(head.type), unpaid)
            step = Step(to_provider=[judge(self._talk, data, head)])
        except GatewayError as error:
            return Step(to_client=[error_event(error, self._talk.new_id(), event_id)])
        self._talk.unconfirmed.ask(head, step.to_provider[0], self._talk.clock.now_s())
        if head.type == (COMMIT if self._talk.only_transcribes else RESPOND):
            self._asking, step.responses = head, 1
        # Most frames of sound are less than a token, and a hold has room for those.
        if head.type != APPEND or self._talk.meter.hears_more:
            step.ask_nanousd = self._talk.meter.ask()
        return step

    def from_provider(self, data: bytes) -> Step:
        """Passes an event on, and charges for what it reports."""
        self._asking = None
        try:
            head, data = head_of_provider(data)
            reader = READERS.get(head.type)
            step = Step(to_client=[data]) if reader is None else reader(self._talk, data, head)
        except GatewayError as error:
            return self._ended(error, Close(INTERNAL_ERROR, GONE))
        step.ask_nanousd = self._talk.meter.ask()
        return step

    def tick(self) -> Step:
        """Charges for the time of a model that is paid by it."""
        talk, now_s = self._talk, self._talk.clock.now_s()
        self._asking = None
        spent = talk.meter.passed(now_s, talk.new_id()) if talk.meter.due(now_s) else []
        return Step(spent=spent, ask_nanousd=talk.meter.ask())

    def refused(self, error: GatewayError) -> Step:
        """An error event; a limit cancels a response that has begun by itself, everything else ends the session."""
        if not isinstance(error, RateLimited):
            return self._ended(error, Close(POLICY_VIOLATION, error.code or error.type))
        asking = self._asking
        if asking is not None:
            self._talk.unconfirmed.refused(asking)
        step = Step(to_client=[error_event(error, self._talk.new_id(), None if asking is None else asking.event_id)])
        if asking is None and self._talk.state.running:
            cancel = {"type": "response.cancel", "response_id": self._talk.state.running[-1]}
            # By this id its provider's error is known, where the response has ended meanwhile.
            cancel["event_id"] = self._talk.new_id()
            step.to_provider.append(orjson.dumps(cancel))
        return step

    def provider_gone(self, code: int) -> Step:
        """Another socket that is told of the conversation; the end where sockets do not last for a response."""
        talk = self._talk
        if code in MOVED and talk.state.session_id is not None and talk.state.reconnects < RECONNECTS_MAX:
            talk.state.reconnects += 1
            return Step(to_client=talk.cut_short(), spent=talk.last(), reconnect=True)
        return self._ended(UpstreamError(GONE), Close(INTERNAL_ERROR, GONE))

    def moved(self) -> None:
        """Nothing: a further socket is told of all that it has to know."""

    def left(self) -> Step:
        """The charges for the time so far, and for responses that are cut short."""
        return Step(to_client=self._talk.cut_short(), spent=self._talk.last())

    def so_far(self) -> Spent | None:
        """The estimate of what has not been charged yet."""
        talk = self._talk
        return talk.meter.so_far(talk.clock.now_s(), responds=self.responds)

    @property
    def quiet(self) -> bool:
        """True between responses and utterances, where the provider has confirmed what it was sent."""
        talk = self._talk
        transcribes = talk.only_transcribes and talk.state.counts.awaited
        awaited = talk.unconfirmed.awaited(talk.clock.now_s())
        return not (self.responds or talk.state.sound.speaking or transcribes or awaited)

    @property
    def responds(self) -> bool:
        """True while a response is on its way from the provider."""
        return bool(self._talk.state.running)

    @property
    def exposure_nanousd(self) -> NanoUsd:
        """The most that may be spent before the next charge."""
        return self._talk.meter.exposure()

    def state(self) -> bytes:
        """The conversation, its session, and what was counted."""
        return msgspec.json.encode(self._talk.kept())

    def _ended(self, error: GatewayError, close: Close) -> Step:
        return Step(to_client=[error_event(error, self._talk.new_id())], spent=self._talk.last(), close=close)
