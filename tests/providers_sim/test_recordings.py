"""Tests that the simulators accept recorded requests that the real services accepted, if the recordings are present."""

from __future__ import annotations

import http.client
import re
from typing import Any

import orjson
import pytest

from tests.hangs import HANGS_AFTER_S
from tests.recorded import files, read_recording

# Members that a recording cannot provide: the simulator's own signatures and stored items, and models it does not know.
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
    recordings = [read_recording(path) for path in files(f"{folder}/*.json")]
    return [r for r in recordings if r["response"]["status"] == 200 and r["request"]["method"] == "POST"]


@pytest.mark.parametrize("folder", PREFIXES)
def test_a_request_that_the_real_service_took_is_taken(folder: str, control: Any, rows: Any) -> None:
    key = rows[folder.partition("/")[0]]["api_key"]
    headers = {"x-api-key": key, "x-goog-api-key": key, "authorization": f"Bearer {key}"}
    headers |= {"anthropic-version": "2023-06-01", "anthropic-beta": "any"}
    connection = http.client.HTTPConnection(control.root.removeprefix("http://"), timeout=HANGS_AFTER_S)
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
