"""Law: what every simulated wire is made of; values only, so that wires need not know one another.

A wire answers a `Call` with a `Reply`; how the reply reaches the socket, and what goes wrong on the way,
is decided by `local.providers.delivery` and is the same for all of them.
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
    """What a frame is for, so that a fault can count content and drop terminators on any wire."""

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
    """A whole body, or the frames of a stream, with status and headers; broken off after so many bytes of it."""

    status: int
    headers: Headers
    body: bytes | Iterator[Frame]
    cut_after: int | None = None


class Refusal(Exception):
    """A request the provider would refuse: the wire's own error body and its status."""

    def __init__(self, status: int, body: Json, headers: Headers = ()) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = headers


class HangUp(Exception):
    """The connection is to be closed without an answer."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a wire sees it; `headers` has lower-case names, `params` the parts of the path."""

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
        """An id of this very call: two equal requests get two different ones."""
        return prefix + _base62(f"{self.serial}:{prefix}".encode() + self.raw, length)

    def stable_id(self, prefix: str, index: int, length: int = 24) -> str:
        """An id of this request's content: two equal requests get the same one, so answers are repeatable."""
        return prefix + _base62(f"{index}:{prefix}".encode() + self.raw, length)


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path pattern below the wire's prefix, and who answers it."""

    method: str
    pattern: re.Pattern[str]
    answer: Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Wire:
    """One API of one provider row; the callables are what faults and routing need to know of it.

    `question` is the text of the last user message (directives are found there), `model` the model asked
    for, `refusal` an error body for a status, a message and an optional code, `error_frame` an error in
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
    """A route whose pattern must match the whole of the path below the prefix."""
    return Route(method, re.compile(pattern), answer)


def json_reply(body: JsonValue, status: int = 200) -> Reply:
    """A whole JSON body."""
    return Reply(status, (JSON_TYPE,), orjson.dumps(body))


def sse(data: JsonValue, event: str = "") -> bytes:
    """One server-sent event, with an `event:` line where the wire has one."""
    name = b"event: " + event.encode() + b"\n" if event else b""
    return name + b"data: " + orjson.dumps(data) + b"\n\n"


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _base62(seed: bytes, length: int) -> str:
    digest = hashlib.shake_256(seed).digest(length)
    return "".join(_ALPHABET[byte % 62] for byte in digest)
