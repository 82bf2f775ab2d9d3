"""Holds realtime sessions as clients do that speak at their pace, and tells what became of each frame of sound.

A frame's sound begins with its number and its session's. It is written to the socket without the work that a client's
library spends on it, so that a hundred clients fit on a core: what is measured is behind the socket.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from local.providers.realtime import ECHO
from local.providers.realtime_items import BYTES_PER_MS

FRAME_S = 0.02
HEAD_BYTES = 18
FRAME_BYTES = 960
ECHO_EVERY = 10
# The machine may be loaded: what hangs is given up late.
OPENS_S = 300.0
ENDS_S = 900.0
# Noise, as sound is: base64 of it has every character.
_REST = os.urandom(FRAME_BYTES - HEAD_BYTES)
_TAIL = base64.b64encode(_REST) + b'"}'
_LEAD = b'{"type":"input_audio_buffer.append","audio":"'
# A client's text frame of the length that all have, with a mask of zeros, which leaves the text as it is.
_MASKED = struct.pack(">BBHI", 0x81, 0xFE, len(_LEAD) + HEAD_BYTES // 3 * 4 + len(_TAIL), 0)


@dataclass(slots=True)
class Heard:
    """One session: when each frame was sent, how long its echo took, what the provider says to have heard."""

    number: int
    sent: list[float] = field(default_factory=list)
    took_s: list[float] = field(default_factory=list)
    sound: Any = field(default_factory=hashlib.sha256)
    told: str = ""
    closed: bool = False
    # How many responses were asked for: a client that leaves before they have ended pays for what was seen of them.
    asked: int = 0
    # The usage of the responses that the client got, by their ids.
    responses: dict[str, Any] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def frame(self, number: int) -> bytes:
        """The bytes of a frame, which are counted among what is to be heard."""
        head = struct.pack(">QQxx", number, self.number)
        self.sound.update(head)
        self.sound.update(_REST)
        return b"".join((_MASKED, _LEAD, base64.b64encode(head), _TAIL))

    @property
    def sent_ms(self) -> int:
        """The length of the sound that was sent."""
        return len(self.sent) * FRAME_BYTES // BYTES_PER_MS

    @property
    def is_whole(self) -> bool:
        """True if the provider has heard every frame once and in order."""
        return self.told == f"I heard {self.sent_ms} ms of sound, {self.sound.hexdigest()[:12]}."


@dataclass(slots=True)
class Talks:
    """Sessions that begin to speak once all are open. Each asks for a response every so many frames, or never."""

    sessions: int
    frames: int
    respond_every: int = 0
    began_s: float = 0.0
    took_s: float = 0.0
    opened_s: float = 0.0
    heard: list[Heard] = field(default_factory=list)
    # Sessions in the order in which they end.
    ended: asyncio.Queue[Heard] = field(default_factory=asyncio.Queue)
    _open: asyncio.Barrier | None = None

    async def hold(self, url: str, key: str, beside: Callable[[], Awaitable[None]]) -> list[Heard]:
        """Holds all sessions at once; `beside` is awaited when all are open, and goes on beside them."""
        self.heard = [Heard(number) for number in range(self.sessions)]
        self._open = asyncio.Barrier(self.sessions)
        begun_s = time.monotonic()

        async def one(heard: Heard) -> None:
            headers = {"Authorization": f"Bearer {key}"}
            given: dict[str, Any] = {"max_size": None, "compression": None, "open_timeout": OPENS_S}
            async with connect(url, additional_headers=headers, ping_interval=None, **given) as socket:
                await self._set(socket)
                if await self._all_open() == 0:
                    self.opened_s, self.began_s = time.monotonic() - begun_s, time.monotonic()
                    going_on.append(asyncio.ensure_future(beside()))
                await self._talk(socket, heard)

        going_on: list[asyncio.Future[None]] = []
        await asyncio.gather(*(one(each) for each in self.heard))
        self.took_s = time.monotonic() - self.began_s
        await asyncio.gather(*going_on)
        return self.heard

    async def _all_open(self) -> int:
        return 0 if self._open is None else await self._open.wait()

    async def _set(self, socket: ClientConnection) -> None:
        update: dict[str, Any] = {"type": "realtime", "instructions": f"{ECHO}:{ECHO_EVERY}"}
        update |= {"output_modalities": ["text"]}
        update |= {"audio": {"input": {"turn_detection": None, "transcription": {"model": "gpt-realtime-whisper"}}}}
        await socket.send(orjson.dumps({"type": "session.update", "session": update}), text=True)
        while orjson.loads(await socket.recv())["type"] != "session.updated":
            pass

    async def _talk(self, socket: ClientConnection, heard: Heard) -> None:
        # Sessions are not in step with one another.
        await asyncio.sleep(FRAME_S * heard.number / self.sessions)
        hearing = asyncio.create_task(_hear(socket, heard))
        with suppress(ConnectionClosed):
            await self._speak(socket, heard)
        async with asyncio.timeout(ENDS_S):
            await hearing
        self.ended.put_nowait(heard)

    async def _speak(self, socket: ClientConnection, heard: Heard) -> None:
        began = time.monotonic()
        for number in range(self.frames):
            if socket.state is not State.OPEN:
                return
            frame = heard.frame(number)
            heard.sent.append(time.monotonic())
            socket.transport.write(frame)
            if socket.paused:
                # What is behind does not take more: a client of a library waits here too.
                await socket.drain()
            if self.respond_every and number % self.respond_every == self.respond_every // 2:
                heard.asked += 1
                await socket.send(b'{"type":"response.create"}', text=True)
            await asyncio.sleep(max(0.0, began + (number + 1) * FRAME_S - time.monotonic()))
        await socket.send(b'{"type":"input_audio_buffer.commit"}', text=True)


async def _hear(socket: ClientConnection, heard: Heard) -> None:
    try:
        async for text in socket:
            event = orjson.loads(text)
            match event["type"]:
                case "simulated.echo":
                    number = int.from_bytes(base64.b64decode(event["head"])[:8], "big")
                    heard.took_s.append(time.monotonic() - heard.sent[number])
                case "conversation.item.input_audio_transcription.completed":
                    heard.told = event["transcript"]
                case "response.done":
                    heard.responses[event["response"]["id"]] = event["response"]["usage"]
                case "error":
                    heard.errors.append(str(event["error"].get("code")))
                    sys.stderr.write(f"session {heard.number}: {event['error']}\n")
            if heard.told and len(heard.responses) + len(heard.errors) >= heard.asked:
                return
    except ConnectionClosed:
        pass
    # What ends the loop otherwise is a close in order.
    heard.closed = True
