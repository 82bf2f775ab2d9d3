"""Delivers events as Stripe does: signed, again until they are taken; by a switch several times and in any order."""

import asyncio
import hashlib
import hmac
import logging
import random
import time
from typing import Any

import aiohttp
import orjson

log = logging.getLogger(__name__)

TRIES, PAUSE_S = 8, 0.25
# A little apart, so that a later event may overtake an earlier one where that is asked for.
SPREAD_S = 0.3
_TIMEOUT = aiohttp.ClientTimeout(total=30)


def signature(secret: str, body: bytes, at_s: int) -> str:
    """The header of a signed event."""
    signed = hmac.new(secret.encode(), b"%d.%s" % (at_s, body), hashlib.sha256).hexdigest()
    return f"t={at_s},v1={signed}"


class Deliveries:
    """The events on their way to one address. `repeat` is how often each is sent, `shuffled` whether in any order."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = secret
        self.repeat = 1
        self.shuffled = False
        self.events: list[dict[str, Any]] = []
        self.taken: dict[str, int] = {}
        self._sending: set[asyncio.Task[None]] = set()

    def tell(self, event: dict[str, Any]) -> None:
        """Has an event delivered."""
        self.events.append(event)
        body = orjson.dumps(event)
        for _ in range(self.repeat):
            sending = asyncio.get_running_loop().create_task(self._send(event["id"], body))
            self._sending.add(sending)
            sending.add_done_callback(self._sending.discard)

    def close(self) -> None:
        """Cancels what is on its way."""
        for sending in self._sending:
            sending.cancel()

    def describe(self) -> dict[str, Any]:
        """The events so far, how often each was taken, and how many deliveries are on their way."""
        return {"events": self.events, "taken": self.taken, "sending": len(self._sending)}

    async def _send(self, event_id: str, body: bytes) -> None:
        if not self.url:
            return
        if self.shuffled:
            await asyncio.sleep(random.random() * SPREAD_S)
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            for number in range(TRIES):
                if await self._taken(session, body):
                    self.taken[event_id] = self.taken.get(event_id, 0) + 1
                    return
                await asyncio.sleep(PAUSE_S * 2**number)

    async def _taken(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        headers = {
            "content-type": "application/json; charset=utf-8",
            "stripe-signature": signature(self.secret, body, int(time.time())),
        }
        try:
            async with session.post(self.url, data=body, headers=headers) as answer:
                await answer.read()
                return answer.status < 300
        except (aiohttp.ClientError, TimeoutError) as error:
            log.info("the webhook did not answer: %r", error)
            return False
