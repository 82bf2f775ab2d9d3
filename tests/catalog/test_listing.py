"""Tests that `GET /v1/models` and `GET /v1/generation/models` answer given rows with the same bytes as before."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.listing import ANTHROPIC, GEMINI, OPENAI, Shape, listed
from gateway.catalog.loader import parse
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.media_listing import media_row
from gateway.providers.chat import registry as chat_providers
from gateway.providers.media import registry as media_providers
from tests.catalog.rows import CHAT, KNOWN, MEDIA

GOLDEN = Path(__file__).parents[1] / "golden" / "catalog"
ROWS = orjson.loads((GOLDEN / "rows.json").read_bytes())
LISTED = (GOLDEN / "listing.jsonl").read_bytes().splitlines()
SIMULATED = frozenset({"bedrock", "fal"})


@pytest.mark.parametrize(("shape", "line"), [(OPENAI, 0), (ANTHROPIC, 1), (GEMINI, 2)])
def test_chat_models_are_listed_for_every_sdk_as_ever(shape: Shape, line: int) -> None:
    rows = listed(parse(CHAT_MODELS, ROWS["chat"], chat_providers.KNOWN), SIMULATED)
    assert orjson.dumps(shape.page([shape.row(row) for row in rows])) == LISTED[line]


def test_media_models_are_listed_as_ever() -> None:
    catalog = parse(MEDIA_MODELS, ROWS["media"], media_providers.KNOWN)
    assert orjson.dumps([media_row(offer, catalog, SIMULATED) for offer in catalog.offers()]) == LISTED[3]


def test_a_model_of_two_providers_is_listed_with_the_first_ones_name_and_price() -> None:
    (row,) = (row for row in listed(parse(CHAT_MODELS, CHAT, KNOWN), frozenset({"host"})) if row.id == "two")
    shown = OPENAI.row(row)
    assert (shown["provider"], shown["pricing"]["input"], "simulated" in shown) == ("lab", "3", False)
    catalog = parse(MEDIA_MODELS, MEDIA, KNOWN)
    film = media_row(catalog.models()[0], catalog, frozenset({"host"}))
    assert (film["provider"], film["pricing"]["price"], "simulated" in film) == ("lab", "0.10", False)
