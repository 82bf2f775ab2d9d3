"""Opens sessions by their provider's wire, and names the verbs that all of them have.

| verb | when the mechanism calls it |
|---|---|
| `opened` | the provider's socket is open: at first, after a hand-over, and where a step wants to `reconnect` |
| `from_client`, `from_provider` | a text message came; Gemini's binary ones are text too |
| `tick` | every few seconds: time that is paid for passes in silence |
| `so_far` | likewise: what is paid if this process dies |
| `refused` | a hold, or a limit of the caller, refuses what a step asked for |
| `provider_gone` | the provider's socket has closed, or could not be opened |
| `moved` | another account of a provider goes on with the session |
| `left` | the client has gone, or this process hands over: the last charges; `state` is what the next one needs |
Frames for a provider whose socket is not open yet wait behind those with which `opened` begins it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Protocol

from gateway.canonical.money import NanoUsd
from gateway.canonical.realtime import Spent
from gateway.errors import GatewayError
from gateway.ports.clock import Clock
from gateway.realtime.step import Step, Terms


class Session(Protocol):
    """One conversation. No verb raises for what a client or a provider sends."""

    def opened(self, unsent: Sequence[bytes] = ()) -> Step:
        """The frames that a new socket of the provider begins with; the one before has not taken those `unsent`."""

    def from_client(self, data: bytes) -> Step:
        """Reads a client's event."""

    def from_provider(self, data: bytes) -> Step:
        """Reads a provider's frame."""

    def tick(self) -> Step:
        """Charges for time that has passed."""

    def refused(self, error: GatewayError) -> Step:
        """Tells the client of a refusal. A limit stops the response alone, everything else ends the session."""

    def provider_gone(self, code: int) -> Step:
        """Tells the client that the provider's socket has closed with this code, and ends the session."""

    def moved(self) -> None:
        """Forgets what the account that has served so far knows alone."""

    def left(self) -> Step:
        """The last charges, with nothing more to be sent."""

    def so_far(self) -> Spent | None:
        """The estimate of what has not been charged yet; it changes nothing."""

    @property
    def quiet(self) -> bool:
        """True between responses and utterances, when a hand-over loses nothing."""

    @property
    def responds(self) -> bool:
        """True while a response is on its way from the provider."""

    @property
    def exposure_nanousd(self) -> NanoUsd:
        """The most that the session may come to before its next charge: the first hold."""

    def state(self) -> bytes:
        """The state with which another process goes on; it holds what was said."""


Opener = Callable[[Terms, Clock, bytes | None], Session]

_OPENERS: Mapping[str, tuple[str, str]] = {
    "openai_realtime": ("passing", "PassingSession"),
    "gemini_live": ("gemini.session", "GeminiSession"),
}
WIRES = frozenset(_OPENERS)


def open_session(wire: str, terms: Terms, clock: Clock, state: bytes | None = None) -> Session:
    """A session with a provider of that wire, or the one of a `state` to be gone on with."""
    module, name = _OPENERS[wire]
    opener: Opener = getattr(import_module(f"gateway.realtime.{module}"), name)
    return opener(terms, clock, state)
