"""Emulates a WebSocket API of API Gateway: its routes call functions or queues, and functions answer by `@connections`.

As on AWS, `$connect` decides before the upgrade, every message is handed to its integration as it comes, side by side
with those before it and after it, and a frame or message that is too large ends the connection with 1009.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-overview.html
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import logging
import secrets
import socket
import time
from binascii import b2a_base64
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from heapq import heappop, heappush
from http import HTTPStatus
from random import Random
from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

import orjson
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from local.asgi import Receive, Scope, Send, answer, body_of
from local.functions import EventTooLarge, Functions, Throttled
from local.invocation import FunctionFailed
from local.limits import Limits
from local.mapping_template import Message, Template
from local.queues import Queue, SessionQueues
from local.sqs_rules import Refused
from local.template import WebSocketApi
from local.websocket_client import Client

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"
NORMAL, GOING_AWAY = 1000, 1001
LOOK_EVERY_S = 1.0
NODE = secrets.token_bytes(5)
_FOR_URLS = bytes.maketrans(b"+/", b"-_")

log = logging.getLogger(__name__)


class Ids:
    """Ids as API Gateway gives them: 48 bits of time that only grows, and five bytes of the node, in base64."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        self._last = max(self._last + 1, time.time_ns() // 1000)
        written = b2a_base64(self._last.to_bytes(8, "big")[2:] + NODE, newline=False)
        return written.translate(_FOR_URLS).decode()


@dataclass(slots=True)
class Connection:
    """One client's connection. `at_ms` is when it was opened, `active_s` when something came or went last."""

    id: str
    stage: str
    at_ms: int
    source_ip: str
    subprotocol: str | None
    socket: Client
    active_s: float = field(default_factory=time.monotonic)
    # Where its messages go, once the first has.
    queue: Queue | None = None
    is_open: bool = False
    # True while it has sent more than its queue takes.
    is_ahead: bool = False
    is_ending: bool = False


class WebSocketGateway:
    """The WebSocket API of one stack."""

    def __init__(
        self,
        api: WebSocketApi,
        functions: Functions,
        queues: SessionQueues,
        limits: Limits,
        random: Random | None = None,
    ) -> None:
        self._api = api
        # Of the routes that have no function.
        self._templates = {name: Template(route.template) for name, route in api.routes.items() if route.template}
        self._functions = functions
        self._queues = queues
        self._limits = limits
        self._random = random or Random()
        self._ids = Ids()
        self._connections: dict[str, Connection] = {}
        # Messages on their way to an integration, by the time at which they come there.
        self._under_way: list[tuple[float, int, str, Message, Connection]] = []
        self._numbers = itertools.count()
        self._hands_on: asyncio.TimerHandle | None = None
        self._is_behind = False
        self._now_s = asyncio.get_running_loop().time
        queues.arrive = self._arrive
        # Those whose handshakes are accepted, until they serve.
        self._shaken: dict[UUID, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: Server | None = None

    async def start(self, listener: socket.socket) -> None:
        self._server = await serve(
            self._serve,
            sock=listener,
            process_request=self._connect,
            select_subprotocol=self._chosen,
            compression=None,
            max_size=(self._limits.message_bytes, self._limits.frame_bytes),
            create_connection=Client,
            # A handshake waits for a free environment, as every request does here, and then for its function.
            open_timeout=self._limits.queue_s + self._limits.integration_timeout_s,
            ping_interval=None,
            server_header=None,
            logger=logging.getLogger("local.websockets"),
        )
        self._background(self._end_old())

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def post(self, connection_id: str, data: bytes) -> bool:
        """Sends a message to a client; false where the connection is not there."""
        found = self._connections.get(connection_id)
        if found is None or not found.is_open:
            return False
        found.active_s = time.monotonic()
        # Raises for what is no text.
        data.decode()
        try:
            return await found.socket.put(list(_frames(data, self._limits.frame_bytes)))
        except OSError:
            return False

    async def delete(self, connection_id: str) -> bool:
        """Closes a connection: API Gateway gives the client 1000, with no reason."""
        found = self._connections.get(connection_id)
        if found is None or not found.is_open:
            return False
        self._background(found.socket.close(NORMAL))
        return True

    def told_of(self, connection_id: str) -> bytes | None:
        """Describes a connection as API Gateway does; `None` where it is not there."""
        found = self._connections.get(connection_id)
        if found is None or not found.is_open:
            return None
        idle_s = time.monotonic() - found.active_s
        at = (found.at_ms / 1000, time.time() - idle_s)
        connected, active = (datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds") for at_s in at)
        headers = Headers() if found.socket.request is None else found.socket.request.headers
        identity = {"sourceIp": found.source_ip, "userAgent": headers.get("User-Agent", "")}
        return orjson.dumps({"connectedAt": connected, "identity": identity, "lastActiveAt": active})

    async def _connect(self, client: ServerConnection, request: Request) -> Response | None:
        """Has `$connect` judge a handshake; a response refuses it."""
        address = urlsplit(request.path)
        # CloudFront's function takes the version off the path (docs/adr/0054-realtime-mechanism.md).
        stage = unquote(address.path).removeprefix("/v1").strip("/")
        if stage not in self._api.stages:
            return _refusal(403, {"message": "Forbidden"})
        peer = client.remote_address
        connection = Connection(
            self._ids.new(),
            stage,
            time.time_ns() // 1_000_000,
            peer[0] if peer else "127.0.0.1",
            None,
            cast("Client", client),
        )
        event = self._connect_event(connection, request.headers, address.query)
        try:
            told = orjson.loads(await self._functions.invoke(self._api.routes[CONNECT].function, orjson.dumps(event)))
        except (FunctionFailed, Throttled, EventTooLarge) as error:
            log.warning("%s failed: %r", CONNECT, error)
            return _refusal(502, {"message": "Internal server error", "connectionId": connection.id})
        status, headers = int(told["statusCode"]), told.get("headers") or {}
        if not 200 <= status < 300:
            return _response(status, headers, (told.get("body") or "").encode())
        connection.subprotocol = next((v for k, v in headers.items() if k.lower() == "sec-websocket-protocol"), None)
        self._shaken[client.id] = connection
        self._connections[connection.id] = connection
        return None

    def _chosen(self, client: ServerConnection, _offered: object) -> Subprotocol | None:
        """The subprotocol that `$connect` has answered, or none."""
        chosen = self._shaken[client.id].subprotocol
        return None if chosen is None else Subprotocol(chosen)

    async def _serve(self, client: ServerConnection) -> None:
        connection = self._shaken.pop(client.id)
        connection.is_open = True
        connection.active_s = time.monotonic()
        connection.socket.begin(partial(self._hear, connection))
        try:
            await client.wait_closed()
        finally:
            connection.is_open = False
            del self._connections[connection.id]
            self._deliver(DISCONNECT, Message(self._context(connection, "DISCONNECT"), ""), connection)

    def _hear(self, connection: Connection, data: bytes, is_text: bool) -> None:
        """Takes a message of a client; raises UnicodeDecodeError."""
        connection.active_s = time.monotonic()
        context = self._context(connection, "MESSAGE")
        context["messageId"] = self._ids.new()
        body = data.decode() if is_text else base64.b64encode(data).decode()
        self._deliver(DEFAULT, Message(context, body), connection)
        queue = connection.queue
        if queue is not None and queue.is_full and not connection.is_ahead:
            connection.is_ahead = True
            self._background(self._room(queue, connection))

    async def _room(self, queue: Queue, connection: Connection) -> None:
        """Waits for room in a queue, and meanwhile reads nothing of its client, which TCP stops; or for its end."""
        client = connection.socket
        client.transport.pause_reading()
        waits = {asyncio.ensure_future(queue.room()), asyncio.ensure_future(client.wait_closed())}
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        connection.is_ahead = False
        client.transport.resume_reading()

    def _deliver(self, route: str, message: Message, connection: Connection) -> None:
        """Hands a message to its integration, after the little time that calls take, each another one."""
        at_s = self._now_s() + self._random.random() * self._limits.delivery_s
        heappush(self._under_way, (at_s, next(self._numbers), route, message, connection))
        if self._hands_on is None:
            self._hands_on = asyncio.get_running_loop().call_at(at_s + self._limits.delivery_s / 4, self._hand_on)

    def _hand_on(self) -> None:
        self._is_behind = bool(self._under_way) and self._now_s() - self._under_way[0][0] > 3 * self._limits.delivery_s
        self._arrive()
        at_s = self._under_way[0][0] + self._limits.delivery_s / 4 if self._under_way else None
        self._hands_on = None if at_s is None else asyncio.get_running_loop().call_at(at_s, self._hand_on)

    def _arrive(self) -> None:
        """Hands on what is due. Readers of the queues have it done too: on a loaded machine the timer comes late.

        Else they would find a message and, for as long as the machine stands still, not the one before it. So what is
        on its way comes at once while the machine is behind.
        """
        now_s = self._now_s() + (self._limits.delivery_s if self._is_behind else 0)
        while self._under_way and self._under_way[0][0] <= now_s:
            _, _, route, message, connection = heappop(self._under_way)
            try:
                connection.queue = self._queues.send_form(self._templates[route].form(message))
            except Refused as refused:
                log.warning("a message was lost: %s", refused)

    async def _end_old(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_s, now_ms = time.monotonic(), time.time_ns() // 1_000_000
            for each in list(self._connections.values()):
                is_old = now_ms - each.at_ms > self._limits.connection_s * 1000
                if (
                    each.is_open
                    and not each.is_ending
                    and (is_old or now_s - each.active_s > self._limits.idle_socket_s)
                ):
                    each.is_ending = True
                    self._background(each.socket.close(GOING_AWAY, "Going away"))

    def _context(self, connection: Connection, kind: str) -> dict[str, str]:
        return {
            "eventType": kind,
            "connectionId": connection.id,
            "stage": connection.stage,
            "requestTimeEpoch": str(time.time_ns() // 1_000_000),
            "connectedAt": str(connection.at_ms),
            "requestId": self._ids.new(),
        }

    def _connect_event(self, connection: Connection, headers: Headers, query: str) -> dict[str, Any]:
        pairs = list(headers.raw_items())
        asked = parse_qsl(query, keep_blank_values=True)
        told: dict[str, Any] = {**self._context(connection, "CONNECT")}
        told |= {
            "routeKey": CONNECT,
            "messageDirection": "IN",
            "apiId": "local",
            "domainName": "localhost",
            "connectedAt": connection.at_ms,
            "requestTimeEpoch": int(told["requestTimeEpoch"]),
            "identity": {"sourceIp": connection.source_ip, "userAgent": headers.get("User-Agent", "")},
        }
        event = {"headers": dict(pairs), "multiValueHeaders": _many(pairs), "requestContext": told}
        if asked:
            event |= {"queryStringParameters": dict(asked), "multiValueQueryStringParameters": _many(asked)}
        return {**event, "isBase64Encoded": False}

    def _background(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class ManagementApi:
    """An ASGI app that answers `@connections`, below a private path.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-how-to-call-websocket-api-connections.html
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        # The functions are told this address before the API is there.
        self.gateway: WebSocketGateway | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await body_of(receive)
        is_below = secrets.compare_digest(scope["path"][: len(self._prefix)].encode(), self._prefix.encode())
        stage, _, connection_id = scope["path"].removeprefix(self._prefix).strip("/").partition("/@connections/")
        if not is_below or not stage or self.gateway is None:
            await answer(send, 403, b'{"message": "Forbidden"}', "ForbiddenException")
            return
        content = b""
        if len(body) > 128 * 1024:
            await answer(send, 413, b'{"message": "Payload too large"}', "PayloadTooLargeException")
            return
        if scope["method"] == "GET":
            told = self.gateway.told_of(connection_id)
            is_there, status = told is not None, 200
            content = told or b""
        elif scope["method"] == "POST":
            is_there, status = await self.gateway.post(connection_id, body), 200
        elif scope["method"] == "DELETE":
            is_there, status = await self.gateway.delete(connection_id), 204
        else:
            raise NotImplementedError(scope["method"])
        if is_there:
            await answer(send, status, content)
        else:
            await answer(send, 410, b'{"message": "Gone"}', "GoneException")


def _frames(text: bytes, most: int) -> Iterator[bytes]:
    """The text in frames of so many bytes at most."""
    for at in range(0, max(len(text), 1), most):
        yield text[at : at + most]


def _many(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _refusal(status: int, document: Mapping[str, str]) -> Response:
    return _response(status, {"Content-Type": "application/json"}, orjson.dumps(document))


def _response(status: int, headers: Mapping[str, Any], body: bytes) -> Response:
    told = Headers([(name, str(value)) for name, value in headers.items() if name.lower() != "content-length"])
    told["Content-Length"] = str(len(body))
    told["Connection"] = "close"
    return Response(status, HTTPStatus(status).phrase, told, body)
