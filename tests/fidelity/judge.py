"""Judges one recording on one wire: its SDK must read from the gateway what the provider's SDK reads from the original.

Every departure is a line of text. A good verdict has no lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from gateway.canonical.codec import Decoded
from gateway.errors import GatewayError
from tests.cuttings import cut, cuttings
from tests.fidelity.bridge import bridged_answer, bridged_stream, decoded, failure, meaning
from tests.fidelity.mappings import expected, summed_up, told
from tests.fidelity.recordings import Recording
from tests.fidelity.replay import Answer, Replay
from tests.fidelity.same_wire import edited_elsewhere
from tests.fidelity.seen import STUMBLES, CallSeen, ChoiceSeen, Reader, Seen, UsageSeen
from tests.fidelity.wires import CLIENTS, READERS, UPSTREAMS

DECODES = "decodes"
READ = "read"
PLACES_SHOWN = 12
# An exception in a codec must not end the trial of the other recordings.
BREAKS = (GatewayError, *STUMBLES)
Told = ChoiceSeen | CallSeen | UsageSeen


@dataclass(frozen=True, slots=True)
class Thoroughness:
    """The number of new cuts of each stream."""

    cuttings: int
    every_byte: bool


FULL = Thoroughness(cuttings=50, every_byte=True)
QUICK = Thoroughness(cuttings=3, every_byte=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One recording, our decoder's result, and the readings of the provider's own SDK in each of its ways."""

    recording: Recording
    frames: Sequence[Decoded]
    readings: dict[str, Seen]

    @property
    def original(self) -> Seen:
        return self.readings[READ]


class Judge:
    """One server and the SDKs that read from it. Recordings come one after the other."""

    def __init__(self, replay: Replay, thoroughness: Thoroughness) -> None:
        self._replay = replay
        self._thoroughness = thoroughness
        self._readers: dict[str, Reader] = {}

    def close(self) -> None:
        """Ends the connections of the SDKs."""
        for reader in self._readers.values():
            reader.close()

    def verdicts(self, recording: Recording) -> dict[str, tuple[str, ...]]:
        """Returns the departures of the decoding and of each client's wire."""
        try:
            trial = self._trial(recording)
        except BREAKS as error:
            return dict.fromkeys((DECODES, *CLIENTS), (f"decoder: {error!r}",))
        found = {DECODES: tuple(self._departures(trial))}
        for client in CLIENTS:
            try:
                found[client] = tuple(self._on(client, trial))
            except BREAKS as error:
                found[client] = (f"{type(error).__name__}: {error}",)
        return found

    def _trial(self, recording: Recording) -> Trial:
        frames = decoded(UPSTREAMS[recording.wire], iter([recording.body])) if recording.stream else ()
        answer = Answer(recording.body, recording.content_type, recording.status)
        readings = self._readings(recording.wire, answer, recording.stream)
        return Trial(recording, frames, {way: told(seen) for way, seen in readings.items()})

    def _departures(self, trial: Trial) -> Iterator[str]:
        """Yields cuts that change the meaning, and failures that only the gateway sees."""
        failed = failure(trial.frames)
        if failed is not None and trial.original.error is None:
            yield f"decodes to {failed!r} where the SDK reads on"
        if not trial.recording.stream:
            return
        data, whole, upstream = trial.recording.body, meaning(trial.frames), UPSTREAMS[trial.recording.wire]
        for places in cuttings(data, self._thoroughness.cuttings, every_byte=self._thoroughness.every_byte):
            if meaning(decoded(upstream, cut(data, places))) != whole:
                yield f"means something else when it is cut at {places[:PLACES_SHOWN]}"
                return

    def _on(self, client: str, trial: Trial) -> Iterator[str]:
        recording, original = trial.recording, trial.original
        same_wire = client == recording.wire
        if recording.stream:
            answer = bridged_stream(trial.frames, recording, client, len(original.choices))
        else:
            answer = bridged_answer(recording, client)
        for way, seen in self._readings(client, answer, recording.stream).items():
            yield from (f"{way} {problem}" for problem in differences(_wanted(trial, client, way), seen))
            yield from () if same_wire else (f"{way} {problem}" for problem in nameless(seen))
        if same_wire and answer.status == 200 and original.error is None:
            yield from edited_elsewhere(recording, answer.body)

    def _readings(self, wire: str, answer: Answer, stream: bool) -> dict[str, Seen]:
        """Returns the SDK's reading in each of its ways."""
        self._replay.answer = answer
        if wire not in self._readers:
            self._readers[wire] = READERS[wire](self._replay.url)
        reader = self._readers[wire]
        if not stream:
            return {READ: reader.answer()}
        snapshot = reader.snapshot()
        return {READ: reader.stream()} | ({"snapshot": snapshot} if snapshot is not None else {})


def _wanted(trial: Trial, client: str, way: str) -> Seen:
    """Returns the expected reading.

    On the same wire it is the reading of the original, a provider's mistakes included.
    """
    if client == trial.recording.wire:
        # Some streaming classes accept a cut stream, but every cut of ours must be reported.
        return replace(trial.readings[way], error=trial.original.error or trial.readings[way].error)
    wanted = expected(trial.original, trial.recording.wire, client)
    return wanted if way == READ else summed_up(wanted, client)


def differences(wanted: Seen, seen: Seen) -> Iterator[str]:
    """Yields each departure of a reading. After a failure, only the failure and the events before it count."""
    if wanted.error is not None:
        if seen.error is None:
            yield f"error: the original ends with {wanted.error}, ours is clean"
        for before, after in zip(wanted.choices, seen.choices, strict=False):
            yield from _differences("choice", before, after, except_for=("calls", "finish"))
        return
    if seen.error is not None:
        yield f"error: {seen.error}"
        return
    if len(wanted.choices) != len(seen.choices):
        yield f"choices: {len(wanted.choices)} became {len(seen.choices)}"
    for before, after in zip(wanted.choices, seen.choices, strict=False):
        yield from _choice_differences(before, after)
    if wanted.usage is not None:
        yield from _differences("usage", wanted.usage, seen.usage or UsageSeen())


def _choice_differences(wanted: ChoiceSeen, seen: ChoiceSeen) -> Iterator[str]:
    yield from _differences("choice", wanted, seen, except_for=("calls",))
    if len(wanted.calls) != len(seen.calls):
        yield f"calls: {[call.name for call in wanted.calls]} became {[call.name for call in seen.calls]}"
    for before, after in zip(wanted.calls, seen.calls, strict=False):
        yield from _differences("call", before, _with_id_of(before, after))


def nameless(seen: Seen) -> Iterator[str]:
    """Yields calls that a caller cannot answer, because they have no id of their own."""
    for choice in seen.choices:
        ids = [call.id for call in choice.calls]
        if not all(ids) or len(set(ids)) != len(ids):
            yield f"call ids: {ids}"


def _with_id_of(wanted: CallSeen, seen: CallSeen) -> CallSeen:
    """Gives a call any id if its wire has no ids."""
    return replace(seen, id=None) if wanted.id is None else seen


def _differences(of: str, wanted: Told, seen: Told, except_for: Collection[str] = ()) -> Iterator[str]:
    for each in fields(wanted):
        before, after = getattr(wanted, each.name), getattr(seen, each.name)
        if each.name not in except_for and before != after:
            yield f"{of}.{each.name}: {_short(before)} became {_short(after)}"


def _short(value: object) -> str:
    return repr(value)[:120]
