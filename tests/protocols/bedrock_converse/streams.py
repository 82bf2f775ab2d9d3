"""Builds streams in AWS's framing from the goldens and from a test's own events."""

from pathlib import Path
from typing import Any

import orjson

from local.providers.event_stream import message

GOLDEN = Path(__file__).parents[2] / "golden" / "bedrock_converse"


def event(kind: str, payload: Any) -> bytes:
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return message({":event-type": kind, ":content-type": "application/json", ":message-type": "event"}, body)


def exception(kind: str, payload: Any) -> bytes:
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return message(headers, orjson.dumps(payload))


def golden(name: str) -> list[bytes]:
    """Each message of a golden stream, in order."""
    lines = (GOLDEN / f"{name}.jsonl").read_bytes().splitlines()
    return [event(kind, payload) for line in lines for kind, payload in orjson.loads(line).items()]
