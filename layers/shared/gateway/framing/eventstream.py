"""Reads AWS's binary event stream incrementally: bytes in, whole messages out, independent of the chunking. Pure.

A message is a prelude (its length, its headers' length, their checksum), typed headers, a payload and a checksum over
all of it; numbers are big-endian: https://smithy.io/2.0/aws/amazon-eventstream.html. A damaged byte is found at its
message. Nothing after it can be read, because the start of the next message is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from struct import Struct, error
from types import MappingProxyType
from typing import NamedTuple, TypeAlias
from zlib import crc32

from gateway.errors import UpstreamError

HEADERS_BYTES_MAX = 128 * 1024
PAYLOAD_BYTES_MAX = 24 * 1024 * 1024

# A timestamp is milliseconds since the epoch, a UUID its 16 bytes.
HeaderValue: TypeAlias = bool | int | bytes | str
_Sized = tuple[HeaderValue, int]

_LENGTHS = Struct(">II")
_PRELUDE = Struct(">III")
_CHECKSUM = Struct(">I")
_UINT16 = Struct(">H")
_OVERHEAD_BYTES = _PRELUDE.size + _CHECKSUM.size
_UUID_BYTES = 16


class Message(NamedTuple):
    """One message; `raw` is its unchanged bytes."""

    headers: Mapping[str, HeaderValue]
    payload: bytes
    raw: bytes


class EventStreamDecoder:
    """An incremental reader of one event stream."""

    def __init__(self) -> None:
        # The bytes of a message that is not whole, as they came, and how many it needs as far as they tell.
        self._parts: list[bytes] = []
        self._kept_bytes = 0
        self._needed_bytes = _PRELUDE.size

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that `data` completes; raises `UpstreamError` in the place of a damaged one.

        The iterator must be read to its end, or to its error, before more is fed.
        """
        self._parts.append(data)
        self._kept_bytes += len(data)
        if self._kept_bytes < self._needed_bytes:
            return
        buffer = b"".join(self._parts)
        start, self._needed_bytes = 0, _PRELUDE.size
        while len(buffer) - start >= self._needed_bytes:
            length, headers_length = _lengths(buffer, start)
            end = start + length
            if len(buffer) < end:
                self._needed_bytes = length
                break
            yield _message(buffer[start:end], headers_length)
            start = end
        self._parts, self._kept_bytes = [buffer[start:]], len(buffer) - start


def _lengths(buffer: bytes, start: int) -> tuple[int, int]:
    """The lengths of the message and of its headers, checked as soon as the prelude is there: a wrong length would
    block.
    """
    length, headers_length, checksum = _PRELUDE.unpack_from(buffer, start)
    if crc32(buffer[start : start + _LENGTHS.size]) != checksum:
        raise _damaged()
    payload_length = length - headers_length - _OVERHEAD_BYTES
    if headers_length > HEADERS_BYTES_MAX or not 0 <= payload_length <= PAYLOAD_BYTES_MAX:
        raise UpstreamError("The provider sent a stream event that is too large.")
    return length, headers_length


def _message(raw: bytes, headers_length: int) -> Message:
    payload_end = len(raw) - _CHECKSUM.size
    if crc32(raw[:payload_end]) != _CHECKSUM.unpack_from(raw, payload_end)[0]:
        raise _damaged()
    headers_end = _PRELUDE.size + headers_length
    return Message(_headers(raw[_PRELUDE.size : headers_end]), raw[headers_end:payload_end], raw)


# A stream's messages have few kinds of headers, the same bytes each time.
@lru_cache(maxsize=32)
def _headers(data: bytes) -> Mapping[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    position = 0
    while position < len(data):
        try:
            name_end = position + 1 + data[position]
            name = data[position + 1 : name_end].decode()
            value, position = _VALUES[data[name_end]](data, name_end + 1)
        except (IndexError, UnicodeDecodeError, error):
            raise _damaged() from None
        if name in headers or position > len(data):
            raise _damaged()
        headers[name] = value
    return MappingProxyType(headers)


def _constant(value: bool) -> Callable[[bytes, int], _Sized]:
    return lambda _, position: (value, position)


def _integer(form: str) -> Callable[[bytes, int], _Sized]:
    packed = Struct(form)
    return lambda data, position: (packed.unpack_from(data, position)[0], position + packed.size)


def _bytes(data: bytes, position: int) -> tuple[bytes, int]:
    start = position + _UINT16.size
    end = start + _UINT16.unpack_from(data, position)[0]
    return data[start:end], end


def _string(data: bytes, position: int) -> _Sized:
    value, end = _bytes(data, position)
    return value.decode(), end


def _uuid(data: bytes, position: int) -> _Sized:
    end = position + _UUID_BYTES
    return data[position:end], end


# Readers by the type number in a header.
_VALUES: tuple[Callable[[bytes, int], _Sized], ...] = (
    _constant(True),
    _constant(False),
    _integer(">b"),
    _integer(">h"),
    _integer(">i"),
    _integer(">q"),
    _bytes,
    _string,
    _integer(">q"),
    _uuid,
)


def _damaged() -> UpstreamError:
    return UpstreamError("The provider's stream was damaged on its way.")
