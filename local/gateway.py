"""Emulates API Gateway REST as an ASGI app: it invokes the route's function and converts its answer.

Answers at `/` as a custom domain does and under `/{stage}` as the execute-api URL does. A client that leaves is not
reported to the function by AWS, which reads the answer to its end all the same
(docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html). Here a streaming function is told, by a
Runtime API that takes no more of its answer: so does the stack show what an answer that breaks off costs.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import orjson
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from gateway.framing.content_coding import Damaged, TooLarge, UnknownCoding, coding_of, plain
from local import gateway_answer, gateway_responses
from local.functions import EventTooLarge, Functions, Throttled, new_trace_id
from local.gateway_answer import Answer, Malformed
from local.gateway_event import Pairs, Request, proxy_event
from local.gateway_responses import Refusal
from local.invocation import FunctionFailed, Invocation
from local.limits import Limits
from local.routes import Match, Routes
from local.template import Api

log = logging.getLogger(__name__)


class Refused(Exception):
    """The request is answered by API Gateway itself. `why` is for the stack's log, never for the client."""

    def __init__(self, refusal: Refusal, why: str = "") -> None:
        super().__init__(why or refusal.message)
        self.refusal = refusal


class Gateway:
    """The ASGI app of one REST API."""

    def __init__(self, api: Api, functions: Functions, limits: Limits) -> None:
        self._api = api
        self._routes = Routes(api.routes)
        self._functions = functions
        self._limits = limits

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] != "http":
            return
        request_id, trace_id = str(uuid.uuid4()), new_trace_id()
        reply = _Reply(send, request_id, trace_id)
        try:
            await self._serve(scope, receive, reply, request_id, trace_id)
        except Refused as refused:
            log.warning("%s %s: %s (%s)", scope["method"], scope["path"], refused, request_id)
            context = {"requestId": request_id, "extendedRequestId": request_id, "stage": self._api.stage}
            rendered = gateway_responses.render(refused.refusal, self._api.responses, context)
            await reply.whole(Answer(rendered.status, rendered.headers, rendered.body))

    async def _serve(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, reply: "_Reply", request_id: str, trace_id: str
    ) -> None:
        headers = _headers_as_sent(scope)
        if sum(len(name) + len(value) for name, value in headers) > self._limits.request_header_bytes:
            raise Refused(gateway_responses.HEADERS_TOO_LARGE)
        path, stage_path = self._paths(scope["raw_path"].decode("latin-1"))
        match = self._routes.match(scope["method"], path)
        if not match:
            signed = any(name.lower() == "authorization" for name, _value in headers)
            raise Refused(gateway_responses.INCOMPLETE_SIGNATURE if signed else gateway_responses.MISSING_ROUTE)
        client = scope["client"]
        request = Request(
            request_id=request_id,
            trace_id=trace_id,
            received_at=datetime.now(UTC),
            method=scope["method"],
            path=path,
            stage_path=stage_path,
            query=scope["query_string"].decode("latin-1"),
            protocol=f"HTTP/{scope['http_version']}",
            source_ip=client[0] if client else "127.0.0.1",
            headers=headers,
            body=self._uncoded(await self._body(receive), headers),
        )
        await self._integrate(request, match, reply, receive)

    def _paths(self, raw_path: str) -> tuple[str, str]:
        """Returns the path within the API, and the path as the request context shows it."""
        inside = raw_path.removeprefix(f"/{self._api.stage}")
        under_stage = inside != raw_path and inside.startswith("/")
        return (inside, raw_path) if under_stage else (raw_path, raw_path)

    async def _body(self, receive: ASGIReceiveCallable) -> bytes:
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                raise Refused(gateway_responses.BODY_CUT, "the client left before its request was whole")
            body += message["body"]
            more = message["more_body"]
            if len(body) > self._limits.request_bytes:
                raise Refused(gateway_responses.REQUEST_TOO_LARGE)
        return bytes(body)

    def _uncoded(self, body: bytes, headers: Pairs) -> bytes:
        """The body without its coding, which API Gateway takes away by default; bytes that are not of it stay.

        Source: docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-gzip-compression-decompression.html.
        """
        named = next((value for name, value in reversed(headers) if name.lower() == "content-encoding"), None)
        try:
            return plain(body, coding_of(named), self._limits.request_bytes)
        except TooLarge as error:
            raise Refused(gateway_responses.REQUEST_TOO_LARGE) from error
        except (UnknownCoding, Damaged):
            return body

    async def _integrate(self, request: Request, match: Match, reply: "_Reply", receive: ASGIReceiveCallable) -> None:
        event = orjson.dumps(proxy_event(request, match, self._api.stage, self._api.binary_media_types))
        timeout_ms = match.route.timeout_ms
        timeout_s = timeout_ms / 1000 if timeout_ms else self._limits.integration_timeout_s
        try:
            invocation = await self._functions.start(match.route.function, event, request.trace_id)
        except EventTooLarge as error:
            raise Refused(gateway_responses.REQUEST_TOO_LARGE, "larger than Lambda's event") from error
        except Throttled as error:
            raise Refused(gateway_responses.FUNCTION_THROTTLED, "the function is throttled") from error
        watching = asyncio.create_task(_watch(receive, invocation)) if match.route.streaming else None
        try:
            answering = self._stream if match.route.streaming else self._whole
            async with asyncio.timeout(timeout_s):
                await answering(request, invocation, reply)
        except (TimeoutError, FunctionFailed, Malformed) as error:
            if reply.started:
                # The status has been sent, so an answer without an end tells the client of the failure.
                log.warning("stream cut: %r (%s)", error, request.request_id)
                return
            timed_out = isinstance(error, TimeoutError)
            refusal = gateway_responses.INTEGRATION_TIMEOUT if timed_out else gateway_responses.FUNCTION_FAILED
            raise Refused(refusal, repr(error)) from error
        finally:
            if watching is not None:
                watching.cancel()
            invocation.abandon()

    async def _whole(self, request: Request, invocation: Invocation, reply: "_Reply") -> None:
        payload = await invocation.read()
        accept = request.header("accept")
        await reply.whole(gateway_answer.buffered(payload, accept, self._api.binary_media_types))

    async def _stream(self, _request: Request, invocation: Invocation, reply: "_Reply") -> None:
        chunks = _within(invocation.chunks(), self._limits.stream_idle_s)
        start = b""
        answer = None
        async for chunk in chunks:
            start += chunk
            answer = gateway_answer.prelude(start, self._limits.stream_prelude_bytes)
            if answer:
                break
        if not answer:
            raise Malformed("the stream ended within its prelude")
        await reply.start(answer.status, answer.headers)
        if answer.body:
            await reply.chunk(answer.body)
        async for chunk in chunks:
            await reply.chunk(chunk)
        await reply.end()


class _Reply:
    """The client's answer, with the headers that API Gateway adds to every answer."""

    def __init__(self, send: ASGISendCallable, request_id: str, trace_id: str) -> None:
        self._send = send
        self._added = [
            ("x-amzn-RequestId", request_id),
            ("x-amz-apigw-id", request_id[:13] + "="),
            ("X-Amzn-Trace-Id", trace_id),
        ]
        self.started = False

    async def whole(self, answer: Answer) -> None:
        await self.start(answer.status, [*answer.headers, ("Content-Length", str(len(answer.body)))])
        await self.chunk(answer.body)
        await self.end()

    async def start(self, status: int, headers: Pairs) -> None:
        self.started = True
        encoded = [
            (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for name, value in [*headers, *self._added]
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded, "trailers": False})

    async def chunk(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _headers_as_sent(scope: HTTPScope) -> Pairs:
    """Returns the headers with their names as sent, since API Gateway keeps them (see http_server.py)."""
    sent = scope["state"]["headers_as_sent"]
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sent]


async def _watch(receive: ASGIReceiveCallable, invocation: Invocation) -> None:
    """Notes that the client has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
    invocation.leave()


async def _within(chunks: AsyncIterator[bytes], idle_s: float) -> AsyncIterator[bytes]:
    """Yields the same chunks. Raises TimeoutError if none comes for `idle_s`."""
    while True:
        try:
            async with asyncio.timeout(idle_s):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        yield chunk
