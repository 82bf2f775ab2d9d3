"""Runs the family's app over memory, for two accounts."""

from __future__ import annotations

from typing import Any

import httpx

from functions.conversations.app import app
from gateway.conversations.kept import Conversations
from gateway.ports.keys import KeyRecord
from tests.control_plane.harness import ACCOUNT, CALLER_IP, NOW_S, AppUnderTest, as_from_api_gateway
from tests.fakes.answers import MemoryAnswers
from tests.fakes.conversations import MemoryConversationRecords
from tests.fakes.feedback import MemoryFeedback
from tests.fakes.memories import MemoryMemories
from tests.fakes.objects import MemoryObjects
from tests.fakes.questions import MemoryQuestions

PLAIN_KEY = "sk-xc-plain-of-one"


class Served(AppUnderTest):
    """The family's app over memory, for two accounts."""

    async def settle_in(self) -> None:
        await super().settle_in()
        app._services = self.services
        self.objects = MemoryObjects()
        self.kept = Conversations(MemoryConversationRecords(), self.objects, self.clock)
        self.memories = MemoryMemories()
        self.feedback = MemoryFeedback()
        self.cached = MemoryAnswers()
        self.questions = MemoryQuestions()
        plain = KeyRecord("key_plain", ACCOUNT, "plain", PLAIN_KEY[-4:], int(NOW_S))
        await self.give_key(PLAIN_KEY, plain, can_manage_keys=False)

    async def send(
        self, method: str, path: str, body: object = None, key: str = PLAIN_KEY, **headers: str
    ) -> httpx.Response:
        transport = httpx.ASGITransport(as_from_api_gateway(app), raise_app_exceptions=False, client=(CALLER_IP, 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.test") as client:
            sent: dict[str, Any] = {} if body is None else {"json": body}
            return await client.request(method, path, headers={"Authorization": f"Bearer {key}", **headers}, **sent)

    async def does(self, method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        answer = await self.send(method, path, body, **headers)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown
