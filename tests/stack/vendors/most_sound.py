"""Prints as one JSON line the most seconds that FFmpeg decodes of each file of a folder, by name, for a test to judge.

Edit lists are followed and not followed, and what cannot be decoded is passed over, as players do it.
"""

import contextlib
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

# Imported by name: FFmpeg's library is not among the packages that this repository is type-checked with.
av: Any = import_module("av")
# FFmpeg's own failures, and PyAV's for a coding that FFmpeg does not know.
FAILURES = (av.FFmpegError, ValueError)
WAYS: tuple[dict[str, str], ...] = ({}, {"ignore_editlist": "1"})


def decoded(path: str, options: dict[str, str]) -> float:
    """Returns the seconds of the longest stream of sound."""
    found = {0: 0.0}
    with contextlib.suppress(*FAILURES), av.open(path, options=options) as file:
        for packet in file.demux():
            with contextlib.suppress(*FAILURES):
                if packet.stream.type != "audio":
                    continue
                for frame in packet.decode():
                    index = packet.stream.index
                    found[index] = found.get(index, 0.0) + frame.samples / frame.sample_rate
    return max(found.values())


paths = sorted(map(str, Path(sys.argv[1]).iterdir()))
sys.stdout.write(json.dumps([max(decoded(path, options) for options in WAYS) for path in paths]))
