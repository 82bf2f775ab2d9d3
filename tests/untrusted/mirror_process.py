"""Mirrors one file and prints the peak of its memory. Arguments: SOURCE_URL S3_ENDPOINT CA_FILE."""

import asyncio
import ssl
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from gateway.jobs.media.parts_upload import mirror
from gateway.providers.auth.sigv4 import AwsCredentials
from gateway.stores.aws.credentials import StaticCredentials
from gateway.stores.s3.media import S3MediaObjects
from gateway.transport import Client
from gateway.untrusted.fetch import Fetcher
from gateway.untrusted.urls import Policy


class SystemClock:
    """The clocks of the machine."""

    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


async def this_machine(host: str, port: int) -> Sequence[str]:
    del host, port
    return ["127.0.0.1"]


async def main(url: str, endpoint: str, ca_file: str) -> None:
    tls = ssl.create_default_context(cafile=ca_file)
    policy = Policy(frozenset({str(urlsplit(url).hostname)}))
    credentials = StaticCredentials(AwsCredentials("local", "local"))
    saved: list[str] = []

    async def save(upload_id: str) -> bool:
        saved.append(upload_id)
        return True

    async with Client(tls_context=tls) as client:
        objects = S3MediaObjects(
            client, SystemClock(), credentials, credentials, region="us-east-1", bucket="b", endpoint=endpoint
        )
        source = Fetcher(policy, resolve=this_machine, tls_context=tls).download(url)
        brought = await mirror(source, objects, "media/a/j/0.mp4", "video/mp4", None, save)
    sys.stdout.write(f"{brought.size_bytes} {peak_kb()}\n")


def peak_kb() -> int:
    """Reads the peak from the kernel, since `getrusage` would count the parent's memory at the fork."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
