"""Defines models of sound as a kind: the members of a row of `models/audio.json`."""

from __future__ import annotations

from typing import Any

from gateway.canonical.audio import SPEECH, AudioModel, AudioPrice
from gateway.canonical.chat_models import ListPrice
from gateway.canonical.transcription import TRANSCRIPTION
from gateway.catalog.loader import MODEL, TARGET, Kind
from gateway.catalog.schema import CatalogError, Member, flag, one_of, read, text, usd, whole

# USD per million characters, per minute, or per million tokens.
PRICE = {
    "characters": Member(usd, None),
    "minute": Member(usd, None),
    "input": Member(usd, None),
    "audio_input": Member(usd, None),
    "output": Member(usd, None),
}


def _price(value: Any) -> AudioPrice:
    given = read(value, PRICE)
    characters, minute, output = given["characters"], given["minute"], given["output"]
    if sum(each is not None for each in (characters, minute, output)) != 1:
        raise CatalogError("needs one of 'characters', 'minute' and 'output'")
    if output is None:
        return AudioPrice(characters=characters, minute=minute)
    if given["input"] is None:
        raise CatalogError("needs 'input' beside 'output'")
    return AudioPrice(tokens=ListPrice(input=given["input"], output=output, audio_input=given["audio_input"]))


def _check(model: AudioModel) -> None:
    if (model.characters_max is None) is (model.does == SPEECH):
        raise CatalogError("characters_max: stands with models that speak, and with no other")


AUDIO_MODELS = Kind(
    file="audio.json",
    make=AudioModel,
    model={
        **MODEL,
        "does": Member(one_of((SPEECH, TRANSCRIPTION))),
        "characters_max": Member(whole, None),
        "seconds_least": Member(whole, 0),
    },
    target={**TARGET, "price": Member(_price), "region": Member(text, None), "streams": Member(flag, True)},
    check=_check,
    alike=lambda model: model.does,
)
