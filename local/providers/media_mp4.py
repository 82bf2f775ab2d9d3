"""Builds a playable video of any length from two H.264 pictures.

The pictures were encoded once (x264, constrained baseline, 320x180). The container is ISO/IEC 14496-12 and -15, written
here so that its duration is exact. A `free` box fills a file up to a size.
"""

from __future__ import annotations

import base64
import struct

WIDTH, HEIGHT = 320, 180
MIME_TYPE = "video/mp4"

_TIMESCALE = 1000
_PICTURE_MS = 500
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_BOX_BYTES = 8

_SEQUENCE = base64.b64decode("Z0LAC9wUGfnwEQAAAwABAAADAAQPFCuA")
_PARAMETERS = base64.b64decode("aM4DEsg=")
_FIRST = base64.b64decode(
    "ZYiEPxGJAAEBnjgAFI4z4nxx0+J8d0+J8d0+J8cY+fE+O6fE+O6fE+OOnxPjsfPifHdPifHHT4nx3T4nx3T4nxxj58X9P+vvvvm7"
    "zPqV5XiSfVyvEvqJJ9K8ST6V5XiSfqenrrrrrleb9TzPqJ/qenp5v0z6m/qeiac/T11111l4n9K8pMryvEk+l5XleV5Xl5Xl6euu"
    "uuubtK9O5Xl5neon+lJp3KTKTE/ol9U9PXXXXN6leiXT0S5Xp5Xp3RNO5eV3K8vT11111zb9K9bmfVO5Sa3T07rp3T1yvT111111"
    "0S5XleuncT+lJcvK9PRLlebfqeuuuuu+np3KTK9E1unrp6JdPTunok/T11111yvXK9bleuncvRLleXp6d09PXXXXXK9blJp5Sa3R"
    "NdPW5Xol0TK9ddddddE08zu9O5Xrmd3l6d09PT07l6euuvA="
)
_SECOND = base64.b64decode(
    "ZYiCD8RigACA3HAALRwb5/0+L+nxPjun19PimO6fE+O6fUd0+KY7p8XHdPi/p8XHdPi47p8XHdPi47p8XHdPin6fFx3T4uO6uuZx"
    "f0Ti/ol19PqO6Jxcd0TqO6fjuiSV9Ekr0SSvokleiSRfonX0TqO6JJX0TqO0SSo7olV9XNi/olxf0TqO6J47onUd0TqO6JJ+nJ9E"
    "kr0pKiSV6UlROvolV9E6juiSV6JJ+iX+m/Ta+m1HdNqO6J1HdE6juiSV9Ekr0ST6yZSVEkq0pKlJUpMST6JJXokn0T/RJK9Ea+mx"
    "J47p9R3ROLjtEkr6JJX0SSvSkyk2TKSpSZSZSYn+iSfRJP0pMSv036ubFx2nJX0SSvoklfSkxP6J/ol/rJm/qJmf039N+meO6b+o"
    "mnk65tfTYuO6JJF/SkqUmJX0SSvRJPrJiSV9EqvRJNpSVEk+iSV9KTEa9J31zYpjun1HdEkr6JX0ST6JVeiSV9KS7VSuol/SkxP6"
    "Jf6V666665sXHdOSvokkX6UmJJXolfpSYn9E/0Tx3RJP0ST6J/okn036f9fXXXNi/p9R3RLr0qyvK8S/olfRKr6Jf6Jf6Jf6JX03"
    "9Efq66665sXHdPqO6JJXolbRJK+iV9Ekr0qxJP0ST6JJ9KTKsnXXXXXXNr6Z16bX0S69Ev6J/U836Z16Jf1PTz+q6666668="
)


def movie(duration_ms: int) -> bytes:
    """Builds a whole file of that length. Its two pictures alternate, twice a second."""
    durations = [_PICTURE_MS] * (duration_ms // _PICTURE_MS)
    if duration_ms % _PICTURE_MS or not durations:
        durations.append(duration_ms % _PICTURE_MS)
    start = _box("ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2avc1mp41")
    data_at = len(start) + _BOX_BYTES
    pictures = [struct.pack(">I", len(picture)) + picture for picture in (_FIRST, _SECOND)]
    offsets = (data_at, data_at + len(pictures[0]))
    table = _table(durations, [len(picture) for picture in pictures], offsets)
    return start + _box("mdat", b"".join(pictures)) + _moov(duration_ms, table)


def free(size_bytes: int) -> bytes:
    """Builds the head of a `free` box of that size, its content included."""
    return struct.pack(">I4s", size_bytes, b"free")


def _table(durations: list[int], sizes: list[int], offsets: tuple[int, int]) -> bytes:
    """Builds the table of the pictures' positions and durations.

    Each picture is its own chunk, and may be shown again.
    """
    count = len(durations)
    timing = b"".join(struct.pack(">II", 1, duration) for duration in durations)
    return _box(
        "stbl",
        _full("stsd", struct.pack(">I", 1) + _picture_entry()),
        _full("stts", struct.pack(">I", count) + timing),
        _full("stsc", struct.pack(">IIII", 1, 1, 1, 1)),
        _full("stsz", struct.pack(">II", 0, count) + _alternating(sizes, count)),
        _full("stco", struct.pack(">I", count) + _alternating(offsets, count)),
    )


def _alternating(values: list[int] | tuple[int, int], count: int) -> bytes:
    return b"".join(struct.pack(">I", values[index % 2]) for index in range(count))


def _moov(duration_ms: int, table: bytes) -> bytes:
    movie_header = struct.pack(">IIIIIHHII", 0, 0, _TIMESCALE, duration_ms, 0x10000, 0x100, 0, 0, 0)
    track_header = struct.pack(">IIIIIIIhhhh", 0, 0, 1, 0, duration_ms, 0, 0, 0, 0, 0, 0)
    media_header = struct.pack(">IIIIHH", 0, 0, _TIMESCALE, duration_ms, 0x55C4, 0)
    reference = _box("dinf", _full("dref", struct.pack(">I", 1) + _full("url ", b"", flags=1)))
    return _box(
        "moov",
        _full("mvhd", movie_header + _UNITY + bytes(24) + struct.pack(">I", 2)),
        _box(
            "trak",
            _full("tkhd", track_header + _UNITY + struct.pack(">II", WIDTH << 16, HEIGHT << 16), flags=3),
            _box(
                "mdia",
                _full("mdhd", media_header),
                _full("hdlr", struct.pack(">I4s12s", 0, b"vide", b"") + b"video\0"),
                _box("minf", _full("vmhd", bytes(8), flags=1), reference, table),
            ),
        ),
    )


def _picture_entry() -> bytes:
    """Describes how the pictures are coded (14496-15 section 5.4)."""
    sets = struct.pack(">BH", 0xE1, len(_SEQUENCE)) + _SEQUENCE + struct.pack(">BH", 1, len(_PARAMETERS)) + _PARAMETERS
    config = _box("avcC", b"\1" + _SEQUENCE[1:4] + b"\xff" + sets)
    place = bytes(6) + struct.pack(">H", 1) + bytes(16)
    look = struct.pack(">HHIIIH32sHh", WIDTH, HEIGHT, 0x480000, 0x480000, 0, 1, b"", 24, -1)
    return _box("avc1", place + look + config)


def _box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", _BOX_BYTES + len(body), kind.encode()) + body


def _full(kind: str, body: bytes, *, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), body)
