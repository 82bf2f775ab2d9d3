"""The ASGI side of the streaming doors: route, key, error -> wire body, SSE with keep-alive. No framework.

Every answer leaves through `Visit`, so every answer bears the contract's headers, every failure its wire's own shape,
and every request one log line that holds no prompt, no answer and no key.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl

import orjson

from gateway.auth.principal import Principal, admit_key, key_hash, key_in
from gateway.canonical.codec import ClientCodec
from gateway.canonical.request import ChatRequest
from gateway.errors import GatewayError, MethodNotAllowed, NotFound
from gateway.idempotency import Answer, Attempt, Idempotency, KeyedRequest, Recording, disown_hold, keyed_request
from gateway.pipeline import Call, Corridor, Ticket
from gateway.ports import Clock, Keys, Money, Sink

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON_TYPE = "application/json"
BETAS = "anthropic-beta"
# Ours, and where OpenAI's and Anthropic's SDKs look for the same.
ID_HEADERS = ("X-Trace-ID", "x-request-id", "request-id")
UNFORESEEN = "The gateway failed while serving the request."
RETRY_LATER = frozenset({429, 503})
# What a follower leaves of its invocation's time.
FOLLOW_MARGIN_S = 10.0


class Services(Protocol):
    """What a door needs of the composition. `commit_s` as in `EventStream`."""

    @property
    def clock(self) -> Clock: ...

    @property
    def keys(self) -> Keys: ...

    @property
    def corridor(self) -> Corridor: ...

    @property
    def money(self) -> Money: ...

    @property
    def idempotency(self) -> Idempotency: ...

    @property
    def commit_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, whole. Header names are lower-case; `request_id` is API Gateway's, `deadline_s` Lambda's."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    source_ip: str
    request_id: str
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Counting:
    """What a path does that counts a prompt without answering it: how the request is read and the count told."""

    wire: ClientCodec
    decode: Callable[[bytes], ChatRequest]
    encode: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a path does that generates nothing, by method: the body of its answer."""

    methods: Mapping[str, Callable[[Principal, Request], Awaitable[bytes]]]


@dataclass(frozen=True, slots=True)
class Tail:
    """What a path does that goes on with a stream begun before: its events, by GET."""

    follow: Callable[[Principal, Request], AsyncIterator[bytes]]


class Background(Protocol):
    """A request that is to run on without its caller: what is run, until when, and how it stands."""

    @property
    def body(self) -> bytes: ...

    @property
    def streams(self) -> bool: ...

    @property
    def deadline_s(self) -> float: ...

    async def begin(self, ticket: Ticket, key_hash: str) -> bytes:
        """Admits the request and has it run; the response as it stands."""

    def follow(self, ticket: Ticket) -> AsyncIterator[bytes]:
        """Its events, as they come."""


class Turns(Protocol):
    """Where whole turns are kept for the next one to go on from."""

    async def continued(self, account_id: str, body: bytes) -> bytes:
        """The request with the turns before it, where it names one."""

    async def keep(self, account_id: str, response_id: str, body: bytes, response: bytes) -> bool:
        """Keeps the answer that the caller gets; whether that could be done."""

    async def keep_end(self, account_id: str, response_id: str, body: bytes, ending: bytes) -> None:
        """Keeps the answer that a stream's last bytes hold."""


# What a path and its query lead to; raises `NotFound`.
Leads = ClientCodec | Counting | Lookup | Tail
RouteAt = Callable[[str, Mapping[str, str]], Leads]


def only(routes: Mapping[str, Leads]) -> RouteAt:
    """Fixed paths."""

    def route_at(path: str, _: Mapping[str, str]) -> Leads:
        if path not in routes:
            raise NotFound(f"Unknown path: {path}.", code="unknown_url")
        return routes[path]

    return route_at


class Door:
    """The ASGI app of one chat family: what its paths lead to, and the wire that errors outside of them speak.

    `key_in_query` lets `?key=` carry the key, as Gemini's clients do. `turns` keeps what is to be gone on from,
    `background` says of a body whether it asks to run in the background.
    """

    def __init__(
        self,
        services: Callable[[], Services],
        house_wire: ClientCodec,
        route_at: RouteAt,
        *,
        key_in_query: bool = False,
        turns: Callable[[], Turns] | None = None,
        background: Callable[[bytes], Background | None] = lambda _: None,
    ) -> None:
        self._services = services
        self._house_wire = house_wire
        self._route_at = route_at
        self._key_in_query = key_in_query
        self._turns = turns
        self._background = background

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One HTTP request."""
        if scope["type"] != "http":
            raise NotImplementedError(f"this door has no {scope['type']}")
        request = await read(scope, receive)
        visit = Visit(request, self._house_wire, send)
        try:
            await self._serve(visit)
        except GatewayError as error:
            await visit.refuse(error)
        finally:
            visit.log()

    async def _serve(self, visit: Visit) -> None:
        """Whatever goes wrong leaves as a `GatewayError`, what nobody foresaw as its cause."""
        try:
            await self._route(visit)
        except GatewayError:
            raise
        except Exception as unforeseen:
            raise GatewayError(UNFORESEEN) from unforeseen

    async def _route(self, visit: Visit) -> None:
        request, services = visit.request, self._services()
        visit.begin(services.clock)
        found = self._route_at(request.path, request.query)
        methods = _methods(found)
        if request.method not in methods:
            allowed = sorted(methods)
            message = f"{request.path} takes {', '.join(allowed)}, not {request.method}."
            raise MethodNotAllowed(message, allowed=allowed)
        principal = await authenticate(request, services, allow_query=self._key_in_query)
        match found:
            case Lookup(answers):
                await visit.reply(200, await answers[request.method](principal, request))
            case Counting(_, decode, encode):
                tokens = await services.corridor.count(principal, decode(request.body))
                await visit.reply(200, encode(tokens))
            case Tail(follow):
                async with EventStream(visit, services.commit_s) as stream:
                    await _follow(follow(principal, request), stream, request.deadline_s, services.clock)
                if not visit.status:
                    await visit.reply(200, b"", {"Content-Type": visit.codec.stream_type, "Cache-Control": "no-cache"})
            case _:
                visit.codec = found
                await self._generate(visit, services, principal)

    async def _generate(self, visit: Visit, services: Services, principal: Principal) -> None:
        request = visit.request
        betas = tuple(filter(None, map(str.strip, request.headers.get(BETAS, "").split(","))))
        turns = None if self._turns is None else self._turns()
        body = request.body if turns is None else await turns.continued(principal.account_id, request.body)
        behind = self._background(body)
        if behind is not None:
            call = Call(principal, visit.codec, behind.body, request.request_id, behind.deadline_s, betas)
        else:
            call = Call(principal, visit.codec, body, request.request_id, request.deadline_s, betas)
        visit.ticket = ticket = services.corridor.open(call)
        keyed = _keyed(request, principal)
        # OpenAI stores what it is not told to forget.
        kept = turns if ticket.request.echo.get("store", True) else None
        if behind is not None:
            produce = partial(self._begin, keyed, behind)
        elif ticket.request.stream:
            produce = partial(self._stream, keyed, kept)
        else:
            produce = partial(self._whole, kept)
        answer = await services.idempotency.run(
            keyed,
            Attempt(
                attempt_id=ticket.hold_id,
                deadline_s=services.corridor.over_by_s(ticket),
                produce=partial(produce, visit, ticket, services),
                disown=partial(disown_hold, services.money, services.clock, principal.account_id),
            ),
        )
        if not visit.status:
            await visit.reply(answer.status, answer.body, answer.headers)

    async def _whole(self, kept: Turns | None, visit: Visit, ticket: Ticket, services: Services) -> Answer:
        await services.corridor.admit(ticket)
        body = await services.corridor.answer(ticket)
        if kept is not None:
            await kept.keep(ticket.account_id, ticket.stamp.response_id, ticket.call.body, body)
        return Answer(200, {"Content-Type": JSON_TYPE, **visit.told()}, body)

    async def _stream(
        self, keyed: KeyedRequest | None, kept: Turns | None, visit: Visit, ticket: Ticket, services: Services
    ) -> Answer:
        """Recorded only for a key: other streams are not held in memory."""
        if kept is not None:
            ticket.before_end = partial(kept.keep_end, ticket.account_id, ticket.stamp.response_id, ticket.call.body)
        await services.corridor.admit(ticket)
        async with EventStream(visit, services.commit_s) as stream:
            recording = Recording(stream)
            await services.corridor.stream(ticket, recording if keyed else stream)
        headers = {"Content-Type": visit.codec.stream_type, "Cache-Control": "no-cache", **visit.told()}
        return Answer(ticket.outcome_status, headers, recording.body)

    async def _begin(
        self, keyed: KeyedRequest | None, behind: Background, visit: Visit, ticket: Ticket, services: Services
    ) -> Answer:
        """What runs on without its caller, who is told how it stands, or follows it while it wants to."""
        request = visit.request
        key = key_in(request.headers, request.query, allow_query=self._key_in_query)
        response = await behind.begin(ticket, key_hash(key))
        if not behind.streams:
            return Answer(200, {"Content-Type": JSON_TYPE, **visit.told()}, response)
        async with EventStream(visit, services.commit_s) as stream:
            recording = Recording(stream)
            sink = recording if keyed else stream
            try:
                await _follow(behind.follow(ticket), sink, request.deadline_s, services.clock)
            except GatewayError as error:
                # It runs on, and the rest of its events can be asked for: a retry must not begin it once more.
                ticket.error = error
        headers = {"Content-Type": visit.codec.stream_type, "Cache-Control": "no-cache", **visit.told()}
        return Answer(200, headers, recording.body)


async def _follow(events: AsyncIterator[bytes], sink: Sink, deadline_s: float, clock: Clock) -> None:
    """Passes events on for as long as this invocation may run; whoever wants more goes on from the last one."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(deadline_s - clock.now_s() - FOLLOW_MARGIN_S):
            async for more in events:
                await sink.write(more)


def _methods(found: Leads) -> Collection[str]:
    match found:
        case Lookup(answers):
            return answers.keys()
        case Tail():
            return ("GET",)
        case _:
            return ("POST",)


def _keyed(request: Request, principal: Principal) -> KeyedRequest | None:
    return keyed_request(
        request.headers.get("idempotency-key"),
        principal.account_id,
        request.method,
        request.path,
        request.headers.get("content-type", JSON_TYPE),
        request.body,
    )


async def authenticate(request: Request, services: Services, *, allow_query: bool = False) -> Principal:
    """Who is asking; raises the refusal."""
    key = key_in(request.headers, request.query, allow_query=allow_query)
    record = await services.keys.find(key_hash(key))
    return admit_key(record, request.source_ip, services.clock.now_s())


class Visit:
    """One request and the one answer it gets."""

    def __init__(self, request: Request, codec: ClientCodec, send: Send) -> None:
        self.request = request
        self.codec = codec
        self.ticket: Ticket | None = None
        self.status = 0
        self._send = send
        self._error: GatewayError | None = None
        self._clock: Clock | None = None
        self._began_s = 0.0

    def begin(self, clock: Clock) -> None:
        """Starts the clock that the log line reads."""
        self._clock, self._began_s = clock, clock.monotonic_s()

    async def start(self, status: int, content_type: str, extra: Mapping[str, str]) -> None:
        """Status and headers; at most once."""
        self.status = status
        headers = {"Content-Type": content_type, **dict.fromkeys(ID_HEADERS, self.request.request_id)}
        if self.ticket is not None:
            headers |= self.ticket.standing_headers()
        headers |= extra
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})

    async def write(self, data: bytes, *, more: bool) -> None:
        """Body bytes, on their way at once."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def reply(self, status: int, body: bytes, extra: Mapping[str, str] | None = None) -> None:
        """A whole JSON answer."""
        await self.start(status, JSON_TYPE, {"Content-Length": str(len(body)), **self.told(), **(extra or {})})
        await self.write(body, more=False)

    def told(self) -> dict[str, str]:
        """All that is known of the request by now, as headers."""
        return {} if self.ticket is None else {**self.ticket.standing_headers(), **self.ticket.headers()}

    async def refuse(self, error: GatewayError) -> None:
        """The error in the wire's shape; raises it where a status was sent already, so that the answer is seen cut."""
        self._error = error
        if self.status:
            raise error
        extra = {}
        if error.status in RETRY_LATER or error.retry_after_s is not None:
            extra["Retry-After"] = str(max(1, error.retry_after_s or 1))
        if error.should_retry is not None:
            extra["x-should-retry"] = str(error.should_retry).lower()
        if isinstance(error, MethodNotAllowed):
            extra["Allow"] = ", ".join(error.allowed)
        await self.reply(error.status, self.codec.encode_error(error, self.request.request_id), extra)

    def log(self) -> None:
        """The request's one line, JSON on stdout; tracebacks of what nobody foresaw are in it, for the operator."""
        line: dict[str, Any] = {
            "event": "request",
            "request_id": self.request.request_id,
            "method": self.request.method,
            "path": self.request.path,
            "status": self.status,
        }
        if self._clock is not None:
            line["latency_ms"] = round((self._clock.monotonic_s() - self._began_s) * 1000, 1)
        if self.ticket is not None:
            line |= self.ticket.log_fields()
        error = self._error or (self.ticket.error if self.ticket is not None else None)
        if error is not None:
            line |= {"error_status": error.status, "error_code": error.code}
        if error is not None and error.__cause__ is not None:
            line["cause"] = "".join(traceback.format_exception(error.__cause__))
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()


@dataclass(slots=True)
class EventStream:
    """The sink of one stream: its status is committed by the first bytes, or by `pause_s` of silence.

    From then on every `pause_s` of silence is filled with what the wire has for it, a comment as a rule. Only whole
    events are written, so a comment never falls inside one.
    """

    visit: Visit
    pause_s: float
    committed: bool = False
    _headers: Mapping[str, str] = field(default_factory=dict)
    _last_s: float = 0.0
    _ticker: asyncio.Task[None] | None = None
    _flowing: bool = False
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def __aenter__(self) -> Self:
        self._last_s = asyncio.get_running_loop().time()
        if self.visit.codec.keep_alive:
            self._ticker = asyncio.create_task(self._fill_silence())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        if self.committed and error is None:
            await self.visit.write(b"", more=False)

    def announce(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    async def write(self, data: bytes) -> None:
        """Whole events, on their way at once."""
        self._last_s = asyncio.get_running_loop().time()
        if self._flowing:
            await self.visit.write(data, more=True)
            return
        async with self._opening:
            if not self.committed:
                self.committed = True
                stream_type = self.visit.codec.stream_type
                await self.visit.start(200, stream_type, {"Cache-Control": "no-cache", **self._headers})
            await self.visit.write(data, more=True)
            self._flowing = True

    async def _fill_silence(self) -> None:
        """One sleeper for the whole stream, woken when the silence could be long enough, not at every chunk."""
        loop = asyncio.get_running_loop()
        while True:
            left_s = self._last_s + self.pause_s - loop.time()
            if left_s > 0:
                await asyncio.sleep(left_s)
            else:
                await self.write(self.visit.codec.keep_alive)


async def read(scope: Scope, receive: Receive) -> Request:
    """The whole request; the platform has bounded its size already."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    context = scope["aws.context"]
    return Request(
        method=scope["method"],
        path=scope["path"],
        headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
        query=dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)),
        body=b"".join(parts),
        source_ip=scope["client"][0] if scope.get("client") else "",
        request_id=request_id(scope),
        deadline_s=context.deadline_ms / 1000,
    )


def request_id(scope: Scope) -> str:
    """API Gateway's id of the request, which its access log has too."""
    found: str = scope["aws.event"]["requestContext"]["requestId"]
    return found
