"""Lists the models that may transcribe within a session: those of its provider, by each name of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.canonical.audio import AudioModel, AudioPrice
from gateway.canonical.models import ModelTarget
from gateway.canonical.realtime import TRANSCRIPTION, RealtimeModel, RealtimePrice, Transcriber
from gateway.routing.plan import Candidate

# Of a model that transcribes: https://developers.openai.com/api/docs/models/gpt-4o-transcribe
_WINDOW, _OUTPUT_MAX = 16_000, 2_000


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


def of_audio(candidate: Candidate[AudioModel]) -> Candidate[RealtimeModel]:
    """The candidate as one of a session that only transcribes, with the same price."""
    model, target = candidate.model, candidate.target
    priced = ModelTarget(
        provider=target.provider,
        upstream_model=target.upstream_model,
        price=_price(target.price),
        region=target.region,
    )
    session_model = RealtimeModel(
        id=model.id,
        owned_by=model.owned_by,
        created_s=model.created_s,
        targets=(priced,),
        sale=model.sale,
        does=model.does,
        context_window=_WINDOW,
        max_output_tokens=_OUTPUT_MAX,
        input_modalities=("audio",),
        output_modalities=("text",),
    )
    return Candidate(candidate.name, session_model, priced, candidate.own)


def _price(listed: RealtimePrice | AudioPrice) -> RealtimePrice:
    """The price of sound that is heard in a session, which is the price of a file's."""
    if isinstance(listed, RealtimePrice):
        return listed
    if listed.tokens is None:
        return RealtimePrice(minute=listed.minute)
    return RealtimePrice(**listed.tokens.classes)
