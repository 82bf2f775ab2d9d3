"""Resources of the async client.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from nexevo_ai._async.answers import AsyncPage
from nexevo_ai._async.conveniences import AsyncResource
from nexevo_ai._deferred import deferred  # async only
from nexevo_ai._request import call_of, path_part
from nexevo_ai.types.conversations import (
    Conversation,
    ConversationDeleted,
    ConversationDetail,
    ConversationMessage,
    Item,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from nexevo_ai.params.conversations import (
        ConversationsAppendMessageParams,
        ConversationsCreateItemsParams,
        ConversationsCreateParams,
        ConversationsDeleteItemParams,
        ConversationsDeleteParams,
        ConversationsGetItemParams,
        ConversationsGetParams,
        ConversationsListItemsParams,
        ConversationsListParams,
        ConversationsUpdateParams,
    )


class AsyncConversationsResource(AsyncResource):
    """Methods of `client.conversations`."""

    async def create(self, **params: Unpack[ConversationsCreateParams]) -> Conversation:
        """Creates a conversation, with its first items where there are some."""
        call = call_of("POST", "/v1/conversations", {**params}, body=("title", "metadata", "items"), is_once=True)
        answer: Conversation = await self._ask(call, kind=Conversation)
        return answer

    @deferred  # async only
    async def list(self, **params: Unpack[ConversationsListParams]) -> AsyncPage[Conversation]:
        """Lists the account's conversations, newest first."""
        call = call_of("GET", "/v1/conversations", {**params}, query=("limit", "cursor"))
        answer: AsyncPage[Conversation] = await self._ask(call, element=Conversation)
        return answer

    async def get(self, conversation_id: str, **params: Unpack[ConversationsGetParams]) -> ConversationDetail:
        """Shows a conversation with its newest messages."""
        call = call_of("GET", f"/v1/conversations/{path_part(conversation_id)}", {**params})
        answer: ConversationDetail = await self._ask(call, kind=ConversationDetail)
        return answer

    async def update(self, conversation_id: str, **params: Unpack[ConversationsUpdateParams]) -> Conversation:
        """Changes the title and the metadata that are given."""
        call = call_of(
            "PATCH", f"/v1/conversations/{path_part(conversation_id)}", {**params}, body=("title", "metadata")
        )
        answer: Conversation = await self._ask(call, kind=Conversation)
        return answer

    async def delete(self, conversation_id: str, **params: Unpack[ConversationsDeleteParams]) -> ConversationDeleted:
        """Deletes a conversation and all that was said in it."""
        call = call_of("DELETE", f"/v1/conversations/{path_part(conversation_id)}", {**params})
        answer: ConversationDeleted = await self._ask(call, kind=ConversationDeleted)
        return answer

    async def append_message(
        self,
        conversation_id: str,
        role: Literal["assistant", "system", "tool", "user"],
        content: str,
        **params: Unpack[ConversationsAppendMessageParams],
    ) -> ConversationMessage:
        """Stores a message; calls no model."""
        call = call_of(
            "POST",
            f"/v1/conversations/{path_part(conversation_id)}/messages",
            {"role": role, "content": content, **params},
            body=("role", "content"),
            is_once=True,
        )
        answer: ConversationMessage = await self._ask(call, kind=ConversationMessage)
        return answer

    @deferred  # async only
    async def create_items(
        self, conversation_id: str, items: Sequence[Mapping[str, Any]], **params: Unpack[ConversationsCreateItemsParams]
    ) -> AsyncPage[Item]:
        """Stores items; calls no model."""
        call = call_of(
            "POST",
            f"/v1/conversations/{path_part(conversation_id)}/items",
            {"items": items, **params},
            body=("items",),
            is_once=True,
        )
        answer: AsyncPage[Item] = await self._ask(call, element=Item)
        return answer

    @deferred  # async only
    async def list_items(self, conversation_id: str, **params: Unpack[ConversationsListItemsParams]) -> AsyncPage[Item]:
        """Lists the items of a conversation, newest first unless asked otherwise."""
        call = call_of(
            "GET",
            f"/v1/conversations/{path_part(conversation_id)}/items",
            {**params},
            query=("limit", "after", "order"),
        )
        answer: AsyncPage[Item] = await self._ask(call, element=Item)
        return answer

    async def get_item(self, conversation_id: str, item_id: str, **params: Unpack[ConversationsGetItemParams]) -> Item:
        """Shows an item."""
        call = call_of("GET", f"/v1/conversations/{path_part(conversation_id)}/items/{path_part(item_id)}", {**params})
        answer: Item = await self._ask(call, kind=Item)
        return answer

    async def delete_item(
        self, conversation_id: str, item_id: str, **params: Unpack[ConversationsDeleteItemParams]
    ) -> Conversation:
        """Deletes an item, and shows the conversation."""
        call = call_of(
            "DELETE", f"/v1/conversations/{path_part(conversation_id)}/items/{path_part(item_id)}", {**params}
        )
        answer: Conversation = await self._ask(call, kind=Conversation)
        return answer
