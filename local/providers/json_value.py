"""Law: the names for JSON as it was sent, before anything about it is known."""

from __future__ import annotations

from typing import Any

JsonValue = Any
Json = dict[str, JsonValue]
