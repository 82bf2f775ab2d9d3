"""Defines what one event or frame leads to, and what a session is opened with."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from gateway.canonical.money import NanoUsd, Tier
from gateway.canonical.realtime import RealtimeModel, Spent, Transcriber
from gateway.routing.plan import Candidate

# https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
NORMAL, POLICY_VIOLATION, INTERNAL_ERROR = 1000, 1008, 1011
# Codes of a socket whose session may go on over another one: it went away, broke, or failed inside.
MOVED = frozenset({NORMAL, 1001, 1006, INTERNAL_ERROR, 1012, 1013})
# Sockets that are opened one after another without a response between them.
RECONNECTS_MAX = 3
GONE = "The provider ended the session."


class Close(Struct, frozen=True):
    """The end of a session, with WebSocket's code, after the events of its step have left."""

    code: int
    reason: str = ""


class Step(Struct):
    """Everything that one event or frame leads to, in order: text frames to either side, what is to be charged, an end.

    `ask_nanousd` is what has to be held from now on; without the hold the caller is `refused`. `responses` counts those
    that have begun, for the caller's limits: asked for, or by the provider where the caller has stopped to speak. With
    `reconnect` the provider's socket is to be closed, another one opened in its place, and `opened` called.
    """

    to_provider: list[bytes] = field(default_factory=list)
    to_client: list[bytes] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)
    ask_nanousd: NanoUsd | None = None
    responses: int = 0
    reconnect: bool = False
    close: Close | None = None


class Terms(Struct, frozen=True):
    """Holds what opens a session, in every process that goes on with it.

    `session_id` makes the ids of events that the gateway writes. `transcribers` are the models that may write down what
    the caller says, by each name that the caller may use for them.
    """

    session_id: str
    candidate: Candidate[RealtimeModel]
    tier: Tier
    transcribers: Mapping[str, Transcriber] = field(default_factory=dict)

    @property
    def own_names(self) -> frozenset[str]:
        """The names by which its client may know the session's model."""
        candidate = self.candidate
        return frozenset({candidate.name.requested, candidate.model.id, candidate.target.upstream_model})
