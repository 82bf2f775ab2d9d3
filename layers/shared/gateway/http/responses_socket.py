"""Asks for the responses of a socket: each is a request of `POST /v1/responses` that the family's own app serves.

So a response is admitted, held, failed over, settled and logged as over HTTP; what differs is who the caller is, which
the session's record tells, and that the last responses are kept in the session, for `previous_response_id`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any, NoReturn

import orjson
from msgspec import Struct

from gateway.auth.principal import Principal
from gateway.errors import GatewayError, InvalidRequest
from gateway.framing.json_edit import members
from gateway.framing.sse import SSEDecoder, sse_event
from gateway.http.exchange import Exchange
from gateway.http.request import JSON_TYPE, Request
from gateway.http.responses import CREATE, ResponsesRoutes
from gateway.http.route import counted_read
from gateway.http.routes import Route, Services
from gateway.http.streaming_app import StreamingApp
from gateway.pipeline.operation import InboundRequest
from gateway.ports.sockets import SocketRecord
from gateway.protocols.openai_responses import CLIENT
from gateway.protocols.shared.openai_errors import error_object
from gateway.sockets.line import Line
from gateway.sockets.responses import Asked, Refused, ResponsesConversation, Say, unpacked
from gateway.wiring.chat import chat
from gateway.wiring.process import process
from gateway.wiring.responses import in_session
from gateway.wiring.sockets import callers
from gateway.wiring.streaming import services

# The time of one response, as over HTTP.
RESPONSE_S = 900.0
# The path of a request that is read and kept, and not generated: no client's, since a socket has no paths.
WARM_UP = "/v1/responses/warm-up"
ONLY_HTTP = "Over a socket 'conversation' is not taken; go on by 'previous_response_id', or ask over HTTP."
UNTOLD = frozenset({"content-type", "content-length", "cache-control"})


class WarmUpRoute(Struct, frozen=True):
    """Reads a request as if it were to be answered, and gives an empty response to go on from; it costs nothing."""

    family: ResponsesRoutes
    methods: Sequence[str] = ("POST",)

    async def serve(self, exchange: Exchange, principal: Principal, services: Services) -> None:
        """Answers with the two events of a response without output."""
        request, operation = exchange.request, self.family.operation()
        exchange.wire = operation.wire
        body = await self.family.continued(principal.account_id, request.body)
        inbound = InboundRequest(principal, body, request.request_id, request.deadline_s, request.headers)
        context = services.pipeline.open(operation, inbound)
        await counted_read(exchange, principal, services)
        response = _empty(context.stamp.response_id, orjson.loads(members(body)["model"]), services.clock.now_s())
        created = {"type": "response.created", "sequence_number": 0, "response": response}
        ended = {"type": "response.completed", "sequence_number": 1}
        ended["response"] = response | {"status": "completed", "usage": _NO_USAGE}
        told = b"".join(sse_event(orjson.dumps(event)) for event in (created, ended))
        await exchange.start(200, operation.wire.stream_type, {})
        await exchange.write(told, more=False)


_NO_USAGE = {
    "input_tokens": 0,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 0,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 0,
}


def _empty(response_id: str, model: str, now_s: float) -> dict[str, Any]:
    return {
        "id": response_id,
        "object": "response",
        "created_at": int(now_s),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
    }


class SessionApp(StreamingApp):
    """The family's app for the caller of a session, who has shown the key in the handshake."""

    def __init__(self, family: ResponsesRoutes, record: SocketRecord) -> None:
        def route_at(path: str, query: Mapping[str, str]) -> Route:
            return WarmUpRoute(family) if path == WARM_UP else family(path, query)

        super().__init__(services, CLIENT, route_at)
        self._record = record

    async def caller(self, request: Request, services: Services) -> Principal:
        """The caller as the account stands now; a request of a socket carries no key."""
        del request
        looking = services.look()
        principal = await callers().principal(self._record.key_hash, self._record.source_ip)
        if looking is not None:
            await looking
        return principal


class SessionRespond:
    """Asks the app for the responses of one session."""

    def __init__(self, record: SocketRecord, turns: Sequence[tuple[str, bytes]]) -> None:
        self._record = record
        self._session = in_session(turns)
        family = ResponsesRoutes(
            partial(chat, CLIENT), lambda: self._session, _only_http, _only_http, _only_http, _only_http
        )
        self._app = SessionApp(family, record)

    async def __call__(self, asked: Asked, say: Say) -> Refused | None:
        answer = _Answer(say)
        body = [{"type": "http.request", "body": asked.body}]

        async def receive() -> MutableMapping[str, Any]:
            return body.pop()

        try:
            await self._app(self._scope(CREATE if asked.generates else WARM_UP), receive, answer.send)
        except GatewayError as error:
            # Its answer was begun, and is seen cut over HTTP.
            return Refused(error.status, {}, error_object(error))
        return answer.refused()

    def keep(self, response: bytes) -> None:
        """Keeps the response that was asked for last."""
        self._session.remember(response)

    def turns(self) -> Sequence[tuple[str, bytes]]:
        """The kept responses, the oldest first."""
        return self._session.turns

    def _scope(self, path: str) -> dict[str, Any]:
        deadline_ms = (process().clock.now_s() + RESPONSE_S) * 1000
        return {
            "type": "http",
            "method": "POST",
            "path": path,
            "query_string": b"",
            "headers": [(b"content-type", JSON_TYPE.encode())],
            "client": (self._record.source_ip, 0),
            "aws.context": _Context(deadline_ms),
            "aws.event": {"requestContext": {"requestId": str(uuid.uuid4())}},
        }


class _Context(Struct, frozen=True):
    """The part of an invocation that a request is read from."""

    deadline_ms: float


class _Answer:
    """The answer of the app: the events of a stream go on as they come, another one is read whole."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._status = 0
        self._headers: dict[str, str] = {}
        self._frames: SSEDecoder | None = None
        self._body = b""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Takes a message of ASGI; raises `OSError` where the client has gone."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            told = ((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message["headers"])
            self._headers = {name: value for name, value in told if name not in UNTOLD}
            self._frames = SSEDecoder() if self._status == 200 else None
        elif self._frames is None:
            self._body += message.get("body", b"")
        else:
            for frame in self._frames.feed(message.get("body", b"")):
                await self._say(frame.data)

    def refused(self) -> Refused | None:
        """The refusal, where there is one."""
        if self._frames is not None or not self._body:
            return None
        return Refused(self._status, self._headers, orjson.loads(self._body)["error"])


def _only_http(*_: object) -> NoReturn:
    raise InvalidRequest(ONLY_HTTP, param="conversation", code="unsupported_parameter")


def conversation(record: SocketRecord, line: Line, state: bytes | None) -> ResponsesConversation:
    """The conversation of a record, for the invocation that carries it."""
    left = unpacked(state)
    return ResponsesConversation(line, SessionRespond(record, left.turns), left.pending)
