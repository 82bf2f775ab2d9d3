"""Tests of older versions of OpenAI's Python SDK, each in its own environment."""

from pathlib import Path

import orjson
import pytest

from tests.environments import ROOT, python_with, run
from tests.stack.conftest import Stack

PYTHON_SCRIPT = Path(__file__).parent / "python_openai.py"
ALIASES = [
    *("nexevo/fast", "nexevo/balanced", "nexevo/auto"),
    *("nexevo/video-fast", "nexevo/video-balanced", "nexevo/video-pro", "nexevo/3d-fast", "nexevo/3d-balanced"),
    *("nexevo/image-fast", "nexevo/image-balanced", "nexevo/image-pro"),
    *("nexevo/embed-fast", "nexevo/embed-balanced", "nexevo/rerank-fast", "nexevo/rerank-balanced"),
]


def judge(seen: dict[str, object]) -> None:
    assert seen["text"] == seen["streamed"]
    assert seen["total_tokens"] == seen["streamed_total_tokens"]
    assert (seen["tool"], seen["arguments"]) == ("get_weather", ["city"])
    assert seen["not_found"] == "NotFoundError 404"
    assert seen["bad_request"] == "BadRequestError 400"
    assert seen["broken_provider"] == "InternalServerError 502"
    assert str(seen["broken_stream"]).startswith("APIError")
    assert seen["models"] == ALIASES


@pytest.mark.parametrize("version", ["1.60", "2.37"])
def test_an_older_python_sdk_reads_everything(stack: Stack, version: str) -> None:
    seen = run([python_with(f"openai-{version}"), str(PYTHON_SCRIPT), stack.base_url, stack.api_key], ROOT)
    judge(orjson.loads(seen))
