"""The Lambda Runtime API, one method for each of its routes; independent of ASGI.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming
"""

from __future__ import annotations

from binascii import b2a_base64

from gateway.runtime.fault import Fault
from gateway.runtime.invocation import Invocation, InvocationContext
from gateway.transport import Client, Headers, RequestStream, Response, Timeouts, parse_url

_VERSION = "/2018-06-01/runtime"
# Lambda takes events of up to 6 MB; JSON escapes may make them longer.
_EVENT_BYTES_MAX = 64 * 1024 * 1024
_REPLY_BYTES_MAX = 64 * 1024

# `/next` answers when there is work and `/restore/next` after a snapshot: perhaps in days.
_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=None, idle_s=None)

_ERROR_TYPE = b"Lambda-Runtime-Function-Error-Type"
_ERROR_BODY = b"Lambda-Runtime-Function-Error-Body"
_STREAM_HEADERS = (
    (b"Lambda-Runtime-Function-Response-Mode", b"streaming"),
    (b"Content-Type", b"application/vnd.awslambda.http-integration-response"),
)
_JSON = (b"Content-Type", b"application/json")


class RuntimeApiError(Exception):
    """Reports that the Runtime API refused a call, or gave an event without its facts."""

    def __init__(self, route: str, status: int) -> None:
        super().__init__(f"{route}: status {status}")
        self.status = status


class RuntimeApi:
    """The service at `AWS_LAMBDA_RUNTIME_API`; `address` is its host and port."""

    def __init__(self, client: Client, address: str) -> None:
        self._client = client
        self._origin, _ = parse_url(f"http://{address}")

    async def connect(self) -> None:
        """Has a connection ready for the next call."""
        self._client.release(await self._client.connect(self._origin, _TIMEOUTS.connect_s))

    async def next(self) -> Invocation:
        """Waits for the next event."""
        route = f"{_VERSION}/invocation/next"
        response = await self._client.request("GET", self._origin, route, timeouts=_TIMEOUTS)
        event = await response.read(_EVENT_BYTES_MAX)
        if response.status != 200:
            raise RuntimeApiError(route, response.status)
        try:
            return Invocation(_context(response), event)
        except (KeyError, ValueError) as error:
            raise RuntimeApiError(route, response.status) from error

    async def respond(self, context: InvocationContext, answer: bytes) -> None:
        """Answers an invocation that is not an HTTP request, with JSON."""
        await self._post(_route(context, "response"), [_JSON, *_echo(context)], answer)

    async def stream(self, context: InvocationContext) -> RequestStream:
        """Starts a streaming answer, to be written to and then given to `finish`."""
        return await self._client.stream(
            "POST",
            self._origin,
            _route(context, "response"),
            [*_STREAM_HEADERS, *_echo(context)],
            trailer_names=(_ERROR_TYPE, _ERROR_BODY),
            timeouts=_TIMEOUTS,
        )

    async def finish(self, stream: RequestStream, data: bytes = b"", fault: Fault | None = None) -> None:
        """Ends a streaming answer; a fault goes into the trailers, because it is too late for `/error`."""
        response = await stream.finish(data, _error_trailers(fault) if fault else ())
        await _accepted("/response", response)

    async def fail(self, context: InvocationContext, fault: Fault) -> None:
        """Reports an invocation that failed before a byte of its answer was sent."""
        await self._fail(_route(context, "error"), fault, _echo(context))

    async def fail_init(self, fault: Fault) -> None:
        """Reports that the function cannot be started."""
        await self._fail(f"{_VERSION}/init/error", fault)

    async def restore_next(self) -> None:
        """Hands over to SnapStart; returns in a copy of this process, perhaps much later and more than once.

        No copy goes on with a connection that was opened before.
        """
        route = f"{_VERSION}/restore/next"
        response = await self._client.request("GET", self._origin, route, timeouts=_TIMEOUTS)
        await response.read(_REPLY_BYTES_MAX)
        await self._client.close()
        if response.status != 200:
            raise RuntimeApiError(route, response.status)

    async def fail_restore(self, fault: Fault) -> None:
        """Reports that the function cannot continue after a restore."""
        await self._fail(f"{_VERSION}/restore/error", fault)

    async def _fail(self, route: str, fault: Fault, echo: Headers = ()) -> None:
        await self._post(route, [_JSON, (_ERROR_TYPE, _token(fault.type)), *echo], fault.to_json())

    async def _post(self, route: str, headers: Headers, body: bytes) -> None:
        response = await self._client.request("POST", self._origin, route, headers, body, timeouts=_TIMEOUTS)
        await _accepted(route, response)


async def _accepted(route: str, response: Response) -> None:
    await response.read(_REPLY_BYTES_MAX)
    if response.status != 202:
        raise RuntimeApiError(route, response.status)


def _route(context: InvocationContext, verb: str) -> str:
    return f"{_VERSION}/invocation/{context.request_id}/{verb}"


def _echo(context: InvocationContext) -> Headers:
    if context.invocation_id is None:
        return ()
    return [(b"Lambda-Runtime-Invocation-Id", context.invocation_id.encode("latin-1"))]


def _context(response: Response) -> InvocationContext:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in response.headers}
    return InvocationContext(
        request_id=headers["lambda-runtime-aws-request-id"],
        deadline_ms=int(headers["lambda-runtime-deadline-ms"]),
        function_arn=headers.get("lambda-runtime-invoked-function-arn", ""),
        trace_id=headers.get("lambda-runtime-trace-id"),
        client_context=headers.get("lambda-runtime-client-context"),
        tenant_id=headers.get("lambda-runtime-aws-tenant-id"),
        invocation_id=headers.get("lambda-runtime-invocation-id"),
    )


def _error_trailers(fault: Fault) -> Headers:
    return [
        (_ERROR_TYPE, _token(fault.type)),
        (_ERROR_BODY, b2a_base64(fault.to_json(), newline=False)),
    ]


def _token(text: str) -> bytes:
    """Makes a header value of a class name, which may hold other characters."""
    return text.encode("ascii", "replace")
