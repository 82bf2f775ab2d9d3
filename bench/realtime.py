"""Sends frames of sound through realtime sessions, and through a bare relay, and compares how long they take.

    python -m bench.realtime --sessions 8 --seconds 20
    python -m bench.realtime --url wss://ID.execute-api.REGION.amazonaws.com/realtime --key KEY --model MODEL

The simulated provider answers every tenth frame with its first bytes, which is timed. In the end it tells the digest of
all sound that it has heard: a frame that is lost, doubled or out of its place makes another. With `--url` a deployed
stack is asked, whose provider has to answer likewise.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from local.providers.realtime import ECHO, heard_as

ROOT = Path(__file__).resolve().parent.parent
FRAME_S = 0.02
FRAME_BYTES = 960
ECHO_EVERY = 10
HANGS_AFTER_S = 120.0
ENDS_S = 30.0


@dataclass(slots=True)
class Heard:
    """The frames of one session: when each was sent, and how long it took; whether all were heard as they were sent."""

    sent: dict[int, float] = field(default_factory=dict)
    took_s: list[float] = field(default_factory=list)
    sound: bytearray = field(default_factory=bytearray)
    told: str = ""

    @property
    def is_whole(self) -> bool:
        return self.told == heard_as(bytes(self.sound))


async def talk(url: str, key: str, seconds: float, heard: Heard) -> None:
    """Holds one session: frames at their pace, and their echoes."""
    headers = {"Authorization": f"Bearer {key}"}
    async with connect(url, additional_headers=headers, open_timeout=HANGS_AFTER_S, max_size=None) as socket:
        update: dict[str, Any] = {"type": "realtime", "instructions": f"{ECHO}:{ECHO_EVERY}"}
        update |= {"audio": {"input": {"turn_detection": None, "transcription": {"model": "gpt-realtime-whisper"}}}}
        await socket.send(orjson.dumps({"type": "session.update", "session": update}), text=True)
        while orjson.loads(await socket.recv())["type"] != "session.updated":
            pass
        hearing = asyncio.create_task(_hear(socket, heard))
        began = time.monotonic()
        for number in range(int(seconds / FRAME_S)):
            sound = number.to_bytes(8, "big").ljust(FRAME_BYTES, b"\0")
            heard.sound += sound
            event = {"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode()}
            heard.sent[number] = time.monotonic()
            await socket.send(orjson.dumps(event), text=True)
            await asyncio.sleep(max(0.0, began + (number + 1) * FRAME_S - time.monotonic()))
        await socket.send(b'{"type":"input_audio_buffer.commit"}', text=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(hearing, HANGS_AFTER_S)


async def _hear(socket: ClientConnection, heard: Heard) -> None:
    async for text in socket:
        event = orjson.loads(text)
        if event["type"] == ECHO:
            number = int.from_bytes(base64.b64decode(event["head"])[:8], "big")
            heard.took_s.append(time.monotonic() - heard.sent[number])
        elif event["type"] == "conversation.item.input_audio_transcription.completed":
            heard.told = event["transcript"]
            return
        elif event["type"] == "error":
            sys.stderr.write(f"{event['error']}\n")


async def measured(url: str, key: str, sessions: int, seconds: float) -> list[Heard]:
    """Holds so many sessions at once, each begun a little after the one before."""
    heard = [Heard() for _ in range(sessions)]

    async def one(number: int) -> None:
        await asyncio.sleep(number * 0.2)
        await talk(url, key, seconds, heard[number])

    await asyncio.gather(*(one(number) for number in range(sessions)))
    return heard


def told(name: str, heard: list[Heard]) -> float:
    """Prints a row, and returns the median in milliseconds."""
    took = sorted(1000 * each for session in heard for each in session.took_s)
    p50, p99 = statistics.median(took), took[int(len(took) * 0.99)]
    sent, whole = sum(len(session.sent) for session in heard), sum(session.is_whole for session in heard)
    print(f"| {name} | {sent} | {whole} of {len(heard)} | {p50:.1f} | {p99:.1f} |", flush=True)
    return p50


@asynccontextmanager
async def relaying(provider: str) -> AsyncIterator[str]:
    """Serves a relay that passes every message on and does nothing else."""

    async def relay(client: ServerConnection) -> None:
        asked = client.request
        if asked is None:
            return
        key = {"Authorization": asked.headers["Authorization"]}
        async with connect(provider + asked.path, additional_headers=key) as upstream:
            await asyncio.wait(
                [asyncio.create_task(_passed(client, upstream)), asyncio.create_task(_passed(upstream, client))],
                return_when=asyncio.FIRST_COMPLETED,
            )

    async with serve(relay, "127.0.0.1", 0, max_size=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def _passed(source: Any, target: Any) -> None:
    async for message in source:
        await target.send(message)


@contextmanager
def process(*words: str, **environment: str) -> Iterator[dict[str, Any]]:
    """Runs a module of the stack until the block's end, and gives the JSON line that it prints."""
    path = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers/shared'}"}
    running = subprocess.Popen(
        [sys.executable, "-m", *words], cwd=ROOT, env={**os.environ, **path, **environment}, stdout=subprocess.PIPE
    )
    with running:
        try:
            yield orjson.loads(running.stdout.readline() if running.stdout else b"")
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(ENDS_S)


async def compared(sessions: int, seconds: float) -> int:
    """Measures the relay and the local stack, and judges the stack's frames."""
    with process("local.providers", "--port", "0", "--json") as rows, tempfile.TemporaryDirectory() as data:
        provider, key = rows["openai"]["base_url"], rows["openai"]["api_key"]
        addresses = {"OPENAI_BASE_URL": provider, "OPENAI_API_KEY": key}
        print("| through | frames | sessions heard whole | p50 ms | p99 ms |\n|---|---|---|---|---|")
        async with relaying(provider.replace("http://", "ws://")) as relay:
            bare = told("a relay", await measured(f"{relay}/realtime?model=gpt-realtime", key, sessions, seconds))
        command = ("local", "--port", "0", "--data", data, "--balance", "10000", "--json")
        with process(*command, **addresses) as stack:
            await asyncio.to_thread(_lift, stack)
            url = f"{stack['realtime_url']}/v1/realtime?model=gpt-realtime"
            heard = await measured(url, stack["api_key"], sessions, seconds)
        added = told("the gateway", heard) - bare
    print(f"\nadded to a frame's way there and back, p50: {added:.1f} ms")
    return int(not all(each.is_whole for each in heard))


def _lift(stack: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {stack['api_key']}"}
    with httpx.Client(base_url=stack["base_url"], headers=headers, timeout=HANGS_AFTER_S, trust_env=False) as client:
        (key,) = client.get("/keys").raise_for_status().json()["data"]
        client.patch(f"/keys/{key['key_id']}", json={"rpm_limit": 100000}).raise_for_status()


def main() -> int:
    """Prints the table; 1 if a session of the gateway's was not heard whole."""
    parser = argparse.ArgumentParser(prog="python -m bench.realtime")
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--url", default="", help="of a deployed stack's WebSocket API, its stage included")
    parser.add_argument("--key", default="")
    parser.add_argument("--model", default="gpt-realtime")
    given = parser.parse_args()
    if not given.url:
        return asyncio.run(compared(given.sessions, given.seconds))
    heard = asyncio.run(measured(f"{given.url}?model={given.model}", given.key, given.sessions, given.seconds))
    told(given.url, heard)
    return int(not all(each.is_whole for each in heard))


if __name__ == "__main__":
    sys.exit(main())
