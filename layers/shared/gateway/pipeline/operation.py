"""Defines an operation: the verbs of an endpoint that costs money. The pipeline runs it and knows no more of it.

The verbs stand in the order in which a request meets them: decode, plan, meter, fetch, recall, call, decode the answer
(whole or streamed), charge by the meter, encode for the caller. Errors are encoded by the operation's wire.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from msgspec import Struct, field

from gateway.auth.principal import Principal
from gateway.canonical.limits import TokenDemand
from gateway.canonical.money import NanoUsd, Tier, ToolCost
from gateway.canonical.usage import Usage, Uses
from gateway.errors import GatewayError, InvalidRequest
from gateway.ports.upstream import Credential, UpstreamRequest, UpstreamResponse

if TYPE_CHECKING:
    # The functions that close jobs meter nothing and load no codec for it.
    from gateway.cache.control import Control
    from gateway.cache.semantic import Wording
    from gateway.canonical.response import Extension, Stamp
    from gateway.canonical.wire import Wire
    from gateway.pipeline.stream import Relay
    from gateway.routing.plan import Candidate, Plan

NO_HEADERS: Mapping[str, str] = {}


class InboundRequest(Struct, frozen=True):
    """One request as a client sent it. Header names are lower-case; `deadline_s` is the function's (epoch seconds)."""

    principal: Principal
    body: bytes
    request_id: str
    deadline_s: float
    headers: Mapping[str, str] = field(default_factory=lambda: NO_HEADERS)


class OperationRequest(Protocol):
    """The members of a decoded request that the pipeline reads.

    `user` is the caller's own end user, and `echo` holds what the wire's answers repeat.
    """

    @property
    def model(self) -> str: ...

    @property
    def stream(self) -> bool: ...

    @property
    def user(self) -> str | None: ...

    @property
    def echo(self) -> Mapping[str, Any]: ...


class OpenOutput(Struct, frozen=True):
    """The steps in which an output of unbounded length is held for, ahead of what was delivered.

    Units are the operation's own (tokens of text). `first_units` are held at admission, `most_units` at the most. An
    output that cannot be `watched` as it comes (a whole answer, or hidden reasoning) is held for at once: for the most
    where the account has plenty, else for a share of what it has, which then bounds the output.
    """

    first_units: int
    most_units: int
    bytes_per_unit: int
    watched: bool = True


class Cost(Struct, frozen=True):
    """A price, and the terms by which it was computed. `tools` are the parts of it that were paid by use."""

    nanousd: NanoUsd
    tier: Tier
    price_version: str
    tools: tuple[ToolCost, ...] = ()


class Meter(Protocol):
    """One request's money: its worst case before anything is sent, its cost afterwards."""

    @property
    def open_output(self) -> OpenOutput | None:
        """The steps for an unbounded output, or nothing where its length is known."""

    def worst_case(self, open_units: int) -> NanoUsd:
        """The most that the request can cost on any candidate, with so many units of an open output."""

    def cost(self, served_by: Candidate[Any], usage: Usage) -> Cost:
        """The cost of the usage at the candidate that served."""

    @property
    def tokens(self) -> TokenDemand:
        """The tokens that the request may take on any candidate."""


class StreamMeter(Meter, Protocol):
    """The money of an answer that can be cut short."""

    def bounded(self, served_by: Candidate[Any], usage: Usage) -> Usage:
        """The part of a usage that the request can have caused at the candidate; its provider may report more."""

    def units_within(self, tokens: int) -> int:
        """The units of an open output that so many tokens carry beside the prompt; none is carried by 0 and less."""

    def limited(self, units: int) -> StreamMeter:
        """The money of the same request, of whose open output there are at most so many units."""

    def estimate(self, delivered_bytes: int, reported: Usage | None, seen: Uses = ()) -> Usage:
        """The probable usage of an answer that was cut short after so many bytes and these uses of tools."""

    def bytes_worth(self, served_by: Candidate[Any], nanousd: NanoUsd) -> int:
        """The number of delivered bytes that cost so much."""


class ProviderCall(Struct, frozen=True):
    """One request to a provider, and how its answer is read.

    `read` gives the body of an answer with one of the `accepted` statuses, and may raise what the provider says in its
    place. `decode_error` reads any other status.
    """

    request: UpstreamRequest
    read: Callable[[UpstreamResponse], Awaitable[bytes]]
    decode_error: Callable[[int, Mapping[str, str], bytes], GatewayError]
    accepted: tuple[int, ...] = (200,)


class Continuation(Struct, frozen=True):
    """The request for the rest of an answer that was cut, and the candidates that can go on with one."""

    request: Any
    takes: Callable[[Candidate[Any]], bool]


class Piece(Struct):
    """The caller's share of one frame of a provider's stream.

    `delivered_bytes` counts content alone. `usage` is the last known, and `uses` are the provider's own tools that it
    has shown to run so far. `error` is raised after what came before it.
    """

    data: bytes = b""
    delivered_bytes: int = 0
    usage: Usage | None = None
    uses: Uses = ()
    ended: bool = False
    error: GatewayError | None = None


A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)
R = TypeVar("R", bound=OperationRequest)
Q_contra = TypeVar("Q_contra", contravariant=True)
P = TypeVar("P", bound="Plan[Any]")


class Transcoder(Protocol[A_contra]):
    """Turns a provider's stream into the caller's, one attempt after the other."""

    def begin(self, candidate: Candidate[Any]) -> None:
        """Starts an attempt; nothing of an earlier one remains."""

    def feed(self, data: bytes) -> Iterable[Piece]:
        """The pieces that the bytes complete."""

    def flush(self) -> Iterable[Piece]:
        """The pieces that the end of the bytes completes; a cut stream is an error."""

    def replay(self, answer: A_contra) -> Iterable[Piece]:
        """A whole answer as the stream that it would have been."""

    def finish(self, extension: Extension) -> bytes:
        """The clean end."""

    def cut_short(self, extension: Extension) -> bytes:
        """The end where time or money has run out."""

    def fail(self, error: GatewayError) -> bytes:
        """The wire's error event."""

    def go_on(self, before: Usage) -> Continuation | None:
        """Has the next attempt go on with what was delivered, whose usage is `before`; nothing where none can."""

    def keep(self, account_id: str) -> Coroutine[Any, Any, None] | None:
        """Keeps what the next request needs; nothing where there is nothing to keep."""


class DeferredOperation(Protocol[Q_contra, P]):
    """One endpoint whose work outlives its request, as a job. `Q_contra` is its decoded request, `P` its plan.

    The job's order keeps what the engine later encodes for each candidate, and what success there costs.
    """

    def plan(self, principal: Principal, request: Q_contra) -> P:
        """The candidates that may serve; raises the refusal that names what does not fit."""

    def meter(self, request: Q_contra, plan: P) -> Meter: ...

    def order(self, request: Q_contra, plan: P) -> Mapping[str, Any]:
        """The order that the job keeps."""


class Cacheable(Protocol[A]):
    """The terms on which one request uses the cache of answers, and the forms in which its answers are kept."""

    @property
    def control(self) -> Control:
        """The caller's terms."""

    def name_for(self, model_id: str) -> str:
        """The name under which the model's answer is kept."""

    def transcoder(self, request: Any, stamp: Stamp) -> Transcoder[A]:
        """The operation's transcoder, which notes the stream besides."""

    def streamed(self, relay: Relay[A]) -> A | None:
        """The whole answer that a stream with such a transcoder came to."""

    def written(self, answer: A, served_by: Candidate[Any], delivered_bytes: int) -> bytes | None:
        """The answer as it is kept; `None` for one that may not be."""

    def read(self, content: bytes, candidates: Sequence[Candidate[Any]]) -> tuple[A, Candidate[Any]] | None:
        """The kept answer and the candidate that has made it; `None` where none of these has."""

    @property
    def wording(self) -> Wording | None:
        """The question, where other wordings of it may share its answer."""

    def usage_of(self, answer: A) -> Usage | None:
        """The usage of an answer, as its provider has reported it."""

    def text_of(self, answer: A) -> str:
        """The text of an answer, to be compared with another one's."""

    def priced(self, meter: Any) -> StreamMeter:
        """The request's meter at the price of a hit."""


class Operation(Protocol[R, A]):
    """One endpoint that costs money. `R` is its decoded request, `A` a provider's whole answer."""

    @property
    def wire(self) -> Wire:
        """The shape of the endpoint's answers, streams and errors."""

    def decode(self, inbound: InboundRequest) -> R:
        """Raises `InvalidRequest` that names the place of what is wrong."""

    def plan(self, principal: Principal, request: R) -> Plan[Any]:
        """The candidates that may serve; raises the refusal that names what does not fit."""

    def meter(self, request: R, plan: Plan[Any]) -> StreamMeter: ...

    def bounded(self, request: R, units: int) -> R:
        """The request for an output of at most so many units; only of one whose output was open."""

    def fetching(self, request: R) -> Callable[[InboundRequest, R], Awaitable[R]] | None:
        """The function that fetches the files that the request names, and completes it; nothing where it names none.

        It is awaited before the request is held for, which is then planned and metered anew.
        """

    def recall(
        self, account_id: str, request: R, candidate: Candidate[Any]
    ) -> Coroutine[Any, Any, Callable[[R, Candidate[Any]], R]] | None:
        """Looks up what completes the request, for this candidate and the later ones; nothing where nothing is."""

    def parts(self, request: R, candidate: Candidate[Any]) -> Sequence[R]:
        """The requests that one attempt at a candidate sends side by side, within its provider's limits."""

    def origin(self, candidate: Candidate[Any], credential: Credential) -> str:
        """The URL whose connection may be opened ahead of need."""

    def shares_quota(self, candidate: Candidate[Any]) -> bool:
        """True if the provider's limits of load are for all models of its account together."""

    def streams(self, request: R, candidate: Candidate[Any]) -> bool:
        """True if the candidate can stream its answer to the request; else it is asked for a whole one."""

    def call(
        self, request: R, candidate: Candidate[Any], credential: Credential, now_s: float, *, stream: bool
    ) -> ProviderCall:
        """Encodes one request for a candidate; raises `InvalidRequest` for what its provider cannot be asked."""

    def amended(self, request: R, refusal: InvalidRequest) -> R | None:
        """The request to try once more after a provider's refusal; nothing where the refusal stands."""

    def decode_answer(self, request: R, candidate: Candidate[Any], bodies: Sequence[bytes], answer_id: str) -> A:
        """The answers to `parts` as one; raises `UnreadableAnswer` for a body that is not what the wire promises.

        `answer_id` is unique to the answer: ids that its provider left out are made of it.
        """

    def measure(self, answer: A) -> tuple[Usage | None, int, Uses]:
        """The reported usage of an answer, how many bytes it delivers, and the uses of tools that it shows."""

    def keep(self, account_id: str, answer: A) -> Coroutine[Any, Any, None] | None:
        """Keeps what the next request needs; nothing where there is nothing to keep."""

    def encode_answer(self, request: R, answer: A, stamp: Stamp, extension: Extension) -> bytes: ...

    def caching(self, inbound: InboundRequest, request: R) -> Cacheable[A] | None:
        """The terms on which the request uses the cache of answers; raises what is wrong with what it asks of it."""

    def transcoder(self, request: R, stamp: Stamp) -> Transcoder[A]: ...
