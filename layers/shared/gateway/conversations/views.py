"""Shows conversations to both kinds of clients: the reference's and OpenAI's SDKs read the same objects.

https://platform.openai.com/docs/api-reference/conversations
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.conversations.contents import Contents, Entry, text_of
from gateway.errors import InvalidRequest
from gateway.ports.conversations import Conversation

# An answer of a function has 6 MB at most; a page has one item in any case.
PAGE_BYTES_MAX = 4 * 1024 * 1024
MESSAGES_MAX = 100


def conversation_view(record: Conversation) -> dict[str, Any]:
    """A conversation without its contents."""
    return {
        "id": record.conversation_id,
        "conversation_id": record.conversation_id,
        "object": "conversation",
        "title": record.title,
        "metadata": orjson.loads(record.metadata),
        "created_at": record.created_at_s,
        "updated_at": record.updated_at_s,
        "expires_at": record.expires_at_s,
        "item_count": record.items,
    }


def detail_view(record: Conversation, contents: Contents) -> dict[str, Any]:
    """A conversation with its newest messages, oldest of them first."""
    said = [entry for entry in contents.entries if entry.item.get("type") == "message"]
    newest = said[::-1][:MESSAGES_MAX]
    shown = _fitting([message_view(record.conversation_id, entry) for entry in newest])
    return {**conversation_view(record), "messages": shown[::-1], "has_more": len(shown) < len(said)}


def deleted_view(conversation_id: str) -> dict[str, Any]:
    """The answer to a deletion."""
    named = {"id": conversation_id, "conversation_id": conversation_id}
    return {**named, "object": "conversation.deleted", "deleted": True}


def message_view(conversation_id: str, entry: Entry) -> dict[str, Any]:
    """A message with its text."""
    return {
        "id": entry.item_id,
        "message_id": entry.item_id,
        "object": "conversation.message",
        "conversation_id": conversation_id,
        "role": entry.item.get("role"),
        "content": text_of(entry.item),
        "created_at": entry.at_s,
    }


def items_view(entries: Sequence[Entry], *, has_more: bool = False) -> dict[str, Any]:
    """A list of items."""
    return {
        "object": "list",
        "data": [entry.item for entry in entries],
        "first_id": entries[0].item_id if entries else None,
        "last_id": entries[-1].item_id if entries else None,
        "has_more": has_more,
    }


def items_page(contents: Contents, *, limit: int, after: str | None, newest_first: bool) -> dict[str, Any]:
    """One page of a conversation's items; raises `InvalidRequest` for a page after an item that there is not."""
    ordered = contents.entries[::-1] if newest_first else contents.entries
    start = 0
    if after is not None:
        place = contents.place_of(after)
        if place is None:
            raise InvalidRequest("Invalid 'after': no such item.", param="after", code="invalid_value")
        start = len(ordered) - place if newest_first else place + 1
    shown = _fitting([entry.item for entry in ordered[start : start + limit]])
    end = start + len(shown)
    return items_view(ordered[start:end], has_more=end < len(ordered))


def _fitting(shown: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of what is shown, as much as an answer holds."""
    fitting: list[dict[str, Any]] = []
    size = 0
    for each in shown:
        size += len(orjson.dumps(each))
        if fitting and size > PAGE_BYTES_MAX:
            break
        fitting.append(each)
    return fitting
