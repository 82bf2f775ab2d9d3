"""What the error bodies of all wires have in common: section 5 of the public contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import GatewayError, RequestTimeout


def error_body(error: GatewayError, said: Mapping[str, Any]) -> bytes:
    """The body of an error response, `said` in the wire's own shape; one that took too long says so in `detail` too."""
    detail = {"detail": {"type": error.type, "message": error.message}} if isinstance(error, RequestTimeout) else {}
    return orjson.dumps({**said, **detail})
