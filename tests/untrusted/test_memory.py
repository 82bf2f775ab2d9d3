"""Tests the peak memory of a process that copies a gigabyte from a provider into S3, both over TLS."""

from __future__ import annotations

import asyncio
import os
import re
import ssl
import sys
from pathlib import Path

import pytest

from gateway.jobs.media.parts_upload import PART_BYTES
from tests.arch.tree import ROOT
from tests.drawn import drawn
from tests.transport.scripted_server import Peer, serving
from tests.untrusted.file_forms import CLIP
from tests.untrusted.test_fetch import answer

pytestmark = pytest.mark.anyio

# In `make check` a third of them, which is as far above the bound.
PARTS = len(drawn(range(1024 * 1024 * 1024 // PART_BYTES)))
SIZE_BYTES = PARTS * PART_BYTES
PEAK_KB_MAX = 120 * 1024
BLOCK = bytes(1024 * 1024)


@pytest.fixture
def anyio_backend() -> str:
    """Selects the machine's clock, since the process that copies is not on this loop."""
    return "asyncio"


async def provider(peer: Peer) -> None:
    """Sends a film of a gigabyte as fast as possible."""
    await peer.request()
    await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % SIZE_BYTES, CLIP, BLOCK[len(CLIP) :])
    for _ in range(SIZE_BYTES // len(BLOCK) - 1):
        await peer.send(BLOCK)
    await peer.gone()


class Sink:
    """The part of S3 that an upload needs. It keeps only the parts' sizes."""

    def __init__(self) -> None:
        self.parts_bytes: list[int] = []

    async def __call__(self, peer: Peer) -> None:
        while True:
            head, _, body = (await peer.request()).partition(b"\r\n\r\n")
            await peer.send(self._answer(head.split(b" HTTP/1.1")[0], len(body)))

    def _answer(self, asked: bytes, size_bytes: int) -> bytes:
        if asked.endswith(b"?uploads"):
            return answer(b"<UploadId>u</UploadId>")
        if re.search(rb"partNumber=\d+&uploadId=u$", asked):
            self.parts_bytes.append(size_bytes)
            return answer(b"", 'etag: "e"')
        if asked.startswith(b"HEAD"):
            return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\ncontent-type: video/mp4\r\n\r\n" % sum(self.parts_bytes)
        return answer(b"<CompleteMultipartUploadResult/>")


async def test_a_gigabyte_is_mirrored_within_120_mb(served: ssl.SSLContext, certificate: Path) -> None:
    sink = Sink()
    async with serving(provider, tls=served) as source, serving(sink, tls=served) as s3:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.untrusted.mirror_process",
            f"https://files.example:{source.origin.port}/film.mp4",
            f"https://127.0.0.1:{s3.origin.port}",
            str(certificate),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'layers/shared'}:{ROOT}"},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    size_bytes, peak_kb = map(int, said.split())
    assert (size_bytes, sink.parts_bytes) == (SIZE_BYTES, [PART_BYTES] * PARTS)
    assert peak_kb < PEAK_KB_MAX
