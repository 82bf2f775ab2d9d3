"""Tests of the simulated vendors' files: each has the declared type and the requested length."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from gateway.untrusted.file_types import FileType, judge_file
from local.providers import media_models
from local.providers.media_files import MIME_TYPES, File, model, video

GIB = 1 << 30
CONTAINERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})


def whole(file: File) -> bytes:
    return b"".join(file.pieces(0, file.size_bytes - 1))


def boxes(data: bytes, path: str = "") -> Iterator[tuple[str, bytes]]:
    """Yields every box of an MP4, by its path."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert size >= 8
        name = f"{path}/{kind.decode()}"
        yield name, data[at + 8 : at + size]
        if kind in CONTAINERS:
            yield from boxes(data[at + 8 : at + size], name)
        at += size
    assert at == len(data)


@pytest.mark.parametrize("duration_ms", [1, 250, 500, 5000, 6300, 30_000])
def test_a_video_lasts_as_long_as_it_was_asked_to(duration_ms: int) -> None:
    found = dict(boxes(whole(video(duration_ms))))
    table = found["/moov/trak/mdia/minf/stbl/stts"]
    (count,) = struct.unpack_from(">I", table, 4)
    shown = struct.unpack_from(f">{2 * count}I", table, 8)
    assert sum(shown[1::2]) == duration_ms
    assert struct.unpack_from(">II", found["/moov/mvhd"], 12) == (1000, duration_ms)


def test_every_picture_of_a_video_is_where_its_table_says() -> None:
    data = whole(video(3000))
    found = dict(boxes(data))
    sizes = struct.unpack_from(">6I", found["/moov/trak/mdia/minf/stbl/stsz"], 12)
    offsets = struct.unpack_from(">6I", found["/moov/trak/mdia/minf/stbl/stco"], 8)
    for size, offset in zip(sizes, offsets, strict=True):
        (length,) = struct.unpack_from(">I", data, offset)
        # An IDR slice (ITU-T H.264 table 7-1) that fills its sample.
        assert (length + 4, data[offset + 4] & 0x1F) == (size, 5)


@pytest.mark.parametrize("size_bytes", [100_000, 1_000_001])
def test_a_video_can_be_of_any_size(size_bytes: int) -> None:
    data = whole(video(5000, size_bytes))
    assert len(data) == size_bytes
    assert [name for name, _ in boxes(data) if name.count("/") == 1] == ["/ftyp", "/mdat", "/moov", "/free"]


def glb_parts(data: bytes) -> tuple[Any, bytes]:
    """Returns the document and the buffer of a GLB, after checking its frame."""
    magic, version, size = struct.unpack_from("<4sII", data)
    assert (magic, version, size) == (b"glTF", 2, len(data))
    text_size, text_kind = struct.unpack_from("<I4s", data, 12)
    buffer_size, buffer_kind = struct.unpack_from("<I4s", data, 20 + text_size)
    assert (text_kind, buffer_kind) == (b"JSON", b"BIN\0")
    assert (text_size % 4, buffer_size % 4, 28 + text_size + buffer_size) == (0, 0, size)
    return orjson.loads(data[20 : 20 + text_size]), data[28 + text_size :]


@pytest.mark.parametrize("size_bytes", [None, 200_000])
def test_a_glb_is_a_cube_in_six_colours(size_bytes: int | None) -> None:
    data = whole(model("glb", size_bytes))
    document, buffer = glb_parts(data)
    assert size_bytes in {None, len(data)}
    assert document["buffers"][0]["byteLength"] == len(buffer)
    points, tints, indices = document["accessors"]
    assert (points["count"], tints["count"], indices["count"]) == (24, 24, 36)
    views = document["bufferViews"]
    assert [view["byteLength"] for view in views] == [24 * 12, 24 * 12, 36 * 2]
    assert all(view["byteOffset"] % 4 == 0 for view in views)
    drawn = struct.unpack_from("<36H", buffer, views[2]["byteOffset"])
    assert set(drawn) == set(range(24))
    coordinates = struct.unpack_from("<72f", buffer, views[0]["byteOffset"])
    assert {abs(one) for one in coordinates} == {0.5}
    assert len({struct.unpack_from("<3f", buffer, views[1]["byteOffset"] + 12 * point) for point in range(24)}) == 6


def test_an_obj_has_faces_of_points_that_exist() -> None:
    lines = media_models.obj().decode().splitlines()
    points = [line.split() for line in lines if line.startswith("v ")]
    faces = [line.split()[1:] for line in lines if line.startswith("f ")]
    assert ({len(point) for point in points}, len(faces)) == ({7}, 12)
    assert {int(number) for face in faces for number in face} == set(range(1, len(points) + 1))


def test_an_stl_is_as_long_as_its_count_says() -> None:
    data = media_models.stl()
    assert len(data) == 84 + 50 * struct.unpack_from("<I", data, 80)[0]
    assert not data.startswith(b"solid")


def test_a_usdz_has_its_layer_uncompressed_at_a_multiple_of_64() -> None:
    data = media_models.usdz()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (entry,) = archive.infolist()
        layer = archive.read(entry)
    assert entry.compress_type == zipfile.ZIP_STORED
    assert layer.startswith(b"#usda 1.0\n")
    assert data.index(layer) % 64 == 0


def test_an_fbx_begins_and_ends_as_binary_fbx_does() -> None:
    data = media_models.fbx()
    assert data.startswith(b"Kaydara FBX Binary  \0\x1a\0\xe8\x1c\0\0")
    assert data.endswith(bytes.fromhex("f85a8c6adef5d97eece90ce3758f290b"))


@pytest.mark.parametrize("form", MIME_TYPES)
def test_the_gateways_own_judge_finds_each_file_sound(form: str) -> None:
    made = video(5000, 10_000) if form == "mp4" else model(form)
    assert judge_file(whole(made), None, set(FileType), made.mime_type).extension == form


@pytest.mark.parametrize("made", [video(5000, GIB), model("glb", GIB)])
def test_a_file_of_a_gibibyte_is_not_held_in_memory(made: File) -> None:
    assert made.size_bytes == GIB
    assert len(made.head) < 4000
    assert b"".join(made.pieces(GIB - 5, GIB - 1)) == bytes(5)
    assert len(next(made.pieces(0, GIB - 1))) == 65_536


@pytest.mark.parametrize(("first", "last"), [(0, 0), (3, 10), (1500, 1700), (65_530, 65_545)])
def test_any_part_of_a_file_can_be_read(first: int, last: int) -> None:
    made = video(5000, 100_000)
    assert b"".join(made.pieces(first, last)) == whole(made)[first : last + 1]
