"""Tests that jobs deliver whole files from signed addresses: a playable MP4 and a GLB that a viewer can open."""

import struct
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.stack.conftest import Stack

# ISO/IEC 14496-12: boxes within boxes, down to the descriptions of samples.
CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
# glTF 2.0, sections 3.6.2.2 and 3.6.2.4: bytes of a component, and components of an element.
COMPONENT_BYTES = {5120: 1, 5121: 1, 5122: 2, 5123: 2, 5125: 4, 5126: 4}
COMPONENTS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@pytest.fixture
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    with httpx.Client(base_url=stack.base_url, headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as made:
        yield made


def result_of(http: httpx.Client, path: str, body: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Returns the one result of a job that succeeds, and its file."""
    job = http.post(path, json=body).raise_for_status().json()
    job_id, until_s = job["job_id"], time.monotonic() + HANGS_AFTER_S
    while job["status"] in {"pending", "running"}:
        assert time.monotonic() < until_s, job
        time.sleep(0.5)
        job = http.get(f"/generation/jobs/{job_id}").raise_for_status().json()
    (result,) = job["results"]
    content = httpx.get(result["url"], timeout=HANGS_AFTER_S, trust_env=False).raise_for_status().content
    assert len(content) == result["bytes"]
    return result, content


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields kinds and bodies in file order, those of containers after their container.

    Each box must fill its place exactly.
    """
    at = 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        assert 8 <= size <= len(data) - at
        body = data[at + 8 : at + size]
        yield kind, body
        if kind in CONTAINERS:
            yield from boxes(body)
        at += size


def table(body: bytes, count_at: int) -> tuple[int, ...]:
    """Reads the 32-bit entries of a table whose count is at `count_at`."""
    (count,) = struct.unpack_from(">I", body, count_at)
    return struct.unpack_from(f">{count}I", body, count_at + 4)


def test_a_video_is_an_mp4_of_h264_that_lasts_as_long_as_was_asked(http: httpx.Client) -> None:
    result, content = result_of(
        http, "/videos/generations", {"model": "wan-2.6", "prompt": "a cat in neon Tokyo", "duration_sec": 7}
    )
    found = dict(boxes(content))
    assert next(boxes(content))[0] == b"ftyp"
    assert found.keys() >= {b"moov", b"trak", b"stsd", b"stts", b"stsz", b"stsc", b"stco", b"mdat"}
    assert (found[b"stsd"][12:16], b"avcC" in found[b"stsd"]) == (b"avc1", True)
    timescale, duration = struct.unpack_from(">II", found[b"mvhd"], 12)
    assert (1000 * duration // timescale, result["duration_ms"], result["mime_type"]) == (7000, 7000, "video/mp4")
    # The samples in the index must lie within the media data, each a series of NAL units of the given lengths.
    offsets, sizes = table(found[b"stco"], 4), table(found[b"stsz"], 8)
    assert len(offsets) == len(sizes) > 0
    begin = content.index(found[b"mdat"])
    for offset, size in zip(offsets, sizes, strict=True):
        assert begin <= offset <= begin + len(found[b"mdat"]) - size
        sample = content[offset : offset + size]
        while sample:
            (length,) = struct.unpack_from(">I", sample)
            assert 0 < length <= len(sample) - 4
            sample = sample[4 + length :]


def test_a_model_is_a_glb_whose_accessors_lie_within_its_buffer(http: httpx.Client) -> None:
    body = {"model": "hunyuan-3d-2", "prompt": "a low-poly viking longboat", "output_format": "glb"}
    result, content = result_of(http, "/3d/generations", body)
    magic, version, length = struct.unpack_from("<4sII", content)
    assert (magic, version, length, result["mime_type"]) == (b"glTF", 2, len(content), "model/gltf-binary")
    json_length, json_kind = struct.unpack_from("<I4s", content, 12)
    document = orjson.loads(content[20 : 20 + json_length])
    binary_length, binary_kind = struct.unpack_from("<I4s", content, 20 + json_length)
    assert (json_kind, binary_kind, 28 + json_length + binary_length) == (b"JSON", b"BIN\0", length)
    (buffer,) = document["buffers"]
    assert (document["asset"]["version"], buffer["byteLength"] <= binary_length) == ("2.0", True)
    assert document["accessors"]
    for accessor in document["accessors"]:
        view = document["bufferViews"][accessor["bufferView"]]
        element = COMPONENT_BYTES[accessor["componentType"]] * COMPONENTS[accessor["type"]]
        assert accessor.get("byteOffset", 0) + element * accessor["count"] <= view["byteLength"]
        assert view.get("byteOffset", 0) + view["byteLength"] <= buffer["byteLength"]


def test_a_result_s_address_is_good_for_a_day(http: httpx.Client) -> None:
    result, _ = result_of(http, "/videos/generations", {"model": "wan-2.6", "prompt": "a cat", "duration_sec": 2})
    query = parse_qs(urlsplit(result["url"]).query)
    assert query["X-Amz-Expires"] == ["86400"]
