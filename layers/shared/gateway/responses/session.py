"""Keeps the last responses of a session over a socket, for those that go on from them: with `store: false` too."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from gateway.framing.json_edit import members
from gateway.ports.clock import Clock
from gateway.ports.objects import Objects
from gateway.ports.responses import ResponseRecords
from gateway.protocols.openai_responses import items
from gateway.responses.store import CONVERSATION_BYTES_MAX, StoredResponses

# A client may go back by a few turns, and begins anew, or from the store, where it goes back further.
TURNS_MAX = 4
TURNS_BYTES_MAX = 2 * CONVERSATION_BYTES_MAX


class SessionResponses(StoredResponses):
    """The stored responses, before them those of the session: to go on from one of these reads no store."""

    def __init__(
        self, records: ResponseRecords, objects: Objects, clock: Clock, turns: Sequence[tuple[str, bytes]]
    ) -> None:
        super().__init__(records, objects, clock)
        self._turns = dict(turns)
        self._asked = b"{}"

    @property
    def turns(self) -> Sequence[tuple[str, bytes]]:
        """The kept responses, the oldest first."""
        return list(self._turns.items())

    async def continued(self, account_id: str, body: bytes) -> bytes:
        previous, names = items.earlier(body)
        turn = None if previous is None else self._turns.get(previous)
        if turn is None:
            self._asked = await super().continued(account_id, body)
        else:
            body = await self._with_referenced(account_id, body, names)
            self._asked = items.with_history(body, items.history(turn), {"previous_response_id": previous})
        return self._asked

    def remember(self, response: bytes) -> None:
        """Keeps the response to what was asked last, and of the others those that there is room for."""
        turns = self._turns
        identity = orjson.loads(members(response)["id"])
        turns.pop(identity, None)
        turns[identity] = items.kept(self._asked, response)
        while len(turns) > TURNS_MAX or (len(turns) > 1 and sum(map(len, turns.values())) > TURNS_BYTES_MAX):
            del turns[next(iter(turns))]
