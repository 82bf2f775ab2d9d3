"""OpenAI's Python SDKs of other days, each in an environment of its own."""

from pathlib import Path

import orjson
import pytest

from tests.clients.conftest import ROOT, Stack, run

PYTHON_SCRIPT = Path(__file__).parent / "python_openai.py"


def judge(seen: dict[str, object]) -> None:
    assert seen["text"] == seen["streamed"]
    assert seen["total_tokens"] == seen["streamed_total_tokens"]
    assert (seen["tool"], seen["arguments"]) == ("get_weather", ["city"])
    assert seen["not_found"] == "NotFoundError 404"
    assert seen["bad_request"] == "BadRequestError 400"
    assert seen["broken_provider"] == "InternalServerError 502"
    assert str(seen["broken_stream"]).startswith("APIError")
    assert seen["models"] == ["nexevo/fast", "nexevo/balanced", "nexevo/auto"]


@pytest.mark.parametrize("version", ["1.60", "2.37"])
def test_an_older_python_sdk_reads_everything(stack: Stack, version: str) -> None:
    venv = ROOT / ".cache" / f"openai-{version}"
    run(["sh", "requirements/install", str(venv), f"requirements/openai-{version}.txt"], ROOT)
    seen = run([str(venv / "bin" / "python"), str(PYTHON_SCRIPT), stack.base_url, stack.api_key], ROOT)
    judge(orjson.loads(seen))
