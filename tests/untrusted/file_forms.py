"""Files as data: valid ones, and ones that are ambiguous, cut off, or of another type than declared."""

import io
import struct
import zipfile
import zlib

from gateway.untrusted.file_types import FileType
from tests.untrusted import pillow_files as pillow


def chunk(name: bytes, data: bytes) -> bytes:
    """Builds a PNG's chunk."""
    return struct.pack(">I", len(data)) + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def archive(name: str = "Main.class", content: bytes = b"\xca\xfe\xba\xbe") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content)
    return held.getvalue()


def box(name: bytes, data: bytes = b"") -> bytes:
    """Builds a box of ISO/IEC 14496-12."""
    return struct.pack(">I", 8 + len(data)) + name + data


def segment(marker: int, data: bytes) -> bytes:
    """Builds a JPEG's segment."""
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def riff(kind: bytes, *chunks: bytes) -> bytes:
    body = kind + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def glb(*, length: int | None = None, first: bytes = b"JSON") -> bytes:
    scene = b'{"asset":{"version":"2.0"}}  '
    body = struct.pack("<I", len(scene)) + first + scene
    return b"glTF" + struct.pack("<II", 2, 12 + len(body) if length is None else length) + body


def in_jpeg(data: bytes, marker: int = 0xFE) -> bytes:
    """Builds the sample JPEG with one more segment."""
    return pillow.JPEG[:2] + segment(marker, data) + pillow.JPEG[2:]


def in_png(*chunks: bytes) -> bytes:
    """Builds the sample PNG with more chunks before its end."""
    return pillow.PNG[:-12] + b"".join(chunks) + pillow.PNG[-12:]


def in_gif(data: bytes) -> bytes:
    """Builds the sample GIF with a comment before its trailer."""
    return pillow.GIF[:-1] + b"\x21\xfe" + bytes([len(data)]) + data + b"\x00\x3b"


ZIP = archive()
HTML = b"<!DOCTYPE html><html><script>alert(1)</script></html>"
PHP = b"<?php system($_GET['c']); ?>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
CLIP = box(b"ftyp", b"mp42\x00\x00\x00\x00isom") + box(b"moov", box(b"mvhd", bytes(8))) + box(b"mdat", bytes(30))
SAMSUNG = b"\x00\x00\x01\x0a\x0e\x00\x00\x00Image_UTC_Data1700000000000"
SAMSUNG += b"SEFH" + struct.pack("<IIHHII", 107, 1, 0, 0x0A01, 35, 35) + struct.pack("<I", 24) + b"SEFT"
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
WAV = riff(b"WAVE", b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8), b"data\x04\x00\x00\x00abcd")
WEBM = (
    b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webmB\x87\x81\x04B\x85\x81\x02"
    + bytes(50)
)
STL = b"a solid thing".ljust(80) + struct.pack("<I", 2) + bytes(100)

SOUND: dict[str, tuple[bytes, FileType]] = {
    "png": (pillow.PNG, FileType.PNG),
    "png with text, gamma and palette": (pillow.PNG_ANCILLARY, FileType.PNG),
    "png with an editor's private chunk": (in_png(chunk(b"prVt", b"anything")), FileType.PNG),
    "png that is animated": (pillow.PNG_ANIMATED, FileType.PNG),
    "jpeg": (pillow.JPEG, FileType.JPEG),
    "jpeg progressive": (pillow.JPEG_PROGRESSIVE, FileType.JPEG),
    "jpeg with exif, profile, comment and restarts": (pillow.JPEG_EXIF_ICC, FileType.JPEG),
    "jpeg in cmyk": (pillow.JPEG_CMYK, FileType.JPEG),
    "jpeg with further pictures (mpf)": (pillow.JPEG_MPF, FileType.JPEG),
    "jpeg with fill bytes": (pillow.JPEG[:2] + b"\xff\xff" + pillow.JPEG[2:], FileType.JPEG),
    "jpeg padded with zeros": (pillow.JPEG + bytes(64), FileType.JPEG),
    "motion photo of google": (pillow.JPEG + CLIP, FileType.JPEG),
    "motion photo of google after a gain map": (pillow.JPEG + pillow.JPEG_PROGRESSIVE + CLIP, FileType.JPEG),
    "photo of samsung": (pillow.JPEG + SAMSUNG, FileType.JPEG),
    "motion photo of samsung": (pillow.JPEG + CLIP + SAMSUNG, FileType.JPEG),
    "gif": (pillow.GIF, FileType.GIF),
    "gif that is animated": (pillow.GIF_ANIMATED, FileType.GIF),
    "gif padded with a zero": (pillow.GIF + b"\x00", FileType.GIF),
    "webp lossy": (pillow.WEBP_LOSSY, FileType.WEBP),
    "webp lossless": (pillow.WEBP_LOSSLESS, FileType.WEBP),
    "webp with alpha and exif": (pillow.WEBP_ALPHA_EXIF, FileType.WEBP),
    "webp that is animated": (pillow.WEBP_ANIMATED, FileType.WEBP),
    "mp4": (CLIP, FileType.MP4),
    "mp4 in fragments": (box(b"ftyp", b"iso5\x00\x00\x00\x00") + box(b"moof") + box(b"mdat"), FileType.MP4),
    "mp4 of a brand unheard of": (box(b"ftyp", b"new1\x00\x00\x00\x00") + box(b"moov"), FileType.MP4),
    "quicktime": (box(b"ftyp", b"qt  \x00\x00\x02\x00") + box(b"wide") + box(b"moov"), FileType.QUICKTIME),
    "quicktime of old": (box(b"moov", box(b"mvhd")) + box(b"mdat"), FileType.QUICKTIME),
    "webm": (WEBM, FileType.WEBM),
    "glb": (glb(), FileType.GLB),
    "gltf": (b'{\n  "asset": {"version": "2.0"}, "scenes": []\n}', FileType.GLTF),
    "obj": (b"# Blender v4\r\n\r\nmtllib a.mtl\no Cube\nv 1.0 -1.0 0.5\nvn 0 0 1\nf 1 2 3\n", FileType.OBJ),
    "stl binary": (STL, FileType.STL),
    "stl text": (b"solid thing\n  facet normal 0 0 1\n  endfacet\nendsolid thing\n", FileType.STL),
    "fbx": (b"Kaydara FBX Binary  \x00\x1a\x00\xe8\x1c\x00\x00" + bytes(40), FileType.FBX),
    "usdz": (archive("scene.usdc", b"PXR-USDC"), FileType.USDZ),
    "zip": (ZIP, FileType.ZIP),
    "pdf": (PDF, FileType.PDF),
    "wav": (WAV, FileType.WAV),
    "mp3": (b"ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb\x90\x64" + bytes(40), FileType.MP3),
    "m4a": (box(b"ftyp", b"M4A \x00\x00\x00\x00isom") + box(b"moov") + box(b"mdat"), FileType.M4A),
    "ogg": (b"OggS\x00\x02" + bytes(20) + b"\x01\x13OpusHead" + bytes(11), FileType.OGG),
    "flac": (b"fLaC\x00\x00\x00\x22" + bytes(34), FileType.FLAC),
    "aac": (b"\xff\xf1\x50\x80" + bytes(40), FileType.AAC),
    "mp3 without tags": (b"\xff\xfb\x90\x64" + bytes(40), FileType.MP3),
}  # fmt: skip

# Files that are sent in the place of a picture.
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "a page": HTML,
    "a page behind white space": b"\n\n   " + HTML,
    "an svg": SVG,
    "an svg with a declaration": b"<?xml version='1.0'?>" + SVG,
    "a script": b"#!/bin/sh\nid\n",
    "a program": b"MZ\x90\x00" + bytes(60),
    "an elf": b"\x7fELF\x02\x01\x01" + bytes(60),
    "an archive": ZIP,
    "a pdf": PDF,
    "a film": CLIP,
    "a heic": box(b"ftyp", b"heic\x00\x00\x00\x00mif1heic") + box(b"meta"),
    "a bmp": b"BM" + bytes(60),
    "a tiff": b"II*\x00" + bytes(60),
    "an icon": b"\x00\x00\x01\x00\x01\x00" + bytes(60),
    "a png's signature alone": b"\x89PNG\r\n\x1a\n",
    "a png's signature before a page": b"\x89PNG\r\n\x1a\n" + HTML,
    "png and zip": pillow.PNG + ZIP,
    "png and page": pillow.PNG + HTML,
    "png and php": pillow.PNG + PHP,
    "png and one byte": pillow.PNG + b"\x00",
    "png and png": pillow.PNG + pillow.PNG,
    "png with php in its text": in_png(chunk(b"tEXt", b"Comment\x00" + PHP)),
    "png with a page in a private chunk": in_png(chunk(b"prVt", HTML)),
    "png with an archive in a private chunk": in_png(chunk(b"prVt", ZIP)),
    "png with a critical chunk of its own": in_png(chunk(b"EVIL", b"x")),
    "png with a second header": in_png(pillow.PNG[8:33]),
    "png with a damaged checksum": pillow.PNG[:29] + b"\x00\x00\x00\x00" + pillow.PNG[33:],
    "png without a picture": pillow.PNG[:33] + pillow.PNG[-12:],
    "png without an end": pillow.PNG[:-12],
    "png that is cut off": pillow.PNG[:-20],
    "png with an end that holds something": pillow.PNG[:-12] + chunk(b"IEND", PHP),
    "png with another chunk first": pillow.PNG[:8] + chunk(b"tEXt", b"a\x00b") + pillow.PNG[8:],
    "png of no width": pillow.PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 0, 9, 8, 2, 0, 0, 0)) + pillow.PNG[33:],
    "png that is a bomb": (
        pillow.PNG[:8] + chunk(b"IHDR", struct.pack(">IIBBBBB", 65000, 65000, 8, 2, 0, 0, 0)) + pillow.PNG[33:]
    ),
    "png with a length beyond its end": pillow.PNG[:33] + b"\xff\xff\xff\xff" + pillow.PNG[37:],
    "jpeg's signature before a page": b"\xff\xd8\xff\xe0" + HTML,
    "jpeg and zip": pillow.JPEG + ZIP,
    "jpeg and php": pillow.JPEG + PHP,
    "jpeg and page": pillow.JPEG + b"\n" + HTML,
    "jpeg, zeros and zip": pillow.JPEG + bytes(100) + ZIP,
    "jpeg and jpeg and php": pillow.JPEG + pillow.JPEG + PHP,
    "jpeg, clip and php": pillow.JPEG + CLIP + PHP,
    "jpeg and a clip without a film": pillow.JPEG + box(b"ftyp", b"mp42") + box(b"free", b"payload"),
    "jpeg and a clip that is cut off": pillow.JPEG + CLIP[:-1],
    "jpeg and something that ends as samsung's does": pillow.JPEG + b"MZ\x90\x00" + bytes(20) + b"SEFT",
    "jpeg with php in its comment": in_jpeg(PHP),
    "jpeg with php in its exif": in_jpeg(b"Exif\x00\x00MM\x00*" + PHP, 0xE1),
    "jpeg with a page in its comment": in_jpeg(HTML),
    "jpeg with an archive in its comment": in_jpeg(ZIP),
    "jpeg that is cut off": pillow.JPEG[:-2],
    "jpeg that is cut off in a segment": pillow.JPEG[:30],
    "jpeg without a picture": b"\xff\xd8" + segment(0xE0, b"JFIF\x00") + b"\xff\xd9",
    "jpeg in a jpeg's start": b"\xff\xd8\xff\xd8\xff\xd9",
    "jpeg of no width": pillow.JPEG[:2] + segment(0xC0, b"\x08\x00\x08\x00\x00\x01\x01\x11\x00") + pillow.JPEG[2:],
    "jpeg with a segment of no length": b"\xff\xd8\xff\xe0\x00\x00" + pillow.JPEG[4:],
    "gif and script": b"GIF89a/*" + pillow.GIF[8:-1] + b"\x3b*/=1;alert(1)//",
    "gif that is a script": b"GIF89a/*" + pillow.GIF[8:],
    "gif that is an assignment": b"GIF89a=1" + pillow.GIF[8:],
    "gif and script after its end": pillow.GIF + b"*/=1;alert(1)//",
    "gif and zip": pillow.GIF + ZIP,
    "gif and php": pillow.GIF + PHP,
    "gif with php in its comment": in_gif(PHP),
    "gif with a page in its comment": in_gif(HTML),
    "gif with an archive in its comment": in_gif(ZIP),
    "gif's signature before php": b"GIF89a" + PHP,
    "gif's signature before a page": b"GIF87a;" + HTML,
    "gif that is cut off": pillow.GIF[:-1],
    "gif without a picture": pillow.GIF[:13] + b"\x3b",
    "gif of no width": b"GIF89a\x00\x00" + pillow.GIF[8:],
    "webp and zip": pillow.WEBP_LOSSY + ZIP,
    "webp and page": pillow.WEBP_LOSSY + HTML,
    "webp that is cut off": pillow.WEBP_LOSSY[:-1],
    "webp without a picture": riff(b"WEBP", b"EXIF\x04\x00\x00\x00abcd"),
    "webp with php in its metadata": riff(
        b"WEBP", pillow.WEBP_LOSSY[12:], b"EXIF" + struct.pack("<I", len(PHP)) + PHP
    ),
    "webp whose chunk goes beyond its end": riff(b"WEBP", b"VP8 \xff\xff\x00\x00abcd"),
    "a wave in a picture's place": WAV,
}  # fmt: skip

# Damaged files, each sent as its own type.
BROKEN: dict[str, bytes] = {
    "pdf and zip": PDF + ZIP,
    "pdf and page": PDF + HTML,
    "pdf that is cut off": PDF[:-7],
    "mp4 and zip": CLIP + ZIP,
    "mp4 and page": CLIP + HTML,
    "mp4 that is cut off": CLIP[:-1],
    "mp4 without a film": box(b"ftyp", b"mp42\x00\x00\x00\x00") + box(b"free", b"payload"),
    "mp4 with an archive": CLIP + box(b"free", ZIP),
    "webm and zip": WEBM + ZIP,
    "glb of another length": glb(length=100),
    "glb without a scene": glb(first=b"BIN\x00"),
    "glb and page": glb() + HTML,
    "gltf with a page": b'{"asset": {"generator": "<script>alert(1)</script>"}}',
    "obj with a page": b"v 1 2 3\n# <html><script>alert(1)</script>\n",
    "stl and zip": b"solid a\n facet normal 0 0 1\n" + ZIP,
    "fbx and zip": b"Kaydara FBX Binary  \x00\x1a\x00" + ZIP,
    "zip and page": ZIP + HTML,
    "zip that is cut off": ZIP[:-23],
    "usdz and page": archive("scene.usdc") + HTML,
    "wav and page": WAV + HTML,
    "mp3 and zip": b"ID3\x04\x00\x00\x00\x00\x00\x00" + ZIP,
}
