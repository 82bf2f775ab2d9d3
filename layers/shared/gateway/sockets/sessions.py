"""Makes the session with a candidate, at the handshake for its price, and in each run to be carried."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from gateway.canonical.audio import AudioModel
from gateway.canonical.realtime import CONVERSATION, RealtimeModel, Spent, Transcriber
from gateway.operations.input_meter import tier_of
from gateway.ports.clock import Clock
from gateway.providers.realtime.registry import REALTIME
from gateway.realtime.session import Session, open_session
from gateway.realtime.step import Terms
from gateway.routing.plan import Candidate

RealtimeCandidate = Candidate[RealtimeModel]


class Kept(Struct, frozen=True):
    """State for the next run: the candidate that serves, with its credential and wire, and the session's own state.

    `unsent` are frames that a broken socket of the provider has not taken.

    A `session` that has not begun is empty.
    """

    candidate: str
    session: bytes
    beside: list[Spent] = []
    wire: str = ""
    credential: str = ""
    unsent: list[bytes] = []


def terms_of(session_id: str, candidate: RealtimeCandidate, transcribers: Mapping[str, Transcriber]) -> Terms:
    """The terms on which a session with a candidate is opened."""
    return Terms(session_id, candidate, tier_of(candidate), transcribers)


def session_of(candidate: RealtimeCandidate, terms: Terms, clock: Clock, state: bytes | None = None) -> Session:
    """The session with a candidate, or the one of a state."""
    return open_session(wire_of(candidate), terms, clock, state)


def update_of(settings: bytes) -> bytes:
    """The client's event that sets a session to these settings, an object of JSON."""
    return b'{"type":"session.update","session":' + settings + b"}"


def wire_of(candidate: RealtimeCandidate) -> str:
    """The wire that the candidate's provider speaks."""
    return REALTIME[candidate.target.provider].wire


def carries(candidate: RealtimeCandidate) -> bool:
    """True where the candidate's provider has sessions with its model, or has some that only transcribe."""
    row = REALTIME.get(candidate.target.provider)
    return row is not None and (candidate.model.does == CONVERSATION or bool(row.transcription))


def transcribes_alone(model: RealtimeModel | AudioModel) -> bool:
    """True for a model that a session may have which only transcribes."""
    rows = (REALTIME.get(target.provider) for target in model.targets)
    return any(row is not None and row.transcription for row in rows)


# Makes the session with a candidate, or goes on with one of that state.
Sessions = Callable[[RealtimeCandidate, bytes | None], Session]
