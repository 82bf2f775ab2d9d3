"""Runs parts of the gateway at several sizes under the counters, without a socket: catalogs, keys, decoders.

    python -m bench.counted bench.grown SIZES        (SIZES is JSON: for each part a list)

It prints one JSON line with each part's counters by size. `bench/growth.py` reads it.
"""

import asyncio
import mmap
import os
import struct
import sys
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from bench.counted import COUNTED, WORD

# A TCP segment's payload: the least that a provider's bytes come in.
SEGMENT = 1_400
KEYS = "keys asked for"


@dataclass(frozen=True, slots=True)
class Part:
    """A part that `prepare` makes ready for a size, so that only the call of what it returns is counted."""

    prepare: Callable[[int], Callable[[], object]]
    sizes: tuple[int, ...]


def _fed(decoder: Any, data: bytes) -> Callable[[], object]:
    def feed() -> None:
        for start in range(0, len(data), SEGMENT):
            for _ in decoder.feed(data[start : start + SEGMENT]):
                pass

    return feed


def _sse(size: int) -> Callable[[], object]:
    from gateway.framing.sse import SSEDecoder  # noqa: PLC0415  # counted from its import on

    return _fed(SSEDecoder(), b'data: {"text":"' + b"x" * size + b'"}\n\n')


def _array(size: int) -> Callable[[], object]:
    from gateway.protocols.gemini.json_array import JsonArrayDecoder  # noqa: PLC0415  # as above

    return _fed(JsonArrayDecoder(), b'[{"text":"' + b"x" * size + b'"}]')


def _message(size: int) -> Callable[[], object]:
    from gateway.framing.eventstream import EventStreamDecoder  # noqa: PLC0415  # as above

    payload = b"x" * size
    lengths = struct.pack(">II", len(payload) + 16, 0)
    message = lengths + struct.pack(">I", zlib.crc32(lengths)) + payload
    return _fed(EventStreamDecoder(), message + struct.pack(">I", zlib.crc32(message)))


def _document(count: int) -> Any:
    from gateway.catalog.chat import CHAT_MODELS  # noqa: PLC0415  # as above
    from gateway.catalog.loader import DATA  # noqa: PLC0415  # as above

    document = orjson.loads((Path(DATA) / CHAT_MODELS.file).read_bytes())
    row = next(row for row in document["models"] if row["id"] == "gpt-4o")
    models = [{**row, "id": f"model-{number}"} for number in range(count)]
    return {**document, "models": [*document["models"], *models]}


def _catalog(count: int) -> Any:
    from gateway.catalog.chat import CHAT_MODELS  # noqa: PLC0415  # as above
    from gateway.catalog.loader import parse  # noqa: PLC0415  # as above
    from gateway.providers.chat.registry import KNOWN  # noqa: PLC0415  # as above

    return parse(CHAT_MODELS, _document(count), KNOWN)


def _listing(count: int) -> Callable[[], object]:
    from gateway.catalog.listing import listed  # noqa: PLC0415  # as above

    catalog = _catalog(count)
    return lambda: listed(catalog, frozenset())


def _find(count: int) -> Callable[[], object]:
    catalog = _catalog(count)
    return lambda: catalog.models_behind(catalog.find(f"model-{count - 1}").offer)


class _Clock:
    def now_s(self) -> float:
        return 1_795_000_000.0

    def monotonic_s(self) -> float:
        return 0.0


class _Keys:
    """A table of keys that has every key."""

    async def call(self, service: str, operation: str, payload: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002  # a port's names
        texts = {"key_id": "key_1", "account_id": "acct_1", "name": "one", "last4": "0000"}
        item = {name: {"S": value} for name, value in texts.items()}
        return {"Item": payload["Key"] | item | {"created_at_s": {"N": "1795000000"}}}


def _keys(count: int) -> Callable[[], object]:
    from gateway.stores.keys.lookup import DynamoKeys  # noqa: PLC0415  # as above

    keys = DynamoKeys(cast("Any", _Keys()), _Clock(), "keys")

    async def ask() -> None:
        for number in range(count):
            await keys.find(f"{number:064x}")

    return lambda: asyncio.run(ask())


PARTS: Mapping[str, Part] = {
    "bytes of an SSE frame": Part(_sse, (1_000, 500_000, 1_000_000, 2_000_000)),
    "bytes of an object in an array": Part(_array, (1_000, 500_000, 1_000_000, 2_000_000)),
    "bytes of an AWS event": Part(_message, (1_000, 500_000, 1_000_000, 2_000_000)),
    "models loaded into a catalog": Part(lambda count: lambda: _catalog(count), (10, 250, 500, 1_000)),
    "models listed": Part(_listing, (10, 250, 500, 1_000)),
    "models of which one is found": Part(_find, (10, 250, 500, 1_000)),
    KEYS: Part(_keys, (1_000, 5_000, 10_000, 20_000)),
}


def main() -> None:
    """Runs the parts that the argument names, at its sizes."""
    with Path(os.environ["COUNTS"]).open("r+b") as file:
        counts = memoryview(mmap.mmap(file.fileno(), WORD * len(COUNTED))).cast("Q")

    def work(run: Callable[[], object]) -> list[int]:
        before = list(counts)
        run()
        return [after - earlier for after, earlier in zip(counts, before, strict=True)]

    found: dict[str, list[list[int]]] = {}
    for name, sizes in orjson.loads(sys.argv[1]).items():
        PARTS[name].prepare(sizes[0])()
        found[name] = [work(PARTS[name].prepare(size)) for size in sizes]
    print(orjson.dumps(found).decode(), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
