"""Has responses go on from conversations, and adds what was asked and answered to them.

A request that names a conversation begins with its items. Once it is answered, and before the caller learns that the
answer is complete, its own input and the answer are added, once for each response. A vendor's own conversation is none
of ours: it stays in the request, where it is refused. docs/adr/0041-conversations.md has the reasons.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.conversations.contents import input_items
from gateway.conversations.kept import BYTES_MAX, PREFIX, Conversations
from gateway.errors import InvalidRequest, NotFound, ServiceUnavailable
from gateway.logs.metrics import Metric, count
from gateway.protocols.openai_responses import background, items
from gateway.responses.store import KEEP_WITHIN_S, TOO_LONG

ENDED = frozenset({"completed", "incomplete"})
TWICE = "'conversation' and 'previous_response_id' exclude each other: a request goes on from one of them."

log = logging.getLogger(__name__)


class Conversing:
    """Responses in conversations."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def begun(self, account_id: str, body: bytes) -> bytes:
        """The request with the items of the conversation that it names before its own input.

        Raises `NotFound` for one that is not the account's, and `InvalidRequest` for one that is too long.
        """
        named = items.conversation_id(body)
        if named is None:
            return body
        if items.previous_response_id(body) is not None:
            raise InvalidRequest(TWICE, param="conversation", code="mutually_exclusive_parameters")
        if not named.startswith(PREFIX):
            return body
        try:
            record, contents = await self._conversations.read(account_id, named)
        except NotFound as unknown:
            raise NotFound(unknown.message, param="conversation", code=unknown.code) from None
        if record.size_bytes > BYTES_MAX:
            message = TOO_LONG.format(BYTES_MAX // 1024**2)
            raise InvalidRequest(message, param="conversation", code="conversation_too_large")
        said = input_items(contents)
        return items.with_history(body, said, {"conversation": {"id": named, "items": len(said)}})

    async def add(self, account_id: str, response_id: str, body: bytes, response: bytes) -> bool:
        """Adds a turn to its conversation: `body` as `begun` returned it, `response` as the caller gets it.

        False where it could not be added in time, or has no room: the caller gets the answer all the same. A response
        that failed or was cancelled adds nothing, nor does one whose conversation was deleted meanwhile.
        """
        named = items.conversation_of(body)
        if named is None or background.status_of(response) not in ENDED:
            return True
        conversation_id, before = named
        # It was paid for, so a full conversation takes it too, and then no other; of turns side by side, each of which
        # was let in, as many as one turn of the largest may be.
        bytes_max = 2 * BYTES_MAX
        turn = [*items.input_items(body)[before:], *items.output_items(response).values()]
        try:
            async with asyncio.timeout(KEEP_WITHIN_S):
                await self._conversations.append(
                    account_id, conversation_id, _write(response_id), turn, first=before, bytes_max=bytes_max
                )
        except NotFound:
            log.info("%s was deleted before its response ended", conversation_id)
        except (TimeoutError, ServiceUnavailable, InvalidRequest):
            log.exception("response %s could not be added to its conversation", response_id)
            count(Metric.RESPONSES_NOT_KEPT)
            return False
        return True

    async def undo(self, account_id: str, body: bytes, attempt_id: str) -> None:
        """Takes away what the response of an attempt that has died has added, or may still add."""
        named = items.conversation_of(body)
        if named is not None:
            await self._conversations.undo(account_id, named[0], _write(attempt_id))


def _write(identity: str) -> str:
    """The name of a response's write: its attempt's id, which ends the response's own."""
    return identity.rpartition("nxn-")[2]
