"""Every way an exchange can fail on the wire, drawn once.

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
    """An exchange did not happen, or not to its end; the text is for logs, never for clients."""


class ConnectFailed(TransportError):
    """No connection could be made; nothing was sent."""


class TimedOut(TransportError):
    """The peer took longer than the caller allowed."""


class ConnectTimedOut(TimedOut):
    """No connection in time; nothing was sent."""


class FirstByteTimedOut(TimedOut):
    """No complete response head in time."""


class IdleTimedOut(TimedOut):
    """The body fell silent for too long."""


class PeerClosed(TransportError):
    """The connection ended before a single byte of the answer."""


class Truncated(TransportError):
    """The connection ended inside the answer."""


class BadResponse(TransportError):
    """What came back cannot be read as HTTP/1.1, or its head exceeds the limit."""


class BodyTooLarge(TransportError):
    """The body exceeds what the caller was ready to hold."""
