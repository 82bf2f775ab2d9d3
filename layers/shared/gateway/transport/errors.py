"""The tree of every way an exchange can fail on the wire.

    TransportError
    ├── ConnectFailed           name, route, refusal or TLS: nothing was sent
    ├── TimedOut                the peer was too slow
    │   ├── ConnectTimedOut     to accept the connection, TLS included: nothing was sent
    │   ├── FirstByteTimedOut   to answer: from the request's first byte to the end of the answer's head
    │   └── IdleTimedOut        between two pieces of the answer's body
    ├── PeerClosed              closed before any byte of the answer: what became of the request is unknown
    ├── Truncated               closed inside the answer's head or body
    ├── BadResponse             not HTTP/1.1
    └── BodyTooLarge            longer than the caller's limit

A cut answer is never a clean end: a body that misses its length or its last chunk is Truncated.
"""

from __future__ import annotations


class TransportError(Exception):
    """Reports an exchange that did not happen, or not to its end; the text is for logs, never for clients."""


class ConnectFailed(TransportError):
    """Reports that no connection could be made; nothing was sent."""


class TimedOut(TransportError):
    """Reports that the peer took longer than the caller allowed."""


class ConnectTimedOut(TimedOut):
    """Reports that no connection was made in time; nothing was sent."""


class FirstByteTimedOut(TimedOut):
    """Reports that no complete response head came in time."""


class IdleTimedOut(TimedOut):
    """Reports that the body paused for too long."""


class PeerClosed(TransportError):
    """Reports that the connection ended before any byte of the answer."""


class Truncated(TransportError):
    """Reports that the connection ended inside the answer."""


class BadResponse(TransportError):
    """Reports an answer that is not HTTP/1.1, or whose head exceeds the limit."""


class BodyTooLarge(TransportError):
    """Reports a body over the caller's limit."""
