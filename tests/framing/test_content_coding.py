"""Coded bodies are read piece by piece, within a bound."""

import gzip
import zlib

import pytest

from gateway.framing.content_coding import Damaged, TooLarge, Uncoding, UnknownCoding, coding_of, plain

BODY = b'{"model":"m"}' * 1000
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
BARE = RAW.compress(BODY) + RAW.flush()


@pytest.mark.parametrize(
    ("header", "coded"),
    [
        ("gzip", gzip.compress(BODY)),
        ("X-GZIP", gzip.compress(BODY)),
        ("gzip", gzip.compress(BODY[:20]) + gzip.compress(BODY[20:])),
        ("gzip", gzip.compress(BODY) + b"\0" * 512),
        ("deflate", zlib.compress(BODY)),
        ("deflate", BARE),
        ("identity", BODY),
        (None, BODY),
    ],
    ids=[
        "gzip",
        "its older name",
        "two members",
        "padding",
        "deflate",
        "deflate without its frame",
        "identity",
        "none",
    ],
)
def test_a_coded_body_is_read(header: str | None, coded: bytes) -> None:
    assert plain(coded, coding_of(header), len(BODY)) == BODY


def test_a_body_is_the_same_however_it_is_cut() -> None:
    reader, coded = Uncoding("gzip"), gzip.compress(BODY) + gzip.compress(BODY)
    assert b"".join(reader.feed(coded[place : place + 1]) for place in range(len(coded))) == BODY * 2
    reader.end()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("body", [BODY, b"[1]"])
def test_a_body_whose_coding_was_taken_away_before_is_left_as_it_is(coding: str, body: bytes) -> None:
    assert plain(body, coding, len(body)) == body


@pytest.mark.parametrize("body", [b"{}", b"[1]", BODY, b'["' + bytes(range(35, 91)) * 90 + b'"]'])
@pytest.mark.parametrize("level", range(10))
def test_json_in_deflate_without_its_frame_is_no_json(body: bytes, level: int) -> None:
    bare = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    assert plain(bare.compress(body) + bare.flush(), "deflate", len(body)) == body


def test_no_more_than_the_bound_is_made() -> None:
    with pytest.raises(TooLarge):
        plain(gzip.compress(b"0" * 10_000_000), "gzip", 1_000_000)
    with pytest.raises(TooLarge):
        plain(gzip.compress(b"0" * 100_000) * 100, "gzip", 1_000_000)


@pytest.mark.parametrize(
    "coded",
    [gzip.compress(BODY)[:-9], b"\x1f\x8b" + b"x" * 20, gzip.compress(BODY) + gzip.compress(BODY)[:-9]],
    ids=["cut", "garbage", "second member cut"],
)
def test_damaged_bytes_are_refused(coded: bytes) -> None:
    with pytest.raises(Damaged):
        plain(coded, "gzip", 2 * len(BODY))


@pytest.mark.parametrize("header", ["br", "zstd", "gzip, gzip"])
def test_another_coding_is_unknown(header: str) -> None:
    with pytest.raises(UnknownCoding):
        coding_of(header)
