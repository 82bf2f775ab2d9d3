"""Records the requests that the simulators received and their outcomes, bounded, with credentials cut short."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import orjson

from local.providers.json_value import Json, JsonValue

_KEPT = 1_000
_BODY_BYTES_KEPT = 1_048_576
_SECRETS = frozenset({"authorization", "x-api-key", "x-goog-api-key", "api-key", "x-amz-security-token", "key"})


@dataclass(slots=True)
class Entry:
    """One received request. `outcome` is open, sent, cut or disconnected."""

    index: int
    provider: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: JsonValue
    body_bytes: int
    model: str = ""
    status: int | None = None
    outcome: str = "open"
    frames_sent: int = 0
    fault: Json = field(default_factory=dict)


class Record:
    """The last thousand requests."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._received = 0

    def add(
        self,
        *,
        provider: str,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        raw: bytes,
    ) -> Entry:
        """Records a request. The caller sets its outcome later."""
        entry = Entry(
            self._received, provider, method, path, _redacted(query), _redacted(headers), _body(raw), len(raw)
        )
        self._received += 1
        self._entries.append(entry)
        return entry

    def since(self, index: int) -> Json:
        """Returns the entries from an index on, and the index of the next one."""
        return {"requests": [asdict(e) for e in self._entries if e.index >= index], "next": self._received}

    def clear(self) -> None:
        """Removes the entries. Indexes go on."""
        self._entries.clear()


def _redacted(pairs: Mapping[str, str]) -> dict[str, str]:
    return {k: f"***{v[-4:]}" if k in _SECRETS else v for k, v in pairs.items()}


def _body(raw: bytes) -> JsonValue:
    if len(raw) > _BODY_BYTES_KEPT:
        return None
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return raw.decode("utf-8", "replace")
