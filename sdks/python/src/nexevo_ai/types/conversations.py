"""Types of answers.

Written by `sdks/python/generate.py`.
"""

from __future__ import annotations

from typing import Optional

from nexevo_ai._models import NexevoModel, Object

# Shared.


class Conversation(NexevoModel):
    """A conversation without its contents."""

    id: str
    conversation_id: str
    object: str
    title: Optional[str]
    metadata: Object
    created_at: int
    updated_at: int
    expires_at: Optional[int]
    item_count: int


class ConversationDeleted(NexevoModel):
    """Answer to the deletion of a conversation."""

    id: str
    conversation_id: str
    object: str
    deleted: bool


class ConversationDetail(NexevoModel):
    """A conversation with its newest messages, oldest of them first."""

    id: str
    conversation_id: str
    object: str
    title: Optional[str]
    metadata: Object
    created_at: int
    updated_at: int
    expires_at: Optional[int]
    item_count: int
    messages: list[ConversationMessage]
    has_more: bool


class ConversationList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Conversation]
    has_more: bool
    next_cursor: Optional[str]


class ConversationMessage(NexevoModel):
    """A message with its text."""

    id: str
    message_id: str
    object: str
    conversation_id: str
    role: Optional[str]
    content: str
    created_at: int


class Item(NexevoModel):
    """An item of a conversation, as the Responses API has them."""

    type: str
    id: Optional[str] = None


class ItemList(NexevoModel):
    """One page of a list."""

    object: str
    data: list[Item]
    first_id: Optional[str]
    last_id: Optional[str]
    has_more: bool


Conversation.model_rebuild()
ConversationDeleted.model_rebuild()
ConversationDetail.model_rebuild()
ConversationList.model_rebuild()
ConversationMessage.model_rebuild()
Item.model_rebuild()
ItemList.model_rebuild()
