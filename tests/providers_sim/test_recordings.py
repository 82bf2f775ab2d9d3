"""What the real services accepted, the simulators accept: recorded requests, where the recordings are at hand."""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings"

# What a recording cannot bring along: the simulator's own signatures and stored items, and a stranger's models.
OTHERS = re.compile(
    r"Invalid `signature`|Corrupted thought signature|encrypted content for item|Previous response with id"
    r"|model `muse-"
)
PREFIXES = {
    "openai/chat": "/openai",
    "openai/responses": "/openai",
    "deepseek/chat": "/deepseek",
    "anthropic/messages": "/anthropic",
    "anthropic/count_tokens": "/anthropic",
    "gemini/generateContent": "/gemini",
    "vertex/generateContent": "/vertex",
    "bedrock/converse": "/bedrock",
    "bedrock/converse-stream": "/bedrock",
}


def accepted(folder: str) -> list[Any]:
    recordings = [orjson.loads(path.read_bytes()) for path in sorted((RECORDINGS / folder).glob("*.json"))]
    return [r for r in recordings if r["response"]["status"] == 200 and r["request"]["method"] == "POST"]


@pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not beside the project")
@pytest.mark.parametrize("folder", PREFIXES)
def test_a_request_that_the_real_service_took_is_taken(folder: str, control: Any, rows: Any) -> None:
    key = rows[folder.partition("/")[0]]["api_key"]
    headers = {"x-api-key": key, "x-goog-api-key": key, "authorization": f"Bearer {key}"}
    headers |= {"anthropic-version": "2023-06-01", "anthropic-beta": "any"}
    connection = http.client.HTTPConnection(control.root.removeprefix("http://"), timeout=10)
    refused: dict[str, str] = {}
    recordings = accepted(folder)
    assert recordings
    for recording in recordings:
        path = PREFIXES[folder] + recording["request"]["path"]
        connection.request("POST", path, orjson.dumps(recording["request"]["body"]), headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        if answer.status != 200 and not OTHERS.search(text):
            refused[recording["request"]["path"]] = text
    connection.close()
    assert refused == {}
