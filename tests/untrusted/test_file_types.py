"""Tests of a file's type by its content: sound ones are named, and ambiguous ones are refused."""

import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.untrusted.containers import PARTS_MAX
from gateway.untrusted.file_types import HEAD_BYTES, IMAGES, FileType, claimed, detected_type, judge_file
from tests.untrusted import pillow_files as pillow
from tests.untrusted.file_forms import BROKEN, CLIP, HOSTILE, HTML, PHP, SOUND, STL, in_jpeg

EVERY = frozenset(FileType)
PICTURES = [content for content, file_type in SOUND.values() if file_type in IMAGES]


def refusal(content: bytes, accepted: frozenset[FileType], declared: str | None = None) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as refused:
        judge_file(content, "file", accepted, declared)
    return refused.value


@pytest.mark.parametrize(("content", "file_type"), SOUND.values(), ids=SOUND)
def test_a_sound_file_is_what_its_content_is(content: bytes, file_type: FileType) -> None:
    assert judge_file(content, "file", EVERY) == file_type


@pytest.mark.parametrize(("content", "file_type"), SOUND.values(), ids=SOUND)
def test_a_sound_file_may_be_declared_as_what_it_is(content: bytes, file_type: FileType) -> None:
    assert judge_file(content, "file", EVERY, f"{file_type.upper()}; charset=x") == file_type


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_only_a_picture_is_refused_where_one_is_wanted(content: bytes) -> None:
    assert refusal(content, IMAGES).param == "file"


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_what_is_not_only_its_own_type_is_refused(content: bytes) -> None:
    assert refusal(content, EVERY).param == "file"


@pytest.mark.parametrize("declared", ["image/jpeg", "text/html", "image/svg+xml", "application/zip", "x"])
def test_a_file_declared_as_something_else_is_refused(declared: str) -> None:
    message = f"The file is declared as {declared}, but its content is image/png."
    assert refusal(pillow.PNG, IMAGES, declared).message == message


@pytest.mark.parametrize("declared", [None, "", "application/octet-stream", "binary/octet-stream; x=y", "image/x-png"])
def test_a_declaration_that_claims_nothing_else_is_no_fault(declared: str | None) -> None:
    assert judge_file(pillow.PNG, "file", IMAGES, declared) == FileType.PNG


def test_a_type_that_is_not_wanted_is_refused_with_those_that_are() -> None:
    message = "The file must be one of: GIF, JPG, PNG, WEBP. Its content is something else."
    assert refusal(CLIP, IMAGES).message == message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pillow.PNG + HTML, "The file is not a sound PNG: something follows its end."),
        (pillow.JPEG[:-2], "The file is not a sound JPG: it is cut off."),
        (pillow.GIF[:10] + b"\x00\x00\x00\x3b", "The file is not a sound GIF: it holds no picture."),
        (in_jpeg(PHP), "The file is not a sound JPG: it holds a page or a script."),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content: bytes, reason: str) -> None:
    assert refusal(content, IMAGES).message == reason


@pytest.mark.parametrize("content", [content for content in vars(pillow).values() if isinstance(content, bytes)])
def test_a_picture_that_is_cut_anywhere_is_refused(content: bytes) -> None:
    # The data that cameras append to a first picture may be missing.
    second = content.find(b"\xff\xd8\xff", 1)
    for length in range(len(content)):
        if length != second:
            refusal(content[:length], IMAGES)


@given(st.sampled_from(PICTURES), st.integers(0, 2000), st.binary(max_size=8))
def test_a_picture_with_other_bytes_in_it_is_judged_without_a_fault(content: bytes, at: int, other: bytes) -> None:
    changed = content[:at] + other + content[at + len(other) :]
    with suppress(InvalidRequest):
        assert judge_file(changed, "file", IMAGES) in IMAGES


@given(st.binary(max_size=200))
def test_a_picture_followed_by_anything_but_padding_is_refused(rider: bytes) -> None:
    if rider.strip(b"\x00") and not rider.lstrip(b"\x00").startswith(b"\xff\xd8\xff"):
        for content in (pillow.PNG, pillow.JPEG, pillow.GIF, pillow.WEBP_LOSSY):
            refusal(content + rider, IMAGES)


@pytest.mark.parametrize(("content", "file_type"), SOUND.values(), ids=SOUND)
def test_a_files_beginning_tells_what_it_is(content: bytes, file_type: FileType) -> None:
    assert detected_type((content + bytes(HEAD_BYTES))[:HEAD_BYTES], len(content)) == file_type


def test_a_binary_stl_is_told_by_its_size_only() -> None:
    assert (detected_type(STL, len(STL)), detected_type(STL, len(STL) + 1), detected_type(STL, None)) == (
        FileType.STL,
        None,
        None,
    )


@pytest.mark.parametrize("content", [HTML, PHP, b"", b"\n" * HEAD_BYTES, b"#" * HEAD_BYTES, b" \n" * 2000, b"{}"])
def test_text_that_is_no_model_is_nothing(content: bytes) -> None:
    assert detected_type(content, len(content)) is None


def test_every_type_has_an_ending_of_its_own() -> None:
    assert len({file_type.extension for file_type in FileType}) == len(FileType)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [("image/JPG", "image/jpeg"), ("video/mp4; codecs=avc1", "video/mp4"), ("text/html", "text/html"), (None, None)],
)
def test_a_declaration_is_read_by_its_usual_name(declared: str | None, expected: str | None) -> None:
    assert claimed(declared) == expected


def _png_chunk(name: bytes, data: bytes = b"") -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


MANY = PARTS_MAX + 1
CUT_INTO_MANY = {
    "png": b"\x89PNG\r\n\x1a\n"
    + _png_chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\x08\6\0\0\0")
    + _png_chunk(b"IDAT") * MANY
    + _png_chunk(b"IEND"),
    "jpeg": b"\xff\xd8" + b"\xff\xe0\x00\x02" * MANY + b"\xff\xd9",
    "gif blocks": b"GIF89a\1\0\1\0\0\0\0" + b"\x21\xfe\x00" * MANY + b"\x3b",
    "gif sub-blocks": b"GIF89a\1\0\1\0\0\0\0\x21\xfe" + b"\1a" * MANY + b"\0\x3b",
    "webp": b"RIFF" + struct.pack("<I", 4 + 8 * MANY) + b"WEBP" + b"VP8 \0\0\0\0" * MANY,
}


@pytest.mark.parametrize("kind", CUT_INTO_MANY)
def test_a_picture_of_more_parts_than_any_has_is_refused(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="more than 100000 parts"):
        judge_file(CUT_INTO_MANY[kind], "file", IMAGES)


def test_a_jpeg_may_have_fill_bytes_before_a_marker() -> None:
    frame = b"\xff\xc0\x00\x08\x08\x00\x01\x00\x01\x01"
    content = b"\xff\xd8" + b"\xff" * 1_000_000 + frame[1:] + b"\xff\xff\xff\xd9"
    assert judge_file(content, "file", IMAGES) is FileType.JPEG
