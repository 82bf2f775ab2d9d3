"""Defines realtime models as a kind: the members of a row of `models/realtime.json`."""

from __future__ import annotations

from typing import Any

from gateway.canonical.realtime import CONVERSATION, TRANSCRIPTION, RealtimeModel, RealtimePrice
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import CatalogError, Member, distinct, one_of, read, text, usd, whole

MODALITIES = ("text", "audio", "image")
# USD per million tokens by modality, per minute, and per text.
PRICE = {name: Member(usd, None) for name in RealtimePrice.__struct_fields__}


def _price(value: Any) -> RealtimePrice:
    price = RealtimePrice(**read(value, PRICE))
    if (price.minute is None) is (price.input is None):
        raise CatalogError("needs 'input' or 'minute', and not both")
    if (price.input is None) is not (price.output is None):
        raise CatalogError("needs 'output' beside 'input'")
    return price


REALTIME_MODELS = Kind(
    file="realtime.json",
    make=RealtimeModel,
    model={
        **MODEL,
        "does": Member(one_of((CONVERSATION, TRANSCRIPTION)), CONVERSATION),
        "context_window": Member(whole),
        "max_output_tokens": Member(whole),
        "input": Member(distinct(one_of(MODALITIES)), field="input_modalities"),
        "output": Member(distinct(one_of(MODALITIES)), field="output_modalities"),
    },
    target={**TARGET, "price": Member(_price), "region": Member(text, None)},
    alike=lambda model: model.does,
)
