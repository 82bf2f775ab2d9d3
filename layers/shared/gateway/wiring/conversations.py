"""Builds accounts' conversations."""

from __future__ import annotations

from functools import cache

from gateway.conversations.kept import Conversations
from gateway.stores.conversations import DynamoConversationRecords
from gateway.wiring.objects import bucket_objects
from gateway.wiring.process import process


@cache
def conversations() -> Conversations:
    """The conversations of this deployment."""
    on = process()
    records = DynamoConversationRecords(on.aws, on.settings.responses_table)
    return Conversations(records, bucket_objects(on.settings.responses_bucket), on.clock)
