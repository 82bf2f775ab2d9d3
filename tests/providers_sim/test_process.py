"""Tests of the simulator as a process: it prints its address, and ends when it should."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from openai import APIConnectionError, OpenAI

from tests.hangs import HANGS_AFTER_S

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "local.providers", "--port", "0", "--json"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well_and_quietly(number: signal.Signals) -> None:
    with subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = orjson.loads(process.stdout.readline())["openai"]["base_url"]
        process.send_signal(number)
        rest, errors = process.communicate(timeout=HANGS_AFTER_S)
    assert address.startswith("http://127.0.0.1:")
    assert (process.returncode, rest, errors) == (0, b"", b"")


def test_an_answer_is_not_held_back_by_the_socket(control: Any, rows: Any) -> None:
    headers = {"authorization": f"Bearer {rows['openai']['api_key']}"}
    body = orjson.dumps({"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]})

    def connected() -> http.client.HTTPConnection:
        return http.client.HTTPConnection(control.root.removeprefix("http://"), timeout=HANGS_AFTER_S)

    def answered_s(connection: http.client.HTTPConnection) -> float:
        began_s = time.monotonic()
        connection.request("POST", "/openai/v1/chat/completions", body, headers)
        connection.getresponse().read()
        return time.monotonic() - began_s

    # Nagle's algorithm delays an answer on a kept connection, and none on a new one.
    kept_s, new_s = [], []
    with contextlib.closing(connected()) as kept:
        for _ in range(25):
            kept_s.append(answered_s(kept))
            with contextlib.closing(connected()) as new:
                new_s.append(answered_s(new))
    assert statistics.median(kept_s) < 2 * statistics.median(new_s)


def test_it_ends_at_once_with_a_stream_under_way() -> None:
    with subprocess.Popen(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        row = orjson.loads(process.stdout.readline())["openai"]
        with OpenAI(**row, max_retries=0) as client:
            stream = client.chat.completions.create(
                model="gpt-4o",
                messages=[{"role": "user", "content": "[[sim: stall_after=1]]"}],
                stream=True,
            )
            next(iter(stream))
            process.terminate()
            with pytest.raises(APIConnectionError):
                list(stream)
        _, errors = process.communicate(timeout=HANGS_AFTER_S)
    assert (process.returncode, errors) == (0, b"")


def test_it_ends_when_its_parent_is_gone() -> None:
    # Once the parent is gone the child alone holds the write end, so the pipe ends when the child does.
    alive, held = os.pipe()
    parent_code = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen({COMMAND!r}, stdout=subprocess.PIPE, pass_fds=[{held}])\n"
        "child.stdout.readline()\n"
        "print('serving', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    parent = [sys.executable, "-c", parent_code]
    with subprocess.Popen(parent, cwd=ROOT, pass_fds=[held], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        os.close(held)
        assert process.stdout is not None
        assert process.stdout.readline() == b"serving\n"
        process.kill()
    assert os.read(alive, 1) == b""
    os.close(alive)
