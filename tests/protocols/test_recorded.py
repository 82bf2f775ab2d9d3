"""The sample of recorded traffic covers every wire of the providers, so that a checkout alone tests them all."""

from collections.abc import Iterator

import pytest

from gateway.canonical.events import Failed, TextDelta, ThinkingDelta, ToolCallStarted, UsageReported
from gateway.canonical.parts import Text, Thinking, ToolCall
from gateway.errors import GatewayError
from tests.drawn import OF, SEED
from tests.fidelity.bridge import decoded
from tests.fidelity.recordings import Recording, recorded
from tests.fidelity.wires import UPSTREAMS
from tests.recorded import SAMPLE, WITH_OTHERS, files

EVENTS = {TextDelta: "text", ThinkingDelta: "thinking", ToolCallStarted: "tools", UsageReported: "usage"}
PARTS = {Text: "text", Thinking: "thinking", ToolCall: "tools"}
OTHERS_MIN = 1_000


def kinds(recording: Recording) -> Iterator[str]:
    """The facts that a recording shows about its wire."""
    upstream = UPSTREAMS[recording.wire]
    if recording.status != 200:
        yield "error" if isinstance(upstream.decode_error(recording.status, {}, recording.body), GatewayError) else ""
    elif recording.stream:
        for frame in decoded(upstream, iter([recording.body])):
            assert not any(isinstance(event, Failed) for event in frame.events)
            yield from (EVENTS[type(event)] for event in frame.events if type(event) in EVENTS)
    else:
        response = upstream.decode_response(recording.body)
        yield from (PARTS[type(part)] for choice in response.choices for part in choice.parts if type(part) in PARTS)
        yield from ["usage"] if response.usage else []


def test_the_sample_covers_every_providers_wire() -> None:
    seen = {(each.wire, each.stream, kind) for each in recorded(SAMPLE) for kind in kinds(each)}
    shown = {"text", "thinking", "tools", "usage"}
    wanted = {(wire, stream, kind) for wire in UPSTREAMS for stream in (False, True) for kind in shown}
    assert seen >= wanted | {(wire, False, "error") for wire in UPSTREAMS}


@pytest.mark.skipif(not WITH_OTHERS, reason="no real traffic is read: only our sample is tested")
def test_the_real_traffic_beside_this_checkout_is_found() -> None:
    assert len(files("*/*/*.json")) > OTHERS_MIN / (OF if SEED else 1)
