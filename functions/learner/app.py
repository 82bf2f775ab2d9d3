"""Runs on a schedule: learns routes from the outcomes of requests, and from ratings."""

from __future__ import annotations

import logging
from typing import Any

from msgspec.structs import asdict

from gateway.wiring.learning import learn
from gateway.wiring.managed import managed

log = logging.getLogger(__name__)


async def learn_once(_event: object, _context: object) -> dict[str, Any]:
    """Learns all that is new, or as much as there is time for; the next run goes on."""
    taught = await learn()
    log.info("learned", extra=asdict(taught))
    return asdict(taught)


handler = managed(learn_once)
