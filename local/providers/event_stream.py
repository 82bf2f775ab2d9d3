"""Encodes one message of AWS's binary event stream: lengths, checksums, string headers, payload.

Source: https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html (the encoding is the same).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping

_STRING = 7


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Encodes a message with both of its checksums."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(encoded) + len(payload), len(encoded))
    unchecked = prelude + struct.pack(">I", zlib.crc32(prelude)) + encoded + payload
    return unchecked + struct.pack(">I", zlib.crc32(unchecked))


def _header(name: str, value: str) -> bytes:
    raw_name, raw_value = name.encode(), value.encode()
    return struct.pack(">B", len(raw_name)) + raw_name + struct.pack(">BH", _STRING, len(raw_value)) + raw_value
