"""An ASGI app that streams as its query says: `chunks`, `every_ms`, and the kind of its end (`end`).

With a `gate` each chunk after the first waits for the file of its number in that folder.
"""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs


async def app(scope: dict[str, Any], _receive: object, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Streams."""
    if scope["type"] != "http":
        raise NotImplementedError
    query = {name: values[-1] for name, values in parse_qs(scope["query_string"].decode()).items()}
    if query.get("end") == "before":
        raise RuntimeError("before the first byte")
    headers = [(b"content-type", b"text/plain"), (b"x-pid", str(os.getpid()).encode())]
    headers += [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    for number in range(int(query.get("chunks", 3))):
        if number and "gate" in query:
            await asyncio.to_thread(_until_there, Path(query["gate"], str(number)))
        try:
            await send({"type": "http.response.body", "body": b"chunk %d\n" % number, "more_body": True})
        except OSError:
            sys.stderr.write(f"lost {query.get('tag')}\n")
            raise
        await asyncio.sleep(int(query.get("every_ms", 0)) / 1000)
    if query.get("end") == "raise":
        raise RuntimeError("after the first byte")
    if query.get("end") == "exit":
        os._exit(7)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
    sys.stderr.write(f"ended {query.get('tag')}\n")


def _until_there(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)
