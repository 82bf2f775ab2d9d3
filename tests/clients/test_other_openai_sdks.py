"""OpenAI's SDKs of other days and for another language, each in an environment of its own."""

import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from tests.clients.conftest import ROOT, Stack

NODE = Path(__file__).parent / "node"
PYTHON_SCRIPT = Path(__file__).parent / "python_openai.py"


def run(command: list[str], place: Path) -> bytes:
    done = subprocess.run(command, cwd=place, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def judge(seen: dict[str, object], *, connection: str) -> None:
    assert seen["text"] == seen["streamed"]
    assert seen["total_tokens"] == seen["streamed_total_tokens"]
    assert (seen["tool"], seen["arguments"]) == ("get_weather", ["city"])
    assert seen["not_found"] == "NotFoundError 404"
    assert seen["bad_request"] == "BadRequestError 400"
    assert seen["broken_provider"] == "InternalServerError 502"
    assert str(seen["broken_stream"]).startswith(connection)
    assert seen["models"] == ["nexevo/fast", "nexevo/balanced", "nexevo/auto"]


@pytest.mark.parametrize("version", ["1.60", "2.37"])
def test_an_older_python_sdk_reads_everything(stack: Stack, version: str) -> None:
    venv = ROOT / ".cache" / f"openai-{version}"
    run(["sh", "requirements/install", str(venv), f"requirements/openai-{version}.txt"], ROOT)
    seen = run([str(venv / "bin" / "python"), str(PYTHON_SCRIPT), stack.base_url, stack.api_key], ROOT)
    judge(orjson.loads(seen), connection="APIError")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on this machine")
def test_the_node_sdk_reads_everything(stack: Stack) -> None:
    place = ROOT / ".cache" / "node-clients"
    place.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "openai.mjs"):
        shutil.copy(NODE / name, place / name)
    if not (place / "node_modules" / ".package-lock.json").exists():
        run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], place)
    seen = run(["node", "openai.mjs", stack.base_url, stack.api_key], place)
    judge(orjson.loads(seen), connection="APIError")
