"""Judges warm results by the bars, and tells them as a table of medians, each beside its multiple of ours."""

from collections.abc import Iterator, Mapping
from statistics import median

from bench.asks import ASKS, BRIDGED, CHAT, SAME_WIRE
from bench.figures import Figure, short
from bench.peers import LITELLM_NAME, PORTKEY_NAME
from bench.warm import NOOP, RELAY, Measured, Results

REQUEST, FIXED, ADDED = "CPU of one request, warm", "CPU of a stream, fixed part", "Added time, one request at a time"
PACED, FLAT = "CPU of one chunk, paced 5 ms", "CPU of one chunk, flat out"
PEERS, QUOTA = "Other gateways, as a multiple of ours", "Wall time at 256 MB, 0.145 of a core"
# At least so many times ours: a request, and a paced chunk.
PEERS_BARS = {LITELLM_NAME: (20, 6), PORTKEY_NAME: (3, 3)}
COLUMNS = {
    "start_ms": "start CPU ms",
    "request_ms": "request CPU ms",
    "fixed_ms": "stream CPU ms",
    "added_last_ms": "added, end ms",
    "added_first_ms": "added, first ms",
    "paced_us": "paced chunk us",
    "flat_us": "flat chunk us",
    "resident_mb": "memory MB",
    "last_ms_at_quota": "quota, end ms",
    "first_ms_at_quota": "quota, first ms",
}


def figures(results: Results) -> list[Figure]:
    """The figures that have a bar, and what explains them."""
    return [*_of_ours(results), *_of_chunks(results), *_of_peers(results), *_at_quota(results)]


def _of_ours(results: Results) -> Iterator[Figure]:
    for ask in ASKS:
        yield Figure(REQUEST, ask.name, results[ask.name].request_ms, "ms", bar=0.8, aim=0.4)
    yield Figure(REQUEST, NOOP, results[NOOP].request_ms, "ms")
    yield Figure(REQUEST, "chat, times the no-op app", _times(results, "request_ms", NOOP), "x")
    for ask in ASKS:
        yield Figure(FIXED, ask.name, results[ask.name].fixed_ms, "ms", bar=1.0, aim=0.5)
    for ask in ASKS:
        yield Figure(ADDED, f"to the first chunk, {ask.name}", results[ask.name].added_first_ms, "ms", bar=0.6, aim=0.4)
    yield Figure(ADDED, "to the end of a non-stream answer, chat", results[CHAT.name].added_last_ms, "ms")


def _of_chunks(results: Results) -> Iterator[Figure]:
    for ask in ASKS:
        times = _times(results, "paced_us", RELAY, of=ask.name)
        yield Figure(PACED, f"times the blocking relay, {ask.name}", times, "x", bar=2.0, aim=1.3)
    yield Figure(PACED, RELAY, results[RELAY].paced_us, "us")
    # Flat out both sides read many chunks at a time, so the difference between them is the work per chunk.
    for ask in (*SAME_WIRE, *BRIDGED):
        pairs = zip(results[ask.name].flat_us, results[RELAY].flat_us, strict=True)
        yield Figure(FLAT, f"adds to the relay, {ask.name}", [ours - relay for ours, relay in pairs], "us", bar=8)


def _of_peers(results: Results) -> Iterator[Figure]:
    for name, (request, chunk) in PEERS_BARS.items():
        if name in results:
            for title, column, bar in (("request", "request_ms", request), ("paced chunk", "paced_us", chunk)):
                times = _times(results, column, CHAT.name, of=name)
                yield Figure(PEERS, f"{name}, {title}", times, "x", bar=bar, at_least=True)


def _at_quota(results: Results) -> Iterator[Figure]:
    for name, found in results.items():
        if found.first_ms_at_quota:
            yield Figure(QUOTA, f"non-stream, {name}", found.last_ms_at_quota, "ms")
            yield Figure(QUOTA, f"to the first byte, {name}", found.first_ms_at_quota, "ms")


def _times(results: Results, column: str, other: str, of: str = CHAT.name) -> list[float]:
    """The multiples of each round."""
    ones, others = (getattr(results[name], column) for name in (of, other))
    return [one / base for one, base in zip(ones, others, strict=True)]


def table(results: Mapping[str, Measured]) -> str:
    """Medians; below each how many times the chat function's it is."""
    lines = [f"{'':<27}" + "".join(f"{title:>16}" for title in COLUMNS.values())]
    for name, found in results.items():
        cells = [_cell(getattr(found, column), getattr(results[CHAT.name], column)) for column in COLUMNS]
        lines.append(f"{name:<27}" + "".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)


def _cell(values: list[float], ours: list[float]) -> str:
    if not values:
        return "-"
    value, base = median(values), median(ours) if ours else 0.0
    # A time that is within the noise of nothing has no multiples.
    return f"{short(value)} ({value / base:.2f}x)" if base > 0 and value > 0 else short(value)
