"""Shows the deployment's alarms, which CloudWatch keeps and mails."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Alarm(Struct, frozen=True):
    """One alarm. `state` is `ok`, `alarm` or `insufficient_data`, since `since_s` (epoch); `name` is the template's."""

    name: str
    state: str
    since_s: int
    description: str


class Alarms(Protocol):
    """The alarms of one deployment."""

    async def read(self) -> Sequence[Alarm]:
        """All of them; raises `ServiceUnavailable` where their keeper does not answer."""
