"""Sends frames of sound through realtime sessions, and through a bare relay, and compares how long they take.

    python -m bench.realtime --sessions 8 --seconds 20
    python -m bench.realtime --sessions 100 --seconds 60 --kills 20
    python -m bench.realtime --url wss://ID.execute-api.REGION.amazonaws.com/realtime --key KEY --model MODEL

The simulated provider answers every tenth frame with its first bytes, which is timed. In the end it tells the digest of
all sound that it has heard: a frame that is lost, doubled or out of its place makes another. Where the machine cannot
carry the sessions at their pace, their clients wait for it: the seconds that it took say so. With `--kills` so many
processes that carry sessions are killed, and what is paid afterwards is held against what the provider has made. With
`--url` a deployed stack is asked, whose provider has to answer likewise.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import orjson

from bench.realtime_parts import Parts
from bench.realtime_talk import FRAME_S, Heard, Talks

ROOT = Path(__file__).resolve().parent.parent
MODEL = "gpt-realtime"
STARTS_WITHIN_S = 60.0
ENDS_S = 30.0
# With kills, each session asks for a response after so many frames: an account has 1,000 responses a minute.
RESPOND_EVERY = 400
HEAD = "| through | sessions whole | frames | seconds | p50 ms | p95 ms | p99 ms |\n|---|---|---|---|---|---|---|"


def told(name: str, talks: Talks) -> float:
    """Prints a row, and returns the median in milliseconds."""
    took = sorted(1000 * each for session in talks.heard for each in session.took_s)
    p50, p95, p99 = statistics.median(took), took[int(len(took) * 0.95)], took[int(len(took) * 0.99)]
    sent, whole = sum(len(session.sent) for session in talks.heard), sum(session.is_whole for session in talks.heard)
    row = (name, f"{whole} of {talks.sessions}", sent, f"{talks.took_s:.1f}", f"{p50:.1f}", f"{p95:.1f}", f"{p99:.1f}")
    print(f"| {' | '.join(map(str, row))} |", flush=True)
    for session in talks.heard:
        if not session.is_whole and not session.closed:
            sys.stderr.write(f"session {session.number}: sent {session.sent_ms} ms of sound; {session.told!r}\n")
    return p50


@contextmanager
def process(*words: str, **environment: str) -> Iterator[dict[str, Any]]:
    """Runs a module until the block's end, and gives the JSON line that it prints."""
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


async def compared(sessions: int, seconds: float, kills: int) -> int:
    """Measures the relay and the local stack, and judges the stack's frames and its money."""
    frames = int(seconds / FRAME_S)
    parts = Parts()
    with process("local.providers", "--port", "0", "--json") as rows, tempfile.TemporaryDirectory() as data:
        provider, key = rows["openai"]["base_url"], rows["openai"]["api_key"]
        print(f"{sessions} sessions, {seconds:g} s of frames of 20 ms\n\n{HEAD}", flush=True)
        with process("bench.realtime_relay", provider.replace("http://", "ws://")) as relay:
            bare = Talks(sessions, frames)
            await bare.hold(f"{relay['url']}/realtime?model={MODEL}", key, parts.begin)
            floor, of_relay = told("a relay", bare), parts.spent(frames * sessions)
        command = ("local", "--port", "0", "--data", data, "--balance", "10000", "--json")
        with process(*command, OPENAI_BASE_URL=provider, OPENAI_API_KEY=key) as stack:
            await asyncio.to_thread(_lift, stack)
            parts.data = Path(data)
            talks = Talks(sessions, frames, RESPOND_EVERY if kills else 0)
            killed: list[int] = []

            async def beside() -> None:
                await parts.begin()
                await _kill(parts, kills, seconds, killed)

            await talks.hold(f"{stack['realtime_url']}/v1/realtime?model={MODEL}", stack["api_key"], beside)
            added = told("the gateway", talks) - floor
            print(f"\nadded to a frame's way there and back, p50: {added:.1f} ms; {talks.opened_s:.1f} s to open\n")
            parts.tell(of_relay, parts.spent(frames * sessions))
            if kills:
                return await asyncio.to_thread(_judged, talks, len(killed), stack, provider, Path(data))
        return int(not all(each.is_whole for each in talks.heard))


async def _kill(parts: Parts, kills: int, seconds: float, killed: list[int]) -> None:
    """Kills processes that carry sessions, one after another, in the first three quarters of the time."""
    for _ in range(kills):
        await asyncio.sleep(0.75 * seconds / kills)
        living = [pid for pid in parts.sessions() if pid not in killed]
        if living:
            killed.append(random.choice(living))
            with suppress(ProcessLookupError):
                os.kill(killed[-1], signal.SIGKILL)


def _judged(talks: Talks, killed: int, stack: dict[str, Any], provider: str, data: Path) -> int:
    """Sweeps, and holds the ledger against what the provider has made; 1 where anything is wrong."""
    root = provider.partition("/v1")[0].rpartition("/openai")[0] or provider.partition("/v1")[0]
    made = {each["id"]: each["usage"] for each in httpx.get(f"{root}/_sim/realtime", timeout=60).json()["responses"]}
    command = [sys.executable, "-m", "local", "--data", str(data), "--json"]
    path = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers/shared'}"}

    def run(*words: str) -> dict[str, Any]:
        done = subprocess.run([*command, *words], env=path, cwd=ROOT, capture_output=True, check=True)
        return dict(orjson.loads(done.stdout))

    run("sweep", "--now", str(time.time() + 7200))
    books = run("ledger", stack["account_id"])
    return judged(talks.heard, killed, books, made)


def judged(heard: Sequence[Heard], killed: int, books: Mapping[str, Any], made: Mapping[str, Any] | None = None) -> int:
    """Prints what became of the sessions and of their money; 1 where a client or a charge is left over.

    `made` has the usage of each response of the provider, by its id; without it the responses that the clients got are
    taken for all. A killed process may have been told of one that it had not charged yet: an estimate stands for it.
    """
    whole, closed = sum(each.is_whole for each in heard), sum(each.closed for each in heard)
    charges = [entry for entry in books["entries"] if entry["kind"] == "charge"]
    exact = Counter(_tokens(entry["usage"]) for entry in charges if not entry["estimated"])
    exact.pop((0, 0), None)  # transcripts
    guessed = sum(entry["estimated"] for entry in charges)
    got = {name: usage for session in heard for name, usage in session.responses.items()}
    made = got if made is None else made
    owed = Counter((each["input_tokens"], each["output_tokens"]) for each in made.values())
    paid = sum(-entry["amount_nano"] for entry in charges)
    credit = sum(entry["amount_nano"] for entry in books["entries"] if entry["kind"] != "charge")
    wrong = {
        "clients neither served to the end nor closed": sum(not each.is_whole and not each.closed for each in heard),
        "sessions that were lost without a kill": max(0, len(heard) - whole - killed),
        "holds that are open": len(books["holds"]) + (books["held_nano"] != 0),
        # Where the provider was not asked, a killed process may have charged for what its client did not get.
        "charges for what the provider has not made": max(0, (exact - owed).total() - killed * (made is got)),
        "responses without a charge": max(0, (owed - exact).total() - killed),
        "responses that a client got and did not pay for": max(0, len(got) - exact.total()),
        "estimates beyond one for each kill": max(0, guessed - killed),
        "nano-USD that the balance is off by": abs(credit - paid - books["balance_nano"]),
    }
    print(f"{killed} processes killed: {whole} sessions whole, {closed} closed; the provider has made {len(made)}")
    print(f"responses, of which {exact.total()} are charged as reported and {guessed} as estimated\n")
    for what, count in wrong.items():
        print(f"| {what} | {count} |")
    return int(any(wrong.values()))


def _tokens(usage: Mapping[str, int]) -> tuple[int, int]:
    heard = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
    return sum(usage[name] for name in heard), usage["output"] + usage["audio_output"]


def _lift(stack: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {stack['api_key']}"}
    with httpx.Client(base_url=stack["base_url"], headers=headers, timeout=STARTS_WITHIN_S, trust_env=False) as client:
        (key,) = client.get("/keys").raise_for_status().json()["data"]
        client.patch(f"/keys/{key['key_id']}", json={"rpm_limit": 100000}).raise_for_status()


def main() -> int:
    """Prints the tables; 1 if a session of the gateway's was not heard whole, or not closed, or not paid for."""
    parser = argparse.ArgumentParser(prog="python -m bench.realtime")
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--kills", type=int, default=0, help="processes that carry sessions to be killed")
    parser.add_argument("--url", default="", help="of a deployed stack's WebSocket API, its stage included")
    parser.add_argument("--key", default="")
    parser.add_argument("--model", default=MODEL)
    given = parser.parse_args()
    if not given.url:
        return asyncio.run(compared(given.sessions, given.seconds, given.kills))
    talks = Talks(given.sessions, int(given.seconds / FRAME_S))
    asyncio.run(talks.hold(f"{given.url}?model={given.model}", given.key, Parts().begin))
    print(HEAD)
    told(given.url, talks)
    return int(not all(each.is_whole for each in talks.heard))


if __name__ == "__main__":
    sys.exit(main())
