"""AWS's JSON services over our own HTTP client: one signed POST, typed errors, no guessing whether a write happened.

boto3 costs a cold start 120 ms and a call 0.8 ms (docs/adr/0002-one-http-client.md). This module replaces its work:
signatures, typed errors, the response checksum, clock skew, and repeats that cannot apply a write twice.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from random import SystemRandom
from typing import Any

import orjson
from msgspec import Struct

from gateway.ports.clock import Clock
from gateway.providers.auth.aws_hosts import aws_host
from gateway.providers.auth.sigv4 import AwsCredentials, Scope, signed_headers
from gateway.transport import Client, Response, Timeouts, TransportError, parse_url

Item = dict[str, Any]


class Service(Struct, frozen=True):
    """A JSON service: its name in its address, its target prefix, its JSON version, its name in signatures if another.

    A service without a target is REST: its operations are paths.
    """

    name: str
    target: str
    json_version: str
    signed_as: str = ""


SERVICES = {
    "dynamodb": Service("dynamodb", "DynamoDB_20120810", "1.0"),
    "execute-api": Service("execute-api", "", "1.1"),
    "email": Service("email", "", "1.1", signed_as="ses"),
    "kms": Service("kms", "TrentService", "1.1"),
    "lambda": Service("lambda", "", "1.1"),
    "monitoring": Service("monitoring", "GraniteServiceVersion20100801", "1.0"),
    "secretsmanager": Service("secretsmanager", "secretsmanager", "1.1"),
    "sqs": Service("sqs", "AmazonSQS", "1.0"),
    "states": Service("states", "AWSStepFunctions", "1.0"),
}

THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "Throttling",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
CONFLICTS = frozenset({"TransactionConflictException"})
SKEWED = frozenset({"InvalidSignatureException", "RequestTimeTooSkewed", "RequestExpired", "AuthFailure"})
JITTER = SystemRandom()
STORE_DOWN = "The gateway cannot reach its own store; nothing was charged. Try again."
RESPONSE_BYTES_MAX = 32 * 1024 * 1024
NOTHING_TOLD: Mapping[str, str] = {}


class AwsError(Exception):
    """Reports a service's error; `code` is its exception's short name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class ConditionFailed(AwsError):
    """Reports that a conditional write failed; `item` is the stored item, if it was requested."""

    def __init__(self, message: str, item: Item | None) -> None:
        super().__init__("ConditionalCheckFailedException", message)
        self.item = item


class TransactionCanceled(AwsError):
    """Reports that a transaction did nothing; `reasons` has a (code, item) for each part, code
    "None" for a valid one.
    """

    def __init__(self, message: str, reasons: list[tuple[str, Item | None]]) -> None:
        super().__init__("TransactionCanceledException", message)
        self.reasons = reasons


class Contended(AwsError):
    """Reports that another write to the same item was under way; nothing was done, and a repeat may succeed."""


class Throttled(AwsError):
    """Reports that the service or the item is over its rate; nothing was done."""


class Unanswered(AwsError):
    """Reports that no readable answer came: the write may have happened or not."""


class Unsigned(AwsError):
    """Reports that there are no credentials to sign with now; nothing was sent, and a repeat may succeed."""


class AwsApi:
    """One region's services under one set of credentials. Safe for concurrent use within one event loop."""

    def __init__(
        self,
        client: Client,
        clock: Clock,
        credentials: Callable[[], Awaitable[AwsCredentials]],
        region: str,
        endpoints: Mapping[str, str],
        timeouts: Timeouts,
    ) -> None:
        self._client = client
        self._clock = clock
        self._credentials = credentials
        self._region = region
        self._endpoints = endpoints
        self._timeouts = timeouts
        self._skew_s = 0.0

    def endpoint(self, service: str) -> str:
        """The service's base URL: the configured one, or the region's own."""
        return self._endpoints.get(service) or f"https://{aws_host(service, self._region)}"

    async def prepare(self, service: str) -> None:
        """Has credentials and a connection ready for the first call; raises the `AwsError` that it would meet."""
        origin, _ = parse_url(self.endpoint(service))
        try:
            connection, _ = await asyncio.gather(
                self._client.connect(origin, self._timeouts.connect_s), self._credentials()
            )
        except TransportError as error:
            raise Unanswered(type(error).__name__, service) from error
        self._client.release(connection)

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> Item:
        """Makes one attempt at `operation`; raises the `AwsError` that tells what is known about its effect.

        A request signed with a wrong clock is refused before it has any effect, so it is corrected and sent again.
        """
        return await self.send(service, "POST", operation, orjson.dumps(payload))

    async def send(
        self, service: str, method: str, operation: str, body: bytes, told: Mapping[str, str] = NOTHING_TOLD
    ) -> Item:
        """Makes one attempt with a body as it is, and with further headers; raises as `call` does."""
        asked = _Asked(SERVICES[service], method, operation, body, told)
        response = await self._attempt(asked)
        if isinstance(response, _Refused) and response.code in SKEWED and self._learn_skew(response.date):
            response = await self._attempt(asked)
        if isinstance(response, _Refused):
            raise response.error()
        return response

    async def _attempt(self, asked: _Asked) -> Item | _Refused:
        service, method, operation, body = asked.service, asked.method, asked.operation, asked.body
        origin, base = parse_url(self.endpoint(service.name))
        place, told = _addressed(service, operation)
        path = base + place or "/"
        headers = signed_headers(
            method,
            path,
            {"host": origin.authority, **told, **asked.told},
            body,
            await self._credentials(),
            Scope(self._region, service.signed_as or service.name),
            self._clock.now_s() + self._skew_s,
        )
        try:
            response = await self._client.request(
                method, origin, path, _sendable(headers), body, timeouts=self._timeouts
            )
            answer = await response.read(RESPONSE_BYTES_MAX)
        except TransportError as error:
            raise Unanswered(type(error).__name__, f"{service.name} {operation}") from error
        return _read(response, answer)

    def _learn_skew(self, date: bytes | None) -> bool:
        """Corrects the clock by the service's own; returns true if the difference explains the refusal."""
        if date is None:
            return False
        from email.utils import parsedate_to_datetime  # noqa: PLC0415  # a wrong clock is rare, this import is not free

        skew_s = parsedate_to_datetime(date.decode()).timestamp() - self._clock.now_s()
        moved = abs(skew_s - self._skew_s) > 60
        self._skew_s = skew_s if moved else self._skew_s
        return moved


class _Asked(Struct, frozen=True):
    service: Service
    method: str
    operation: str
    body: bytes
    told: Mapping[str, str]


class _Refused(Struct, frozen=True):
    code: str
    message: str
    status: int
    date: bytes | None
    document: Mapping[str, Any]

    def error(self) -> AwsError:
        if self.code == "ConditionalCheckFailedException":
            return ConditionFailed(self.message, self.document.get("Item"))
        if self.code == "TransactionCanceledException":
            return self._canceled()
        if self.code in CONFLICTS:
            return Contended(self.code, self.message)
        if self.code in THROTTLED:
            return Throttled(self.code, self.message)
        if self.status >= 500:
            return Unanswered(self.code, self.message)
        return AwsError(self.code, self.message)

    def _canceled(self) -> AwsError:
        reasons = [
            (str(reason.get("Code", "None")), reason.get("Item"))
            for reason in self.document.get("CancellationReasons", [])
        ]
        return TransactionCanceled(self.message, reasons)


def _addressed(service: Service, operation: str) -> tuple[str, dict[str, str]]:
    """The path of an operation, and the headers that name it."""
    if not service.target:
        return operation, {"content-type": "application/json"}
    content_type = f"application/x-amz-json-{service.json_version}"
    return "", {"content-type": content_type, "x-amz-target": f"{service.target}.{operation}"}


def _read(response: Response, answer: bytes) -> Item | _Refused:
    checksum = response.header(b"x-amz-crc32")
    if checksum is not None and int(checksum) != zlib.crc32(answer):
        raise Unanswered("ChecksumMismatch", "the answer was damaged on its way")
    try:
        document = orjson.loads(answer) if answer else {}
    except orjson.JSONDecodeError as error:
        raise Unanswered("UnreadableAnswer", f"status {response.status}") from error
    if response.status < 300:
        return dict(document)
    named = document.get("__type") or (response.header(b"x-amzn-errortype") or b"Unknown").decode("latin-1")
    code = str(named).partition(":")[0].rpartition("#")[2]
    message = str(document.get("message") or document.get("Message") or "")
    return _Refused(code, message, response.status, response.header(b"date"), document)


def _sendable(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers to send; the client writes `host` itself, from the origin that was signed."""
    return [(name.encode(), value.encode()) for name, value in headers.items() if name != "host"]


async def repeated(
    attempt: Callable[[], Awaitable[Item]],
    *,
    tries: int,
    base_s: float = 0.02,
    cap_s: float = 0.5,
    ambiguous: bool = False,
) -> Item:
    """Repeats `attempt` with full jitter, while the service reports that nothing was done.

    `ambiguous` also repeats after an unknown result: only for reads and for writes that a repeat cannot change.
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    again: tuple[type[AwsError], ...] = (Contended, Throttled, Unsigned, *((Unanswered,) if ambiguous else ()))
    for number in range(1, tries):
        try:
            return await attempt()
        except again:
            await asyncio.sleep(JITTER.uniform(0, min(cap_s, base_s * 2**number)))
    return await attempt()
