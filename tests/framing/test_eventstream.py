"""Tests of our reader of AWS's event stream against botocore's own."""

import random
import struct
import zlib
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.framing import eventstream
from gateway.framing.eventstream import HEADERS_BYTES_MAX, PAYLOAD_BYTES_MAX, EventStreamDecoder, HeaderValue, Message

Found = tuple[dict[str, HeaderValue], bytes]


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes([len(name.encode())]) + name.encode() + bytes([kind]) + value


def text(name: str, value: str) -> bytes:
    return header(name, 7, struct.pack(">H", len(value.encode())) + value.encode())


def message(headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    unchecked = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return unchecked + struct.pack(">I", zlib.crc32(unchecked))


EVERY_KIND = b"".join(
    [
        header("yes", 0, b""),
        header("no", 1, b""),
        header("byte", 2, b"\xff"),
        header("short", 3, struct.pack(">h", -300)),
        header("int", 4, struct.pack(">i", -70_000)),
        header("long", 5, struct.pack(">q", 2**40)),
        header("bytes", 6, b"\x00\x02\x00\xff"),
        text(":event-type", "größe"),
        header("time", 8, struct.pack(">q", 1_795_244_400_000)),
        header("uuid", 9, bytes(range(16))),
    ]
)
STREAM = message(EVERY_KIND, b'{"a":1}') + message(b"", b"") + message(text("x", ""), bytes(range(256)))


def ours(*chunks: bytes) -> list[Found]:
    decoder = EventStreamDecoder()
    return [(dict(found.headers), found.payload) for chunk in chunks for found in decoder.feed(chunk)]


def botocores(data: bytes) -> list[Found]:
    buffer: Any = EventStreamBuffer()
    buffer.add_data(data)
    return [(found.headers, found.payload) for found in buffer]


def test_every_kind_of_header_is_what_botocore_reads() -> None:
    assert ours(STREAM) == botocores(STREAM)
    assert ours(STREAM)[0][0]["uuid"] == bytes(range(16))


def test_a_message_is_handed_out_with_its_own_bytes() -> None:
    raws = [found.raw for found in EventStreamDecoder().feed(STREAM)]
    assert len(raws) == 3
    assert b"".join(raws) == STREAM


def test_a_message_is_handed_out_as_soon_as_its_last_byte_is_there() -> None:
    one = message(text("x", "y"), b"payload")
    decoder = EventStreamDecoder()
    assert list(decoder.feed(one[:-1])) == []
    assert [found.payload for found in decoder.feed(one[-1:] + one[:5])] == [b"payload"]
    assert [found.payload for found in decoder.feed(one[5:])] == [b"payload"]


def test_messages_are_the_same_cut_at_every_byte() -> None:
    assert ours(*(STREAM[place : place + 1] for place in range(len(STREAM)))) == botocores(STREAM)


HEADERS = st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=20), max_size=3)


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=60)), max_size=6), st.lists(st.integers(0, 600), max_size=6))
def test_messages_are_what_botocore_reads_however_the_bytes_are_cut(
    wanted: list[tuple[dict[str, str], bytes]], places: list[int]
) -> None:
    stream = b"".join(message(b"".join(text(*pair) for pair in headers.items()), body) for headers, body in wanted)
    cuts = sorted({place for place in places if place < len(stream)})
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert ours(*chunks) == botocores(stream)


@pytest.mark.drawn
@pytest.mark.parametrize("place", range(len(STREAM)))
def test_a_damaged_byte_is_found_and_what_came_before_it_is_kept(place: int) -> None:
    damaged = STREAM[:place] + bytes([STREAM[place] ^ 4]) + STREAM[place + 1 :]
    before = list(EventStreamDecoder().feed(STREAM[:place]))
    found: list[Message] = []
    with pytest.raises(UpstreamError, match="damaged"):
        found.extend(EventStreamDecoder().feed(damaged))
    assert found == before


def test_a_false_length_is_not_waited_for() -> None:
    with pytest.raises(UpstreamError, match="damaged"):
        ours(struct.pack(">III", 1000, 0, 1))


@pytest.mark.parametrize(
    ("length", "headers_length"),
    [(PAYLOAD_BYTES_MAX + 17, 0), (HEADERS_BYTES_MAX + 17, HEADERS_BYTES_MAX + 1), (15, 0), (20, 8)],
)
def test_lengths_that_cannot_be_are_refused(length: int, headers_length: int) -> None:
    lengths = struct.pack(">II", length, headers_length)
    with pytest.raises(UpstreamError, match="too large"):
        ours(lengths + struct.pack(">I", zlib.crc32(lengths)))


@pytest.mark.parametrize(
    "headers",
    [
        text("x", "a") + text("x", "b"),
        header("x", 10, b""),
        header("x", 5, b"\x00"),
        header("x", 9, b"short"),
        header("x", 7, b"\x00\x09abc"),
        header("x", 7, b"\x00\x01\xff"),
        b"\x05ab",
        b"\x01",
    ],
)
def test_headers_that_cannot_be_read_are_damage(headers: bytes) -> None:
    with pytest.raises(UpstreamError, match="damaged"):
        ours(message(headers, b""))


def test_random_bytes_are_damage_or_waited_for() -> None:
    seeded = random.Random(3)
    for size in range(12, 200):
        with pytest.raises(UpstreamError):
            ours(seeded.randbytes(size))


def test_a_message_in_many_pieces_is_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    joined_bytes = 0
    read = eventstream._lengths

    def counted(buffer: bytes, start: int) -> tuple[int, int]:
        nonlocal joined_bytes
        joined_bytes += len(buffer)
        return read(buffer, start)

    monkeypatch.setattr(eventstream, "_lengths", counted)
    whole, piece_bytes = message(b"", b"x" * 1_000_000), 1_000
    pieces = [whole[start : start + piece_bytes] for start in range(0, len(whole), piece_bytes)]
    assert [payload for _, payload in ours(*pieces)] == [b"x" * 1_000_000]
    assert joined_bytes < 1.1 * len(whole)
