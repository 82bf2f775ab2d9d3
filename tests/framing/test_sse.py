"""Tests of event streams by the WHATWG standard, for every cut of their bytes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import UpstreamError
from gateway.framing import sse
from gateway.framing.sse import FRAME_BYTES_MAX, Frame, SSEDecoder, sse_event


def frames(*chunks: bytes) -> list[Frame]:
    decoder = SSEDecoder()
    found = [frame for chunk in chunks for frame in decoder.feed(chunk)]
    return found + decoder.flush()


def data(*chunks: bytes) -> list[tuple[str | None, bytes]]:
    return [(frame.event, frame.data) for frame in frames(*chunks)]


def test_an_ordinary_event_is_its_data() -> None:
    assert frames(b'data: {"a":1}\n\n') == [Frame(None, b'{"a":1}', b'data: {"a":1}\n\n')]


def test_a_frame_is_handed_out_as_soon_as_its_blank_line_is_there() -> None:
    decoder = SSEDecoder()
    assert [frame.data for frame in decoder.feed(b"data: a\n\ndata: b\n")] == [b"a"]
    assert [frame.data for frame in decoder.feed(b"\n")] == [b"b"]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_every_line_ending_ends_a_line(end: bytes) -> None:
    stream = end.join([b"event: x", b"data: a", b"data: b", b"", b"data: c", b"", b""])
    assert data(stream) == [("x", b"a\nb"), (None, b"c")]


class CountedPattern:
    """A pattern that adds up the bytes of the texts that it searched."""

    def __init__(self, pattern: re.Pattern[bytes]) -> None:
        self._pattern = pattern
        self.searched_bytes = 0

    def search(self, text: bytes, start: int = 0) -> re.Match[bytes] | None:
        self.searched_bytes += len(text) - start
        return self._pattern.search(text, start)


def test_a_frame_in_many_pieces_is_searched_and_joined_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pattern = CountedPattern(sse._BLANK_LINE)
    monkeypatch.setattr(sse, "_BLANK_LINE", pattern)
    frame, piece_bytes = b"data: " + b"x" * 1_000_000 + b"\n\n", 1_000
    decoder = SSEDecoder()
    found = [one for start in range(0, len(frame), piece_bytes) for one in decoder.feed(frame[start:][:piece_bytes])]
    assert [one.raw for one in found] == [frame]
    assert pattern.searched_bytes < 1.1 * len(frame)


def test_a_byte_order_mark_opens_the_stream_only() -> None:
    mark = b"\xef\xbb\xbf"
    assert data(mark + b"data: a\n\n" + mark + b"data: b\n\n") == [(None, b"a")]


def test_comments_are_dropped() -> None:
    assert data(b": PROCESSING\n\n: again\ndata: a\n\n") == [(None, b"a")]


def test_only_one_leading_space_belongs_to_the_field() -> None:
    assert data(b"data:a\n\ndata:  b\n\ndata\n\n") == [(None, b"a"), (None, b" b"), (None, b"")]


def test_id_and_retry_are_kept_in_the_raw_bytes_only() -> None:
    raw = b"id: 7\nretry: 10\ndata: a\n\n"
    assert frames(raw) == [Frame(None, b"a", raw)]


def test_a_last_frame_without_its_blank_line_comes_out_at_the_end() -> None:
    assert data(b"data: a\n\ndata: [DONE]") == [(None, b"a"), (None, b"[DONE]")]


def test_a_frame_without_end_is_refused() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    with pytest.raises(UpstreamError, match="too large"):
        decoder.feed(b"x" * FRAME_BYTES_MAX)


LINES = st.sampled_from(
    [b"data: a", b"data:b", b"data:", b"data", b": c", b"event: e", b"id: 1", b"retry: 3", b"", b"x", b"\xef\xbb\xbf"]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(st.lists(st.tuples(LINES, ENDS), max_size=12), st.lists(st.integers(0, 100), max_size=5))
def test_frames_are_the_same_however_the_bytes_are_cut(lines: list[tuple[bytes, bytes]], places: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    cuts = sorted({place for place in places if place < len(stream)})
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    expected = frames(stream)
    assert frames(*chunks) == expected
    assert frames(*(stream[place : place + 1] for place in range(len(stream)))) == expected


def read_line_by_line(stream: bytes) -> list[tuple[str | None, bytes]]:
    """Runs the standard's own algorithm, a line at a time, over a whole stream."""
    found: list[tuple[str | None, bytes]] = []
    event: str | None = None
    lines: list[bytes] = []
    for line in [*stream.removeprefix(b"\xef\xbb\xbf").splitlines(), b""]:
        field, _, value = line.partition(b":")
        if not line:
            found += [(event, b"\n".join(lines))] if lines else []
            event, lines = None, []
        elif field == b"data":
            lines.append(value.removeprefix(b" "))
        elif field == b"event":
            event = value.removeprefix(b" ").decode()
    return found


BLOCKS = st.sampled_from(
    [
        b"data: a|",
        b"event: e|data: b|",
        b"event: e|",
        b"data:c|",
        b"data: d|data: e|",
        b"event: f|id: 1|data: g|",
        b": h|",
    ]
)


@given(st.lists(st.tuples(BLOCKS, ENDS, ENDS), max_size=8), st.integers(0, 120))
def test_frames_are_those_of_the_standard(blocks: list[tuple[bytes, bytes, bytes]], place: int) -> None:
    stream = b"".join(block.replace(b"|", end) + blank for block, end, blank in blocks)
    assert data(stream[:place], stream[place:]) == read_line_by_line(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("name", [None, "delta"])
def test_an_ordinary_frame_keeps_its_bytes(name: str | None, end: bytes) -> None:
    opening = b"" if name is None else b"event: delta" + end
    raw = opening + b"data: a" + end + end
    assert frames(raw + raw) == [Frame(name, b"a", raw)] * 2


def test_half_a_name_behind_a_frame_waits_for_the_rest() -> None:
    assert data(b"data: a\n\nevent: e", b"\ndata: b\n\n") == [(None, b"a"), ("e", b"b")]


def test_an_event_is_written_with_its_name_and_each_line_of_its_data() -> None:
    assert sse_event(b"a\nb", "error") == b"event: error\ndata: a\ndata: b\n\n"


def test_a_written_event_is_read_back() -> None:
    assert data(sse_event(b'{"a":1}'), sse_event(b"x\ny", "e")) == [(None, b'{"a":1}'), ("e", b"x\ny")]
