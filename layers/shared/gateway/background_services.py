"""The composition root of responses in the background: the chat corridor, and jobs beside it."""

from __future__ import annotations

from functools import cache

from gateway.background.running import BackgroundRun, Running
from gateway.bootstrap import bucket_objects, chat_services, ground
from gateway.job_services import job_ground
from gateway.stored_responses import StoredResponses
from gateway.stores.keys import DynamoKeys
from gateway.stores.responses_dynamodb import DynamoResponseRecords


@cache
def background_run() -> BackgroundRun:
    """What runs responses on."""
    chosen, clock, client, aws = ground()
    on, services = job_ground(), chat_services()
    objects = bucket_objects(chosen, client, clock, chosen.responses_bucket)
    turns = StoredResponses(DynamoResponseRecords(aws, chosen.responses_table), objects, clock)
    keys = DynamoKeys(aws, clock, chosen.keys_table)
    return BackgroundRun(Running(on.jobs, on.writer, keys, on.money, services.corridor, objects, turns, clock))
