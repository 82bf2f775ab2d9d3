"""The endpoints of conversations, as the reference has them and as OpenAI's SDKs call them, on the same objects.

https://platform.openai.com/docs/api-reference/conversations
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

import orjson
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway.conversations.contents import message
from gateway.conversations.kept import Conversations, unknown_item
from gateway.conversations.views import (
    conversation_view,
    deleted_view,
    detail_view,
    items_page,
    items_view,
    message_view,
)
from gateway.errors import InvalidRequest, NotFound
from gateway.http.calls import KeyedCall, Page, Shown
from gateway.http.creating import created_once
from gateway.http.endpoints import Endpoints
from gateway.protocols.openai_responses.decode_items import decode_input
from gateway.protocols.openai_responses.items import Item
from gateway.protocols.shared import document
from gateway.protocols.shared.body import Body
from gateway.wiring.conversations import conversations

TITLE_CHARACTERS_MAX = 512
METADATA_BYTES_MAX = 4_096
ITEMS_AT_ONCE = 20
LARGE_METADATA = f"Invalid 'metadata': expected at most {METADATA_BYTES_MAX} bytes of compact JSON."
REFERS = "An item of a conversation cannot refer to another one: send the item itself."

Title = Annotated[str, Meta(max_length=TITLE_CHARACTERS_MAX)]
Items = Annotated[list[dict[str, Any]], Meta(max_length=ITEMS_AT_ONCE)]


class NewConversation(Body, frozen=True, kw_only=True):
    """The body that creates a conversation."""

    title: Title | None = None
    metadata: dict[str, Any] | None = None
    items: Items | None = None


class ConversationChanges(Body, frozen=True, kw_only=True):
    """The body that describes a conversation anew; what is not given stays."""

    title: Title | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET

    def changes(self) -> dict[str, Any]:
        """The changes of the record."""
        title = {} if self.title is UNSET else {"title": self.title}
        return title if self.metadata is UNSET else {**title, "metadata": compact(self.metadata)}


class NewMessage(Body, frozen=True, kw_only=True):
    """The body that appends a message."""

    role: Literal["user", "assistant", "system", "tool"]
    content: str


class NewItems(Body, frozen=True, kw_only=True):
    """The body that appends items."""

    items: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=ITEMS_AT_ONCE)]


class ItemsPage(Struct):
    """The part of a conversation's items that a query asks for."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: Annotated[str, Meta(max_length=300)] | None = None
    order: Literal["asc", "desc"] = "desc"


def compact(metadata: Mapping[str, Any] | None) -> str:
    """Metadata as it is stored; raises the refusal of more than there is room for."""
    text = orjson.dumps(metadata or {})
    if len(text) > METADATA_BYTES_MAX:
        raise InvalidRequest(LARGE_METADATA, param="metadata", code="metadata_too_large")
    return text.decode()


class ConversationCall(KeyedCall):
    """One call about accounts' conversations."""

    @property
    def kept(self) -> Conversations:
        """Accounts' conversations."""
        return conversations()

    @property
    def conversation_id(self) -> str:
        """The conversation that the path names."""
        return self.path["conversation_id"]

    async def undo(self, write: str) -> None:
        """Takes away what a write has added to the conversation that the path names."""
        await self.kept.undo(self.account_id, self.conversation_id, write)

    async def discard(self, conversation_id: str) -> None:
        """Deletes a conversation, if it exists."""
        with suppress(NotFound):
            await self.kept.delete(self.account_id, conversation_id)

    def checked(self, items: list[dict[str, Any]]) -> list[Item]:
        """The items of the body, which a request of responses would take; raises the refusal with the JSON path."""
        if not items:
            return []
        given = document.parse(self.request.body).required("items")
        for node in given.elements():
            if node.as_object().get("type") == "item_reference":
                raise node.error(REFERS)
        decode_input(given, {})
        return items


served = Endpoints(ConversationCall, "/v1/conversations", "/conversations")


@served.on("POST", "", body=NewConversation)
async def create_conversation(call: ConversationCall, wanted: NewConversation) -> Shown:
    """Creates a conversation, with its first items where there are some."""
    metadata, items = compact(wanted.metadata), call.checked(wanted.items or [])
    kept, conversation_id = call.kept, call.kept.new_id()

    async def create() -> Mapping[str, Any]:
        return conversation_view(await kept.create(call.account_id, conversation_id, wanted.title, metadata, items))

    return await created_once(call, conversation_id, create, call.discard, status=200)


@served.on("GET", "", query=Page)
async def list_conversations(call: ConversationCall, wanted: Page) -> Shown:
    """Lists the account's conversations, newest first."""
    page = await call.kept.page(call.account_id, wanted.limit, wanted.cursor)
    return page.shown(conversation_view)


@served.on("GET", "/{conversation_id}")
async def get_conversation(call: ConversationCall) -> Shown:
    """Shows a conversation with its newest messages."""
    return detail_view(*await call.kept.read(call.account_id, call.conversation_id))


@served.on("POST", "/{conversation_id}", body=ConversationChanges)
@served.on("PATCH", "/{conversation_id}", body=ConversationChanges)
async def update_conversation(call: ConversationCall, wanted: ConversationChanges) -> Shown:
    """Changes the title and the metadata that are given."""
    return conversation_view(await call.kept.describe(call.account_id, call.conversation_id, wanted.changes()))


@served.on("DELETE", "/{conversation_id}")
async def delete_conversation(call: ConversationCall) -> Shown:
    """Deletes a conversation and all that was said in it."""
    await call.kept.delete(call.account_id, call.conversation_id)
    return deleted_view(call.conversation_id)


@served.on("POST", "/{conversation_id}/messages", body=NewMessage)
async def append_message(call: ConversationCall, wanted: NewMessage) -> Shown:
    """Stores a message; calls no model."""
    kept, write = call.kept, call.kept.new_write()

    async def create() -> Mapping[str, Any]:
        said = [message(wanted.role, wanted.content)]
        _, contents = await kept.append(call.account_id, call.conversation_id, write, said)
        (added,) = contents.added_by(write)
        return message_view(call.conversation_id, added)

    return await created_once(call, write, create, call.undo, status=200)


@served.on("POST", "/{conversation_id}/items", body=NewItems)
async def create_items(call: ConversationCall, wanted: NewItems) -> Shown:
    """Stores items; calls no model."""
    items = call.checked(wanted.items)
    kept, write = call.kept, call.kept.new_write()

    async def create() -> Mapping[str, Any]:
        _, contents = await kept.append(call.account_id, call.conversation_id, write, items)
        return items_view(contents.added_by(write))

    return await created_once(call, write, create, call.undo, status=200)


@served.on("GET", "/{conversation_id}/items", query=ItemsPage)
async def list_items(call: ConversationCall, wanted: ItemsPage) -> Shown:
    """Lists the items of a conversation, newest first unless asked otherwise."""
    _, contents = await call.kept.read(call.account_id, call.conversation_id)
    return items_page(contents, limit=wanted.limit, after=wanted.after or None, newest_first=wanted.order == "desc")


@served.on("GET", "/{conversation_id}/items/{item_id}")
async def get_item(call: ConversationCall) -> Shown:
    """Shows an item."""
    _, contents = await call.kept.read(call.account_id, call.conversation_id)
    place = contents.place_of(call.path["item_id"])
    if place is None:
        raise unknown_item(call.path["item_id"])
    return contents.entries[place].item


@served.on("DELETE", "/{conversation_id}/items/{item_id}")
async def delete_item(call: ConversationCall) -> Shown:
    """Deletes an item, and shows the conversation."""
    return conversation_view(await call.kept.drop(call.account_id, call.conversation_id, call.path["item_id"]))
