"""Builds the carrier of sessions, with the kinds of sessions that it knows."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from gateway.sockets.carrying import Carrier, Kind
from gateway.wiring.following import look
from gateway.wiring.process import process
from gateway.wiring.realtime import REALTIME, conversation
from gateway.wiring.sockets import tools

KINDS: Mapping[str, Kind] = {REALTIME: conversation}

log = logging.getLogger(__name__)


async def carry(others: Mapping[str, Kind], event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Carries the run of `{connection_id, run, secret}` for as long as it lasts, or this invocation does.

    `others` are kinds of sessions that stand on more than the wiring.
    """
    left_s = min(context.get_remaining_time_in_millis() / 1000, process().settings.socket_run_s)
    deadline_s = time.time_ns() / 1e9 + left_s
    looking = look()
    if looking is not None:
        await looking
    carrier = Carrier(tools(), {**KINDS, **others}, deadline_s)
    how = await carrier.carry(event["connection_id"], event["run"], event["secret"])
    told = {"event": "session", "run": event["run"], "end": how, "late_letters": carrier.late}
    log.info("session", extra=told)
    return {"end": how}
