"""Names the types of JSON as it was sent, before it is checked."""

from __future__ import annotations

from typing import Any

JsonValue = Any
Json = dict[str, JsonValue]
