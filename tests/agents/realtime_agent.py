"""Runs an agent in a realtime session of OpenAI's Agents SDK.

Asked in words it runs its tool; then its story is interrupted by speech, which it answers.
`python realtime_agent.py REALTIME_URL MODEL QUESTION`; the key is in OPENAI_API_KEY.
"""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from typing import Any

from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner

HANGS_AFTER_S = 60
SPEECH, SILENCE = struct.pack("<h", 8000) * 4800, bytes(19200)


def shell(command: str) -> str:
    """Runs a command."""
    ran = subprocess.run(command, shell=True, check=True, capture_output=True, text=True)  # noqa: S602  # the test's own
    return ran.stdout or "done"


async def main(realtime_url: str, model: str, question: str) -> None:
    """Holds the session; raises for any error that it tells of."""
    agent = RealtimeAgent(name="Writer", instructions="You write greetings.", tools=[function_tool(shell)])
    detection = {"type": "server_vad", "silence_duration_ms": 300, "interrupt_response": True}
    settings: Any = {"model_name": model, "turn_detection": detection}
    runner = RealtimeRunner(agent, config={"model_settings": settings})
    session = await runner.run(model_config={"url": f"{realtime_url}/v1/realtime?model={model}"})
    async with asyncio.timeout(HANGS_AFTER_S), session:
        events = aiter(session)

        async def until(*kinds: str) -> None:
            for kind in kinds:
                async for event in events:
                    assert event.type != "error", event
                    if event.type == kind:
                        break

        await session.send_message(question)
        await until("tool_end", "agent_end")
        await session.send_message("[[sim: chunk_ms=50 chunks=80 no_tool]] Tell me a story.")
        await until("audio")
        await session.send_audio(SPEECH)
        await until("audio_interrupted")
        await session.send_audio(SILENCE)
        await until("agent_start", "audio", "agent_end")


asyncio.run(main(*sys.argv[1:]))
