"""Serves Lambda's Runtime API to one execution environment, as many events at a time as it asks for.

Written on h11 because an error after the first byte arrives in trailers, which few HTTP servers show.
Source: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html and runtimes-custom.html; the error shapes are those
of the open-source emulator, github.com/aws/aws-lambda-runtime-interface-emulator (internal/lambda/rapi/rendering).
"""

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import h11
import orjson

from local.invocation import ClientLeft, FunctionFailed, Invocation
from local.limits import Limits
from local.private_path import BROWSER_HEADERS

READ_BYTES = 64 * 1024
ERROR_BODY_BYTES = 1024 * 1024
ERROR_TYPE_HEADER = b"lambda-runtime-function-error-type"
ERROR_BODY_HEADER = b"lambda-runtime-function-error-body"
MODE_HEADER = b"lambda-runtime-function-response-mode"
PATHS = re.compile(
    r"/2018-06-01/runtime/(?P<what>invocation/next|init/error|restore/next|restore/error"
    r"|invocation/(?P<id>[^/]+)/(?P<outcome>response|error))"
)
# h11 gives header names in lower case.
FROM_A_PAGE = frozenset(name.lower().encode() for name in BROWSER_HEADERS)
# Where a restored function asks for its role's credentials: those of its snapshot may have expired. On Lambda the path
# is Lambda's own, and the function is told of it in AWS_CONTAINER_CREDENTIALS_FULL_URI.
CREDENTIALS = "/2021-04-23/credentials"
CREDENTIALS_LAST_S = 3600
ACCEPTED = (202, orjson.dumps({"status": "OK"}) + b"\n")


def credentials(access_key_id: str) -> bytes:
    """Builds the answer of the container credentials' endpoint.

    Source: docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
    """
    until = datetime.fromtimestamp(time.time() + CREDENTIALS_LAST_S, UTC).isoformat()
    keys = {"AccessKeyId": access_key_id, "SecretAccessKey": "local", "Token": "local", "Expiration": until}
    return orjson.dumps(keys)


def _refusal(status: int, error_type: str, message: str) -> tuple[int, bytes]:
    return status, orjson.dumps({"errorMessage": message, "errorType": error_type}) + b"\n"


UNKNOWN_ID = _refusal(400, "InvalidRequestID", "Invalid request ID")
WRONG_STATE = _refusal(403, "InvalidStateTransition", "State transition failed: this invocation has its answer.")
FORBIDDEN = _refusal(403, "Forbidden", "Pages in a browser are not answered here.")
CLIENT_LEFT = _refusal(403, "InvalidStateTransition", "State transition failed: the client has left.")
NOT_FOUND = _refusal(404, "NotFound", "No such Runtime API path.")


class _Exchange:
    """One HTTP/1.1 connection of the runtime. Bodies are read as they arrive."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=2 * ERROR_BODY_BYTES)
        self.headers: dict[bytes, bytes] = {}
        self._over = False

    async def next_request(self) -> h11.Request | None:
        """Reads the next request, or None once the runtime has closed. Raises h11.RemoteProtocolError."""
        if self._over:
            return None
        if self._http.states == {h11.CLIENT: h11.DONE, h11.SERVER: h11.DONE}:
            self._http.start_next_cycle()
        event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        self.headers = {bytes(name): bytes(value) for name, value in event.headers}
        return event

    async def body(self, take: Callable[[bytes], Awaitable[None]]) -> dict[bytes, bytes]:
        """Hands each piece of the request's body to `take`, returns the trailers.

        Raises h11.RemoteProtocolError if cut.
        """
        while True:
            event = await self._event()
            if isinstance(event, h11.Data):
                await take(bytes(event.data))
            elif isinstance(event, h11.EndOfMessage):
                return {bytes(name): bytes(value) for name, value in event.headers}
            else:
                raise h11.RemoteProtocolError("the runtime closed its connection within a body")

    async def reply(self, status: int, body: bytes, headers: list[tuple[str, str]] | None = None) -> None:
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *(headers or [])]
        response = h11.Response(status_code=status, headers=head)
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self._writer.write(self._http.send(event) or b"")
        await self._writer.drain()

    async def refuse_rest(self, status: int, body: bytes) -> None:
        """Answers before the request's end, which is the end of the connection."""
        self._over = True
        await self.reply(status, body, [("Connection", "close")])

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            if self._http.they_are_waiting_for_100_continue:
                go_ahead = h11.InformationalResponse(status_code=100, headers=[])
                self._writer.write(self._http.send(go_ahead) or b"")
            self._http.receive_data(await self._reader.read(READ_BYTES))


class RuntimeApi:
    """The Runtime API of one function process. `submit` hands it an event; the Invocation's chunks are the answer."""

    def __init__(self, limits: Limits, timeout_s: float, access_key_id: str = "") -> None:
        self._limits = limits
        self._timeout_s = timeout_s
        self._access_key_id = access_key_id
        self._pending: asyncio.Queue[Invocation] = asyncio.Queue()
        self._submitted: set[Invocation] = set()
        # By id, the events that the runtime has; ended ones until it takes another.
        self._taken: dict[str, Invocation] = {}
        self._answering: set[Invocation] = set()
        self._polls = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()
        # Set while the runtime waits in /next, and permanently once its process has ended.
        self.waiting = asyncio.Event()
        # Set when the runtime asks for a restore. The server of a snapshot does not answer that; a copy's does.
        self.restoring = asyncio.Event()
        self.is_snapshots = False
        # The runtime's connection broke within a message: its process is not used again.
        self.broken = False

    async def start(self) -> str:
        """Listens on 127.0.0.1 and returns the value of AWS_LAMBDA_RUNTIME_API."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    def submit(self, invocation: Invocation) -> None:
        self._submitted.add(invocation)
        self._pending.put_nowait(invocation)

    def process_ended(self, failure: FunctionFailed) -> None:
        """Fails every unanswered invocation, and stops listening."""
        self._fail(failure)
        self.waiting.set()
        if self._server:
            self._server.close()
        for task in self._serving:
            task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving = asyncio.ensure_future(self._serve_connection(reader, writer))
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)

    async def _serve_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = _Exchange(reader, writer)
        try:
            while request := await exchange.next_request():
                await self._answer(exchange, request)
        except (h11.RemoteProtocolError, ConnectionError) as error:
            self.broken = True
            message = f"the runtime's connection broke: {error}"
            payload = orjson.dumps({"errorType": "Runtime.ExitError", "errorMessage": message})
            for invocation in self._taken.values():
                invocation.finish(FunctionFailed("Runtime.ExitError", payload))
        finally:
            writer.close()

    async def _answer(self, exchange: _Exchange, request: h11.Request) -> None:
        target = request.target.decode("latin-1")
        path = PATHS.fullmatch(target)
        method = request.method.decode("ascii")
        routes: dict[tuple[str, str], Callable[[_Exchange], Awaitable[None]]] = {
            ("GET", "invocation/next"): self._next,
            ("POST", "init/error"): self._process_error,
            ("POST", "restore/error"): self._process_error,
            ("GET", "restore/next"): self._restore,
        }
        if not FROM_A_PAGE.isdisjoint(exchange.headers):
            await exchange.body(_ignore)
            await exchange.reply(*FORBIDDEN)
        elif path and method == "POST" and path["id"]:
            await self._outcome(exchange, path["id"], path["outcome"])
        elif path and (method, path["what"]) in routes:
            await routes[method, path["what"]](exchange)
        elif (method, target) == ("GET", CREDENTIALS) and self._access_key_id:
            await exchange.body(_ignore)
            await exchange.reply(200, credentials(self._access_key_id))
        else:
            await exchange.body(_ignore)
            await exchange.reply(*NOT_FOUND)

    async def _next(self, exchange: _Exchange) -> None:
        await exchange.body(_ignore)
        self._polls += 1
        self.waiting.set()
        invocation = await self._pending.get()
        self._polls -= 1
        if not self._polls:
            self.waiting.clear()
        self._take(invocation)
        headers = [
            ("Lambda-Runtime-Aws-Request-Id", invocation.request_id),
            ("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms)),
            ("Lambda-Runtime-Invoked-Function-Arn", invocation.function_arn),
            ("Lambda-Runtime-Trace-Id", invocation.trace_id),
        ]
        await exchange.reply(200, invocation.event, headers)

    def _take(self, invocation: Invocation) -> None:
        """Notes that the runtime has the event, and forgets the events that it has answered."""
        ended = [taken for taken in self._taken.values() if taken.finished.is_set()]
        for taken in ended:
            del self._taken[taken.request_id]
            self._answering.discard(taken)
            self._submitted.discard(taken)
        self._taken[invocation.request_id] = invocation
        invocation.deadline_ms = int((time.time() + self._timeout_s) * 1000)
        invocation.dispatched.set()

    async def _restore(self, exchange: _Exchange) -> None:
        await exchange.body(_ignore)
        self.restoring.set()
        if self.is_snapshots:
            await asyncio.Event().wait()
        await exchange.reply(200, b"")

    async def _process_error(self, exchange: _Exchange) -> None:
        """Fails the invocation for which an environment was started that could not start."""
        payload = bytearray()
        await exchange.body(_collect(payload, ERROR_BODY_BYTES))
        self._fail(FunctionFailed(_error_type(exchange.headers), bytes(payload)))
        await exchange.reply(*ACCEPTED)

    async def _outcome(self, exchange: _Exchange, request_id: str, outcome: str) -> None:
        invocation = self._taken.get(request_id)
        if not invocation:
            await exchange.body(_ignore)
            await exchange.reply(*UNKNOWN_ID)
        elif invocation in self._answering or invocation.finished.is_set():
            await exchange.body(_ignore)
            await exchange.reply(*WRONG_STATE)
        else:
            self._answering.add(invocation)
            answer = self._error if outcome == "error" else self._response
            try:
                await exchange.reply(*await answer(exchange, invocation))
            except ClientLeft:
                invocation.finish()
                await exchange.refuse_rest(*CLIENT_LEFT)

    async def _error(self, exchange: _Exchange, invocation: Invocation) -> tuple[int, bytes]:
        payload = bytearray()
        await exchange.body(_collect(payload, ERROR_BODY_BYTES))
        invocation.finish(FunctionFailed(_error_type(exchange.headers), bytes(payload)))
        return ACCEPTED

    async def _response(self, exchange: _Exchange, invocation: Invocation) -> tuple[int, bytes]:
        if exchange.headers.get(MODE_HEADER, b"").lower() == b"streaming":
            return await self._streamed(exchange, invocation)
        payload = bytearray()
        await exchange.body(_collect(payload, self._limits.response_bytes + 1))
        if len(payload) > self._limits.response_bytes:
            return _too_large(invocation, self._limits.response_bytes)
        await invocation.push(bytes(payload))
        invocation.finish()
        return ACCEPTED

    async def _streamed(self, exchange: _Exchange, invocation: Invocation) -> tuple[int, bytes]:
        left = self._limits.streamed_bytes

        async def hand_on(chunk: bytes) -> None:
            nonlocal left
            left -= len(chunk)
            if left >= 0:
                await invocation.push(chunk)

        trailers = await exchange.body(hand_on)
        if left < 0:
            return _too_large(invocation, self._limits.streamed_bytes)
        failed = ERROR_TYPE_HEADER in trailers
        invocation.finish(FunctionFailed(_error_type(trailers), _error_body(trailers)) if failed else None)
        return ACCEPTED

    def _fail(self, failure: FunctionFailed) -> None:
        for invocation in self._submitted:
            invocation.finish(failure)


async def _ignore(_chunk: bytes) -> None:
    return


def _collect(into: bytearray, limit: int) -> Callable[[bytes], Awaitable[None]]:
    """Returns a reader that keeps a body's first `limit` bytes and drops the rest."""

    async def take(chunk: bytes) -> None:
        into.extend(chunk[: max(0, limit - len(into))])

    return take


def _too_large(invocation: Invocation, limit: int) -> tuple[int, bytes]:
    message = f"Exceeded maximum allowed payload size ({limit} bytes)."
    body = orjson.dumps({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message})
    invocation.finish(FunctionFailed("Function.ResponseSizeTooLarge", body))
    return _refusal(413, "RequestEntityTooLarge", message)


def _error_type(headers: dict[bytes, bytes]) -> str:
    return headers.get(ERROR_TYPE_HEADER, b"Unhandled").decode("latin-1")


def _error_body(trailers: dict[bytes, bytes]) -> bytes:
    """Decodes the error document of a failed stream from its base64 trailer, or returns a trailer of another form."""
    encoded = trailers.get(ERROR_BODY_HEADER, b"")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return encoded
