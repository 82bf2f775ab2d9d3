"""Builds a cube in six colours, in each format that 3D models are sold in, each as the smallest valid file.

glTF 2.0 (https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html), OBJ, binary STL, USDZ
(https://openusd.org/release/spec_usdz.html) and binary FBX 7.4's frame without nodes.
"""

from __future__ import annotations

import io
import itertools
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping

import orjson

Vector = tuple[float, float, float]

_COLOURS: tuple[Vector, ...] = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1))
_FACE = (0, 1, 2, 2, 1, 3)
_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_FLOAT, _UNSIGNED_SHORT = 5126, 5123
_JSON_CHUNK, _BIN_CHUNK = 0x4E4F534A, 0x004E4942
_USDZ_ALIGNMENT = 64
_ZIP_HEADER_BYTES = 30


def glb(padding_bytes: int = 0) -> bytes:
    """Builds a binary glTF whose buffer has `padding_bytes` more, a multiple of four, which the caller must append."""
    points = [point for corners in _faces() for point in corners]
    tints = [colour for colour in _COLOURS for _ in range(4)]
    indices = [4 * face + corner for face in range(6) for corner in _FACE]
    parts = (_floats(points), _floats(tints), struct.pack(f"<{len(indices)}H", *indices))
    data = b"".join(parts)
    offsets = itertools.accumulate((len(part) for part in parts), initial=0)
    targets = (_ARRAY_BUFFER, _ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER)
    document = {
        "asset": {"version": "2.0", "generator": "a simulated provider"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "cube"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "COLOR_0": 1}, "indices": 2}]}],
        "accessors": [
            _accessor(0, _FLOAT, len(points), "VEC3") | {"min": [-0.5] * 3, "max": [0.5] * 3},
            _accessor(1, _FLOAT, len(tints), "VEC3"),
            _accessor(2, _UNSIGNED_SHORT, len(indices), "SCALAR"),
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": offset, "byteLength": len(part), "target": target}
            for offset, part, target in zip(offsets, parts, targets, strict=False)
        ],
        "buffers": [{"byteLength": len(data) + padding_bytes}],
    }
    text = orjson.dumps(document)
    text += b" " * (-len(text) % 4)
    size_bytes = 12 + 8 + len(text) + 8 + len(data) + padding_bytes
    return b"".join(
        (
            struct.pack("<4sII", b"glTF", 2, size_bytes),
            struct.pack("<II", len(text), _JSON_CHUNK) + text,
            struct.pack("<II", len(data) + padding_bytes, _BIN_CHUNK) + data,
        )
    )


def obj() -> bytes:
    """Builds points with colours, and faces by their numbers."""
    lines = ["# a simulated provider", "o cube"]
    for corners, colour in zip(_faces(), _COLOURS, strict=True):
        lines += [f"v {' '.join(map(str, (*point, *colour)))}" for point in corners]
    for face in range(6):
        lines += [f"f {' '.join(str(4 * face + corner + 1) for corner in half)}" for half in (_FACE[:3], _FACE[3:])]
    return "\n".join((*lines, "")).encode()


def stl() -> bytes:
    """Builds twelve triangles without colours."""
    triangles = [
        struct.pack("<12fH", 0, 0, 0, *itertools.chain(*(corners[index] for index in half)), 0)
        for corners in _faces()
        for half in (_FACE[:3], _FACE[3:])
    ]
    return b"a simulated provider".ljust(80, b" ") + struct.pack("<I", len(triangles)) + b"".join(triangles)


def usdz() -> bytes:
    """Builds an uncompressed archive whose one layer begins at a multiple of 64 bytes."""
    layer = b'#usda 1.0\n(\n    defaultPrim = "cube"\n)\n\ndef Cube "cube"\n{\n    double size = 1\n}\n'
    entry = zipfile.ZipInfo("cube.usda")
    # An unused extra field moves the layer to its aligned position.
    fill = (_USDZ_ALIGNMENT - _ZIP_HEADER_BYTES - len(entry.filename) - 4) % _USDZ_ALIGNMENT
    entry.extra = struct.pack("<HH", 0x1986, fill) + bytes(fill)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as written:
        written.writestr(entry, layer)
    return archive.getvalue()


def fbx() -> bytes:
    """Builds the header, the end of an empty node list, and the footer."""
    head = b"Kaydara FBX Binary  \0\x1a\0" + struct.pack("<I", 7400)
    foot = bytes.fromhex("fabcab09d0c8d466b176fb83 1cf7267e") + bytes(4)
    end = struct.pack("<I", 7400) + bytes(120) + bytes.fromhex("f85a8c6adef5d97eece90ce375 8f290b")
    return head + bytes(13) + foot + end


def _faces() -> Iterator[tuple[Vector, ...]]:
    """Yields the corners of each side."""
    for axis in range(3):
        for at in (-0.5, 0.5):
            ends = list(itertools.product((-0.5, 0.5), repeat=2))
            yield tuple(_point(axis, at, first, second) for first, second in ends)


def _point(axis: int, at: float, first: float, second: float) -> Vector:
    rest = [first, second]
    rest.insert(axis, at)
    return rest[0], rest[1], rest[2]


def _floats(vectors: list[Vector]) -> bytes:
    return b"".join(struct.pack("<3f", *vector) for vector in vectors)


def _accessor(view: int, component: int, count: int, kind: str) -> dict[str, object]:
    return {"bufferView": view, "componentType": component, "count": count, "type": kind}


MODELS: Mapping[str, Callable[[], bytes]] = {"glb": glb, "obj": obj, "stl": stl, "usdz": usdz, "fbx": fbx}
