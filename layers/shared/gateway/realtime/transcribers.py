"""Lists the models that may transcribe within a session: those of its provider, by each name of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.canonical.audio import AudioModel, AudioPrice
from gateway.canonical.realtime import TRANSCRIPTION, RealtimeModel, RealtimePrice, Transcriber


def transcribers(
    provider: str,
    realtime: Iterable[RealtimeModel],
    audio: Iterable[AudioModel],
    may_use: Callable[[str], bool] = lambda _: True,
) -> dict[str, Transcriber]:
    """The models of both catalogs that transcribe at a provider and that the caller `may_use`, by id."""
    found: dict[str, Transcriber] = {}
    models: tuple[RealtimeModel | AudioModel, ...] = (*realtime, *audio)
    for model in models:
        for target in model.targets:
            if model.does == TRANSCRIPTION and target.provider == provider and may_use(model.id):
                price = _price(target.price)
                found[model.id] = Transcriber(model.id, target.upstream_model, price, model.sale)
    return found


def _price(listed: RealtimePrice | AudioPrice) -> RealtimePrice:
    """The price of sound that is heard in a session, which is the price of a file's."""
    if isinstance(listed, RealtimePrice):
        return listed
    if listed.tokens is None:
        return RealtimePrice(minute=listed.minute)
    return RealtimePrice(**listed.tokens.classes)
