"""Defines the values of every simulated wire, so that wires need not know one another.

A wire answers a `Call` with a `Reply`. `local.providers.delivery` sends the reply to the socket and applies
faults, in the same way for every wire.
"""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from local.providers.faults import Fault
from local.providers.json_value import Json, JsonValue
from local.providers.memory import Memory

Headers = tuple[tuple[str, str], ...]

JSON_TYPE = ("content-type", "application/json")


class FrameKind(enum.Enum):
    """The purpose of a frame, so that a fault can count content and drop terminators on any wire."""

    STRUCTURE = "structure"
    CONTENT = "content"
    CLOSING = "closing"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of a stream, framed as its wire frames it."""

    kind: FrameKind
    data: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole body, or the frames of a stream, with status and headers.

    `cut_after` breaks it off after that many bytes.
    """

    status: int
    headers: Headers
    body: bytes | Iterator[Frame]
    cut_after: int | None = None


class Refusal(Exception):
    """A request that the provider would refuse, with the wire's own error body and its status."""

    def __init__(self, status: int, body: Json, headers: Headers = ()) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers


class HangUp(Exception):
    """The connection must be closed without an answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a wire. `headers` has lower-case names; `params` are the parts of the path."""

    method: str
    path: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    body: Json
    serial: int
    now_s: int
    memory: Memory
    raw_path: str = ""
    raw_query: str = ""
    shape: Fault = field(default_factory=Fault)

    def unique_id(self, prefix: str, length: int = 29) -> str:
        """Builds an id of this call alone: two equal requests get different ids."""
        return prefix + _base62(f"{self.serial}:{prefix}".encode() + self.raw, length)

    def stable_id(self, prefix: str, index: int, length: int = 24) -> str:
        """Builds an id of this request's content: two equal requests get the same id, so answers are repeatable."""
        return prefix + _base62(f"{index}:{prefix}".encode() + self.raw, length)


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path pattern below the wire's prefix, with its handler."""

    method: str
    pattern: re.Pattern[str]
    answer: Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Wire:
    """One API of one provider row, with the callables that faults and routing need.

    `question` is the text of the last user message (directives are found there), `model` the requested
    model, `refusal` an error body for a status, a message and an optional code, `error_frame` an error in
    mid-stream, `garbage_frame` a well-framed event whose payload cannot be read (a wire that does not stream has
    neither), `stamped` an error body with the request's own id where the wire puts it there.
    """

    row: str
    prefix: str
    routes: tuple[Route, ...]
    authorize: Callable[[Call], None]
    question: Callable[[Json], str]
    model: Callable[[Call], str]
    refusal: Callable[[int, str, str | None], Refusal]
    error_frame: Callable[[Call], bytes] = lambda _: b""
    garbage_frame: Callable[[Call], bytes] = lambda _: b""
    headers: Callable[[Call], Headers] = lambda _: ()
    stamped: Callable[[Call, Json], JsonValue] = lambda _call, body: body


def route(method: str, pattern: str, answer: Callable[[Call], Reply]) -> Route:
    """Builds a route whose pattern must match the whole of the path below the prefix."""
    return Route(method, re.compile(pattern), answer)


def json_reply(body: JsonValue, status: int = 200) -> Reply:
    """Builds a whole JSON body."""
    return Reply(status, (JSON_TYPE,), orjson.dumps(body))


def sse(data: JsonValue, event: str = "") -> bytes:
    """Builds one server-sent event, with an `event:` line if the wire has one."""
    name = b"event: " + event.encode() + b"\n" if event else b""
    return name + b"data: " + orjson.dumps(data) + b"\n\n"


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _base62(seed: bytes, length: int) -> str:
    digest = hashlib.shake_256(seed).digest(length)
    return "".join(_ALPHABET[byte % 62] for byte in digest)
