"""Keeps the letters that the stack sends, and shows them: their links while it serves, and `python -m local mail`.

moto's SES judges a letter and keeps its HTML alone; here a letter that it took is kept whole.
"""

import argparse
import asyncio
import io
import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SEND = "/v2/email/outbound-emails"
FILE = "mail.jsonl"
LINK = re.compile(r"https?://\S+#\S+")
LOOKED_FOR_S = 0.2


class Mailbox:
    """A WSGI app of SES that writes down the letters which the app below it took."""

    def __init__(self, app: "WSGIApplication", file: Path) -> None:
        self._app = app
        self._file = file

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] != SEND or environ["REQUEST_METHOD"] != "POST":
            return self._app(environ, start_response)
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        started: list[Any] = []

        def remember(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            started[:] = [status, headers, exc_info]
            return None

        answer = list(self._app({**environ, "wsgi.input": io.BytesIO(body)}, remember))
        status, headers, exc_info = started
        if status.startswith("200"):
            self._keep(body)
        start_response(status, headers, exc_info)
        return answer

    def _keep(self, body: bytes) -> None:
        """Appends a letter in one write, before its sender is told that it was taken."""
        file = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, orjson.dumps(letter(orjson.loads(body), time.time())) + b"\n")
        finally:
            os.close(file)


def letter(message: dict[str, Any], sent_at: float) -> dict[str, Any]:
    """Shows a message of SES's SendEmail as `python -m local mail --json` does."""
    simple = message["Content"]["Simple"]
    return {
        "sent_at": round(sent_at, 3),
        "from": message["FromEmailAddress"],
        "to": message["Destination"]["ToAddresses"],
        "subject": simple["Subject"]["Data"],
        "text": simple["Body"]["Text"]["Data"],
        "html": simple["Body"]["Html"]["Data"],
    }


def letters(data: Path) -> list[dict[str, Any]]:
    """Reads the letters of a data directory, the oldest first."""
    file = data / FILE
    return [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.is_file() else []


async def tell(data: Path, say: Callable[[str], None]) -> None:
    """Says of each letter that is sent from now on whose it is, and the link in it; it never ends by itself."""
    known, size = len(letters(data)), -1
    while True:
        await asyncio.sleep(LOOKED_FOR_S)
        file = data / FILE
        if not file.is_file() or file.stat().st_size == size:
            continue
        size = file.stat().st_size
        found = letters(data)
        for one in found[known:]:
            link = LINK.search(one["text"])
            say(f"letter to {', '.join(one['to'])}: {link[0] if link else one['subject']}")
        known = len(found)


def run(arguments: argparse.Namespace) -> int:
    """Shows all letters, as one JSON line or as a page."""
    found = letters(arguments.data.resolve())
    if arguments.json:
        print(orjson.dumps({"letters": found}).decode())
        return 0
    for one in found:
        print(f"To: {', '.join(one['to'])}\nFrom: {one['from']}\nSubject: {one['subject']}\n\n{one['text']}\n")
    return 0
