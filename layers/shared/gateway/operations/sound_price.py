"""Prices sound, spoken or heard, at a candidate."""

from __future__ import annotations

from gateway.canonical.audio import AudioModel
from gateway.canonical.money import NanoUsd
from gateway.canonical.usage import Usage
from gateway.ledger.audio_prices import audio_cost
from gateway.operations.input_meter import tier_of
from gateway.routing.plan import Candidate


def price(candidate: Candidate[AudioModel], usage: Usage) -> NanoUsd:
    """The cost of a usage at a candidate."""
    return audio_cost(candidate.target.price, usage, tier_of(candidate), candidate.model.sale)
