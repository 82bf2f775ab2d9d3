"""One HTTP/1.1 client for every hop the gateway makes: providers, AWS's JSON APIs, the Lambda Runtime API.

`errors` is the tree of an exchange's failures, `head` writes requests, `answer` reads responses without touching a
socket, `connection` joins both to asyncio, `response` is the caller's interface, `client` keeps the pool.
"""

from gateway.transport.client import Client
from gateway.transport.connection import Connection, Timeouts
from gateway.transport.errors import (
    BadResponse,
    BodyTooLarge,
    ConnectFailed,
    ConnectTimedOut,
    FirstByteTimedOut,
    IdleTimedOut,
    PeerClosed,
    TimedOut,
    TransportError,
    Truncated,
)
from gateway.transport.head import Headers
from gateway.transport.response import RequestStream, Response
from gateway.transport.url import Origin, parse_url

__all__ = [
    "BadResponse",
    "BodyTooLarge",
    "Client",
    "ConnectFailed",
    "ConnectTimedOut",
    "Connection",
    "FirstByteTimedOut",
    "Headers",
    "IdleTimedOut",
    "Origin",
    "PeerClosed",
    "RequestStream",
    "Response",
    "TimedOut",
    "Timeouts",
    "TransportError",
    "Truncated",
    "parse_url",
]
