"""Tests of the media catalog: its rows are consistent, and each vendor accepts every order that a row allows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import product

import pytest

from gateway.canonical.jobs import JobKind
from gateway.canonical.media import MediaOrder, ReferenceImage
from gateway.canonical.media_models import MediaModel, MediaPrice, Use
from gateway.canonical.models import ModelTarget
from gateway.catalog.loader import load
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.media_listing import media_row
from gateway.ledger.media_prices import media_cost
from gateway.ports.upstream import Credential
from gateway.providers.media.registry import KNOWN, MEDIA_VENDORS

CATALOG = load(MEDIA_MODELS, KNOWN)
MODELS = CATALOG.models()
FALLBACKS = [(model, other) for model in MODELS for other in CATALOG.models_behind(model)[1:]]
# Section 7 of the public contract.
PROMISED = {
    JobKind.VIDEO: (
        "sora-2",
        "sora-2-pro",
        "veo-3",
        "veo-3-fast",
        "wan-2.6",
        "wan-2.6-pro",
        "runway-gen4",
        "nexevo/video-fast",
        "nexevo/video-balanced",
        "nexevo/video-pro",
    ),
    JobKind.MODEL_3D: ("hunyuan-3d-2", "hunyuan-3d-2-pro", "nexevo/3d-fast", "nexevo/3d-balanced"),
}
NAMES = [(kind, name) for kind, names in PROMISED.items() for name in names]
CREDENTIAL = Credential(
    api_key="key",
    extra={
        "secret_key": "secret",
        "project": "project",
        "location": "us-central1",
        "access_token": "token",
        "region": "ap-guangzhou",
        "webhook_secret": "whsec_c2VjcmV0",
    },
)


def shortest_s(model: MediaModel) -> Decimal | None:
    return None if model.durations is None else model.durations.values_s[0]


def test_there_are_22_models_of_8_providers_for_sale() -> None:
    assert len(MODELS) >= 22
    assert len({target.provider for model in MODELS for target in model.targets}) >= 8


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_every_name_of_the_contract_leads_to_models_of_its_kind(kind: JobKind, name: str) -> None:
    found = CATALOG.find(name)
    assert found is not None
    assert {model.kind for model in CATALOG.models_behind(found.offer)} == {kind}


@pytest.mark.parametrize(("old", "successor"), [("sora-2", "veo-3-fast"), ("sora-2-pro", "veo-3")])
def test_the_retired_models_are_served_by_their_successors(old: str, successor: str) -> None:
    name = CATALOG.find(old)
    assert name is not None
    assert CATALOG.models_behind(name.offer)[0].id == successor
    assert media_row(name.offer, CATALOG, frozenset())["retired_on"] == "2026-09-24"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_every_model_has_a_vendor_and_a_price(model: MediaModel) -> None:
    assert model.targets
    duration_s = shortest_s(model)
    for target in model.targets:
        assert target.provider in MEDIA_VENDORS
        assert media_cost(target.price, duration_s, model.sale, from_prompt=model.reference is not Use.REQUIRED) > 0


@pytest.mark.parametrize(("model", "other"), FALLBACKS, ids=lambda model: model.id)
def test_a_fallback_is_never_dearer_than_its_model(model: MediaModel, other: MediaModel) -> None:
    assert other.targets
    duration_s = shortest_s(model)
    for from_prompt in (True, False):
        own = media_cost(model.targets[0].price, duration_s, model.sale, from_prompt=from_prompt)
        for target in other.targets:
            assert media_cost(target.price, duration_s, model.sale, from_prompt=from_prompt) <= own


def orders(model: MediaModel, target: ModelTarget[MediaPrice]) -> Iterator[MediaOrder]:
    """Yields every combination that the row allows."""
    lengths: tuple[Decimal | None, ...] = model.durations.values_s if model.durations else (None,)
    images = [ReferenceImage("https://media.test/cat", mime_type, b"\x89PNG") for mime_type in model.reference_types]
    formats = model.output_formats or (None,)
    for reference in [*images, *([] if model.reference is Use.REQUIRED else [None])]:
        takes_prompt = model.prompt_characters_max is not None and (
            reference is None or model.reference is not Use.INSTEAD
        )
        ratio_is_its_own = model.ratio_of_reference and reference is not None
        ratios = (None,) if ratio_is_its_own or not model.aspect_ratios else model.aspect_ratios
        for duration_s, ratio, output_format in product(lengths, ratios, formats):
            yield MediaOrder(
                model=target.upstream_model,
                attempt_id="gen_1-1",
                prompt="a cat" if takes_prompt else None,
                duration_s=duration_s,
                aspect_ratio=ratio,
                reference=reference,
                negative_prompt="dogs" if model.negative_prompt_characters_max else None,
                seed=model.seed_max,
                output_format=output_format,
            )


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_a_vendor_can_be_asked_for_all_that_its_row_allows(model: MediaModel) -> None:
    for target in model.targets:
        vendor = MEDIA_VENDORS[target.provider]
        requests = [vendor.submit(order, CREDENTIAL, 1_795_243_210.0) for order in orders(model, target)]
        assert requests
        assert all(request.url.startswith("https://") for request in requests)


def test_a_row_is_listed_with_its_rules_and_its_price() -> None:
    name = CATALOG.find("wan-2.6")
    assert name is not None
    assert media_row(name.offer, CATALOG, frozenset({"dashscope"})) == {
        "id": "wan-2.6",
        "object": "model",
        "created": 1_765_843_200,
        "owned_by": "alibaba",
        "provider": "dashscope",
        "kind": "video",
        "models": ["wan-2.6"],
        "parameters": {
            "prompt_characters_max": 1500,
            "reference_image": "optional",
            "reference_image_types": ["image/png", "image/jpeg", "image/webp"],
            "duration_sec": {"min": 2, "max": 15, "step": 1},
            "aspect_ratio": ["16:9", "9:16", "1:1", "4:3", "3:4"],
            "negative_prompt": True,
            "seed": True,
            "output_format": [],
        },
        "pricing": {"currency": "USD", "unit": "second", "price": "0.10", "margin_percent": "5"},
        "simulated": True,
    }
