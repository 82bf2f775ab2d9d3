"""Tests of candidates for an order: every model's own rules, aliases that use the models that fit, retired names."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.auth.principal import Principal
from gateway.canonical.jobs import JobKind
from gateway.canonical.media_models import MediaModel
from gateway.canonical.usage import Usage
from gateway.catalog.catalog import Catalog
from gateway.catalog.loader import parse
from gateway.catalog.media import MEDIA_MODELS
from gateway.errors import GatewayError, InvalidRequest, NotFound, PermissionDenied
from gateway.operations.media import MediaCandidate, MediaOperation, taking
from gateway.operations.media_fit import MediaRequest
from gateway.ports.keys import KeyRecord
from tests.catalog.rows import KNOWN

VIDEO: dict[str, Any] = {
    "owned_by": "lab",
    "provider": "lab",
    "upstream_model": "up",
    "created": 1_760_000_000,
    "kind": "video",
    "price": {"per_second": "0.10"},
    "deadline_s": 1800,
    "prompt_characters_max": 20,
    "reference": "optional",
    "reference_types": ["png", "jpeg"],
    "durations_s": ["4", "6", "8"],
    "aspect_ratios": ["16:9", "9:16"],
}
BLIND = {name: value for name, value in VIDEO.items() if name != "reference_types"}
ASSET: dict[str, Any] = {
    **{name: value for name, value in VIDEO.items() if name not in {"durations_s", "aspect_ratios"}},
    "kind": "3d",
    "price": {"per_asset": "0.60", "per_asset_from_prompt": "0.40"},
    "reference": "instead_of_prompt",
    "output_formats": ["glb", "stl"],
}
CATALOG = parse(
    MEDIA_MODELS,
    {
        "price_version": "2026-12-01",
        "models": [
            {**VIDEO, "id": "stiff", "fallbacks": ["dear"]},
            {**VIDEO, "id": "dear", "price": {"per_second": "0.50"}},
            {
                **VIDEO,
                "id": "supple",
                "durations_s": {"from": "1", "to": "10", "step": "0.5"},
                "negative_prompt_characters_max": 10,
                "seed_max": 100,
                "ratio_of_reference": True,
                "aspect_ratios": ["9:16", "1:1"],
            },
            {**BLIND, "id": "blind", "reference": "none"},
            {
                **VIDEO,
                "id": "twice",
                "targets": [{}, {"provider": "host", "upstream_model": "lab/up", "price": {"per_second": "0.20"}}],
            },
            {**VIDEO, "id": "animator", "reference": "required"},
            {**ASSET, "id": "sculptor"},
            {**ASSET, "id": "copier", "reference": "required", "prompt_characters_max": None},
            {"id": "old", "retired": {"on": "2026-09-24", "successor": "supple"}},
        ],
        "aliases": [{"id": "nexevo/fast", "created": 1_760_000_000, "models": ["stiff", "supple"]}],
    },
    KNOWN,
)
ASKED = MediaRequest(JobKind.VIDEO, "stiff", prompt="a cat")
ASSET_ASKED = MediaRequest(JobKind.MODEL_3D, "sculptor", prompt="a boat", output_format="glb")
IMAGE = "https://example.com/cat.png"


# A key that may use every model.
UNLIMITED = Principal("acct_1", KeyRecord("key_1", "acct_1", "first", "last", created_at_s=0))


def planned(asked: MediaRequest, catalog: Catalog[MediaModel] = CATALOG) -> tuple[MediaCandidate, ...]:
    return MediaOperation(catalog).plan(UNLIMITED, asked).candidates


def refused(asked: MediaRequest) -> tuple[type[GatewayError], str | None]:
    with pytest.raises(InvalidRequest) as caught:
        planned(asked)
    return type(caught.value), caught.value.param


def ids(candidates: Iterable[MediaCandidate]) -> list[str]:
    return [candidate.model.id for candidate in candidates]


def test_a_model_is_followed_by_its_fallbacks_each_at_its_own_price() -> None:
    found = [(one.model.id, one.cost_nanousd) for one in planned(replace(ASKED, duration_s=Decimal(4)))]
    assert found == [("stiff", 420_000_000), ("dear", 2_100_000_000)]


def test_every_provider_of_a_model_is_a_candidate_at_its_own_price() -> None:
    found = planned(replace(ASKED, model="twice", duration_s=Decimal(4)))
    assert [(one.target.provider, one.target.upstream_model, one.cost_nanousd) for one in found] == [
        ("lab", "up", 420_000_000),
        ("host", "lab/up", 840_000_000),
    ]


@pytest.mark.parametrize("model", ["stiff", "twice"])
def test_without_fallbacks_the_first_candidate_is_the_only_one(model: str) -> None:
    (only,) = planned(replace(ASKED, model=model, allow_fallbacks=False))
    assert (only.model.id, only.target.provider) == (model, "lab")


@pytest.mark.parametrize(("asked", "made"), [(None, 6), ("1", 4), ("4", 4), ("5", 6), ("8", 8)])
def test_a_model_makes_the_shortest_of_its_lengths_that_is_not_shorter(asked: str | None, made: int) -> None:
    first, *_ = planned(replace(ASKED, duration_s=None if asked is None else Decimal(asked)))
    assert first.duration_s == made
    assert first.cost_nanousd == made * 105_000_000


def test_an_alias_uses_the_models_that_make_exactly_the_length_that_is_asked() -> None:
    found = planned(replace(ASKED, model="nexevo/fast", duration_s=Decimal(5)))
    assert [(one.model.id, one.duration_s) for one in found] == [("supple", Decimal(5))]


def test_without_a_length_an_alias_uses_all_its_models() -> None:
    assert ids(planned(replace(ASKED, model="nexevo/fast"))) == ["stiff", "dear", "supple"]


@pytest.mark.parametrize(
    "beyond_the_first",
    [{"seed": 7}, {"negative_prompt": "dogs"}, {"duration_s": Decimal("2.5")}, {"aspect_ratio": "1:1"}],
)
def test_an_alias_uses_the_models_that_can_do_what_is_asked(beyond_the_first: dict[str, Any]) -> None:
    assert ids(planned(replace(ASKED, model="nexevo/fast", **beyond_the_first))) == ["supple"]


def test_what_no_model_of_an_alias_can_do_is_refused_as_the_first_would() -> None:
    assert refused(replace(ASKED, model="nexevo/fast", duration_s=Decimal(30))) == (InvalidRequest, "duration_sec")


@pytest.mark.parametrize(
    ("model", "changes", "param"),
    [
        ("stiff", {"duration_s": Decimal(9)}, "duration_sec"),
        ("stiff", {"duration_s": Decimal("4.5")}, "duration_sec"),
        ("supple", {"duration_s": Decimal("10.5")}, "duration_sec"),
        ("stiff", {"aspect_ratio": "1:1"}, "aspect_ratio"),
        ("supple", {"aspect_ratio": "1:1", "reference": IMAGE}, "aspect_ratio"),
        ("stiff", {"negative_prompt": "dogs"}, "negative_prompt"),
        ("supple", {"negative_prompt": "d" * 11}, "negative_prompt"),
        ("stiff", {"seed": 1}, "seed"),
        ("supple", {"seed": 101}, "seed"),
        ("stiff", {"prompt": "c" * 21}, "prompt"),
        ("stiff", {"prompt": "  "}, "prompt"),
        ("stiff", {"prompt": None}, "prompt"),
        ("blind", {"reference": IMAGE}, "reference_image_url"),
        ("animator", {}, "reference_image_url"),
        ("stiff", {"output_format": "glb"}, "output_format"),
        ("sculptor", {}, "model"),
    ],
)
def test_what_a_model_cannot_do_is_refused_by_name(model: str, changes: dict[str, Any], param: str) -> None:
    assert refused(replace(ASKED, model=model, **changes)) == (InvalidRequest, param)


@pytest.mark.parametrize(
    ("model", "changes", "param"),
    [
        ("sculptor", {"prompt": None}, "prompt"),
        ("sculptor", {"reference": IMAGE}, "reference_image_url"),
        ("sculptor", {"output_format": "obj"}, "output_format"),
        ("copier", {}, "reference_image_url"),
        ("copier", {"reference": IMAGE}, "prompt"),
        ("stiff", {}, "model"),
    ],
)
def test_a_3d_model_has_rules_of_its_own(model: str, changes: dict[str, Any], param: str) -> None:
    assert refused(replace(ASSET_ASKED, model=model, **changes)) == (InvalidRequest, param)


def test_an_asset_is_priced_by_what_it_starts_from() -> None:
    from_prompt = planned(ASSET_ASKED)[0].cost_nanousd
    from_image = planned(replace(ASSET_ASKED, prompt=None, reference=IMAGE))[0].cost_nanousd
    assert (from_prompt, from_image) == (420_000_000, 630_000_000)


def test_fractions_are_made_where_the_model_makes_them() -> None:
    (only,) = planned(replace(ASKED, model="supple", duration_s=Decimal("2.5")))
    assert (only.duration_s, only.cost_nanousd) == (Decimal("2.5"), 262_500_000)


def test_the_ratio_is_the_wire_s_own_default_or_the_model_s_first() -> None:
    tall = replace(ASKED, ratio_default="9:16")
    assert planned(tall)[0].aspect_ratio == "9:16"
    assert planned(replace(ASKED, model="supple"))[0].aspect_ratio == "9:16"


def test_a_video_from_an_image_may_have_the_image_s_ratio() -> None:
    assert planned(replace(ASKED, model="supple", reference=IMAGE))[0].aspect_ratio is None


def test_a_refusal_names_the_member_as_the_wire_does() -> None:
    asked = replace(ASKED, duration_s=Decimal(9), names={"duration_sec": "seconds"})
    assert refused(asked) == (InvalidRequest, "seconds")


def test_a_retired_model_is_served_by_its_successor() -> None:
    assert ids(planned(replace(ASKED, model="old"))) == ["supple"]


def test_a_retired_model_without_fallbacks_is_not_there_and_names_its_successor() -> None:
    with pytest.raises(NotFound, match="'supple'") as caught:
        planned(replace(ASKED, model="old", allow_fallbacks=False))
    assert caught.value.code == "model_not_found"


def test_an_unknown_model_is_not_there() -> None:
    assert refused(replace(ASKED, model="none")) == (NotFound, "model")


@pytest.mark.parametrize(("listed", "allowed"), [("nexevo/fast", True), ("nexevo/*", True), ("stiff", False)])
def test_a_key_s_list_of_models_is_asked_by_the_name_that_was_asked(listed: str, allowed: bool) -> None:
    holder = Principal("acct_1", replace(UNLIMITED.key, allowed_models=(listed,)))
    asked = replace(ASKED, model="nexevo/fast")
    if allowed:
        assert MediaOperation(CATALOG).plan(holder, asked).candidates == planned(asked)
        return
    with pytest.raises(PermissionDenied):
        MediaOperation(CATALOG).plan(holder, asked)


def test_the_dearest_candidate_is_held_for_and_each_is_charged_at_its_own_price() -> None:
    operation, asked = MediaOperation(CATALOG), replace(ASKED, duration_s=Decimal(4))
    plan = operation.plan(UNLIMITED, asked)
    meter = operation.meter(asked, plan)
    assert meter.worst_case(0) == max(one.cost_nanousd for one in plan.candidates)
    assert [meter.cost(one, Usage()).nanousd for one in plan.candidates] == [420_000_000, 2_100_000_000]


def test_candidates_are_narrowed_to_those_that_read_the_image() -> None:
    found = MediaOperation(CATALOG).plan(UNLIMITED, replace(ASKED, reference=IMAGE))
    assert taking(found, "image/png", "reference_image_url") == found
    with pytest.raises(InvalidRequest) as caught:
        taking(found, "image/gif", "input_reference")
    assert caught.value.param == "input_reference"
