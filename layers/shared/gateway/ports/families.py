"""The port by which the console asks the API's own functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Families(Protocol):
    """The functions that answer the API's paths."""

    async def ask(self, family: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        """Has a family answer an event of API Gateway's; raises `ServiceUnavailable` where it gives no answer."""
        ...
