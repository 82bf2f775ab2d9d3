"""Sessions of the catalog's models for tests, and the recorded ones of providers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from gateway.canonical.models import Name
from gateway.canonical.money import Tier
from gateway.canonical.realtime import RealtimeModel
from gateway.catalog.audio import AUDIO_MODELS
from gateway.catalog.loader import load
from gateway.catalog.realtime import REALTIME_MODELS
from gateway.providers.audio import registry as audio_registry
from gateway.providers.realtime.registry import KNOWN, REALTIME
from gateway.realtime.session import Session, open_session
from gateway.realtime.step import Step, Terms
from gateway.realtime.transcribers import transcribers
from gateway.routing.plan import Candidate
from tests.recorded import files, read_recording
from tests.stores.conftest import StoppedClock

CATALOG = load(REALTIME_MODELS, KNOWN)
AUDIO = load(AUDIO_MODELS, audio_registry.KNOWN)
MODELS = {model.id: model for model in CATALOG.models()}


def terms(model: str, provider: str = "", requested: str = "") -> Terms:
    row: RealtimeModel = MODELS[model]
    target = next(target for target in row.targets if provider in ("", target.provider))
    candidate = Candidate(Name(requested or model, row), row, target)
    written_by = transcribers(target.provider, CATALOG.models(), AUDIO.models())
    return Terms("s1", candidate, Tier.PASSTHROUGH, written_by)


def session(
    model: str = "gpt-realtime", provider: str = "", clock: StoppedClock | None = None, state: bytes | None = None,
    requested: str = "",
) -> Session:  # fmt: skip
    opened = terms(model, provider, requested)
    wire = REALTIME[opened.candidate.target.provider].wire
    return open_session(wire, opened, clock or StoppedClock(), state)


def sent(step: Step) -> list[dict[str, Any]]:
    """The events for the client."""
    return [orjson.loads(data) for data in step.to_client]


def recordings(pattern: str) -> list[Path]:
    return files(f"realtime/{pattern}.json")


def frames(path: Path) -> list[tuple[str, bytes]]:
    """The messages of a recorded session in order, each with its direction."""
    return [
        (frame["direction"], orjson.dumps(frame["data"]))
        for frame in read_recording(path)["frames"]
        if frame["kind"] == "message"
    ]
