"""State of `/v1/responses`: its account can continue, read and delete a stored response.

A stored response holds the whole conversation up to it and its answer (protocols/openai_responses/items.py) in one
object. So it needs one read, regardless of the conversation's length, and no deletion or expiry breaks another
response. It can be read before the caller learns that the answer has ended. docs/adr/0008-stored-responses.md has the
reasons.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Sequence

from msgspec.structs import replace

from gateway.errors import InvalidRequest, NotFound, ServiceUnavailable
from gateway.logs.metrics import Metric, count
from gateway.ports.clock import Clock
from gateway.ports.objects import Objects
from gateway.ports.responses import ResponseRecord, ResponseRecords
from gateway.protocols.openai_responses import items

KEEP_S = 30 * 24 * 60 * 60
KEEP_WITHIN_S = 3.0
# More text than any model reads. Parsing takes about thirteen times its size in memory.
CONVERSATION_BYTES_MAX = 8 * 1024 * 1024
RESPONSE_ID = re.compile(r"resp_[A-Za-z0-9_-]{1,128}")
# An item's id leads to the response that contains it; the id of a response or a conversation is never an item's.
ITEM_ID = re.compile(r"(?!resp_|conv_)[a-z]{1,16}_[A-Za-z0-9_-]{1,256}")
# More references than any known conversation has.
REFERENCES_MAX = 500

UNKNOWN = "Response with id '{}' not found."
UNKNOWN_PREVIOUS = "Previous response with id '{}' not found."
UNKNOWN_ITEM = "Item with id '{}' not found. Items are kept only with responses under 'store': true, for 30 days."
TOO_MANY_REFERENCES = "The input refers to more than {} items."
TOO_LONG = "The conversation before this turn is over {} MB; send as input what of it still matters."

log = logging.getLogger(__name__)


class StoredResponses:
    """Responses under `store: true`, for 30 days. A response of another account is answered as unknown."""

    def __init__(self, records: ResponseRecords, objects: Objects, clock: Clock) -> None:
        self._records = records
        self._objects = objects
        self._clock = clock

    async def continued(self, account_id: str, body: bytes) -> bytes:
        """The request with the conversation of its `previous_response_id` before its own input.

        References to earlier items are replaced by the items. A request without either is unchanged. Raises
        `InvalidRequest` if an id is unknown, or if the conversation is too long.
        """
        previous, names = items.earlier(body)
        body = await self._with_referenced(account_id, body, names)
        if previous is None:
            return body
        turn = await self._find(account_id, previous)
        if turn is None:
            message = UNKNOWN_PREVIOUS.format(previous)
            raise InvalidRequest(message, param="previous_response_id", code="previous_response_not_found")
        if len(turn) > CONVERSATION_BYTES_MAX:
            message = TOO_LONG.format(CONVERSATION_BYTES_MAX // 1024**2)
            raise InvalidRequest(message, param="previous_response_id", code="conversation_too_large")
        return items.with_history(body, items.history(turn), {"previous_response_id": previous})

    async def keep(self, account_id: str, response_id: str, body: bytes, response: bytes) -> bool:
        """Stores a response: `body` as `continued` returned it, `response` as the caller gets it; false on failure.

        The caller must not learn that the response is complete before this returns. If it cannot be stored in time, the
        caller still gets the answer; a later request that continues it is told that it is unknown.
        """
        now_s = int(self._clock.now_s())
        record = ResponseRecord(
            account_id=account_id,
            response_id=response_id,
            object_name=f"responses/{secrets.token_hex(32)}",
            created_at_s=now_s,
            expires_at_s=now_s + KEEP_S,
        )
        try:
            async with asyncio.timeout(KEEP_WITHIN_S):
                # The record comes last, so that a record always leads to its object.
                await self._objects.put(record.object_name, items.kept(body, response))
                named = (record.response_id, *filter(ITEM_ID.fullmatch, items.output_items(response)))
                await asyncio.gather(*(self._records.put(replace(record, response_id=name)) for name in named))
        except (TimeoutError, ServiceUnavailable):
            log.exception("response %s could not be kept", response_id)
            count(Metric.RESPONSES_NOT_KEPT)
            return False
        return True

    async def read(self, account_id: str, response_id: str) -> bytes:
        """The stored response, for `items.retrieved` and `items.listed`; raises `NotFound`."""
        turn = await self._find(account_id, response_id)
        if turn is None:
            raise _unknown(response_id)
        return turn

    async def delete(self, account_id: str, response_id: str) -> None:
        """Deletes the response; raises `NotFound`. Later responses hold a copy of its content."""
        record = await self._record(account_id, response_id)
        if record is None:
            raise _unknown(response_id)
        # The content goes first: after a crash in between, only the record is left to be deleted again.
        await self._objects.delete(record.object_name)
        await self._records.delete(record)

    async def _with_referenced(self, account_id: str, body: bytes, names: Sequence[str]) -> bytes:
        """Replaces references to items of earlier answers by the items."""
        if not names:
            return body
        if len(names) > REFERENCES_MAX:
            raise InvalidRequest(TOO_MANY_REFERENCES.format(REFERENCES_MAX), param="input")
        now_s = self._clock.now_s()
        known = [name for name in names if ITEM_ID.fullmatch(name)]
        records = await asyncio.gather(*(self._records.get(account_id, name, now_s) for name in known))
        objects = {record.object_name for record in records if record is not None}
        found = await asyncio.gather(*map(self._answered, objects))
        by_id = {name: item for answered in found for name, item in answered.items()}
        for name in names:
            if name not in by_id:
                raise InvalidRequest(UNKNOWN_ITEM.format(name), param="input")
        whole = items.with_referenced(body, by_id)
        if len(whole) - len(body) > CONVERSATION_BYTES_MAX:
            message = TOO_LONG.format(CONVERSATION_BYTES_MAX // 1024**2)
            raise InvalidRequest(message, param="input", code="conversation_too_large")
        return whole

    async def _answered(self, object_name: str) -> dict[str, items.Item]:
        turn = await self._objects.get(object_name)
        return {} if turn is None else items.output_items(items.retrieved(turn))

    async def _find(self, account_id: str, response_id: str) -> bytes | None:
        record = await self._record(account_id, response_id)
        return None if record is None else await self._objects.get(record.object_name)

    async def _record(self, account_id: str, response_id: str) -> ResponseRecord | None:
        if not RESPONSE_ID.fullmatch(response_id):
            return None
        return await self._records.get(account_id, response_id, self._clock.now_s())


def _unknown(response_id: str) -> NotFound:
    return NotFound(UNKNOWN.format(response_id), code="response_not_found")
