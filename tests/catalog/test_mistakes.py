"""Tests that rows which contradict themselves or each other are refused at load, with the row's name in the message."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import pytest

from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import Kind, parse
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.plain import plain
from gateway.catalog.schema import CatalogError
from gateway.ports.catalog import KnownNames
from gateway.ports.upstream import CUSTOM
from gateway.providers.chat import registry as providers
from tests.catalog.rows import CHAT, KNOWN, MEDIA, OPEN, changed, without

ONE, TWO, OLD, ALIAS = ("models", 0), ("models", 1), ("models", 2), ("aliases", 0)
FILM, FILM_2, STATUE = ("models", 0), ("models", 1), ("models", 2)

FOREIGN_PROFILE = (
    "profile: 'hosted' is of models on host_wire, and provider 'lab' serves this one on plain_wire, other_wire"
)


def refusal(kind: Kind[Any], document: dict[str, Any], known: KnownNames = KNOWN) -> str:
    with pytest.raises(CatalogError) as caught:
        parse(kind, document, known)
    return str(caught.value)


def chat_refusal(*path: Any, to: Any) -> str:
    return refusal(CHAT_MODELS, changed(CHAT, *path, to=to)).removeprefix("models/chat.json: ")


def media_refusal(*path: Any, to: Any) -> str:
    return refusal(MEDIA_MODELS, changed(MEDIA, *path, to=to)).removeprefix("models/media.json: ")


def test_a_fallback_to_itself_is_refused() -> None:
    assert chat_refusal(*ONE, "fallbacks", to=["one"]) == "model 'one': fallback 'one' is the model itself"


def test_a_fallback_named_twice_is_refused() -> None:
    assert chat_refusal(*ONE, "fallbacks", to=["two", "two"]) == "model 'one': fallbacks: names 'two' twice"


def test_fallbacks_that_lead_back_are_refused() -> None:
    document = changed(MEDIA, *FILM_2, "fallbacks", to=["film"])
    message = "model 'film': its fallbacks lead back to it: film -> film-2 -> film"
    assert refusal(MEDIA_MODELS, document) == f"models/media.json: {message}"


def test_a_fallback_of_another_kind_is_refused() -> None:
    message = "model 'film': a fallback must be of the same kind: 'film' is video, 'statue' is 3d"
    assert media_refusal(*FILM, "fallbacks", to=["statue"]) == message


def test_an_alias_of_models_of_two_kinds_is_refused() -> None:
    message = "alias 'nexevo/video': a model must be of the same kind: 'film' is video, 'statue' is 3d"
    assert media_refusal(*ALIAS, "models", to=["film", "statue"]) == message


def test_an_alias_of_itself_is_refused() -> None:
    message = "alias 'nexevo/fast': unknown model 'nexevo/fast'; it must be the id of a model of this file"
    assert chat_refusal(*ALIAS, "models", to=["nexevo/fast"]) == message


def test_an_alias_that_names_a_model_twice_is_refused() -> None:
    assert chat_refusal(*ALIAS, "models", to=["one", "one"]) == "alias 'nexevo/fast': models: names 'one' twice"


def test_an_alias_with_another_name_of_a_model_is_refused() -> None:
    message = "model 'two': another row has the id 'lab/two', which is a name of this model"
    assert chat_refusal(*ALIAS, "id", to="lab/two") == message


def test_an_id_that_is_another_spelling_of_an_id_is_refused() -> None:
    document = changed(changed(CHAT, *ONE, "id", to="claude-lab-4.5"), *OLD, "id", to="claude-lab-4-5-20260101")
    document = changed(document, *ALIAS, "models", to=["two"])
    message = "model 'claude-lab-4-5-20260101': model 'claude-lab-4.5' is the same name in another spelling"
    assert refusal(CHAT_MODELS, document) == f"models/chat.json: {message}"


def test_an_id_that_ends_in_a_preference_is_refused() -> None:
    document = changed(changed(CHAT, *ONE, "id", to="one:fast"), *ALIAS, "models", to=["two"])
    message = "model 'one:fast': id: must not end in the preference ':fast'"
    assert refusal(CHAT_MODELS, document) == f"models/chat.json: {message}"


def test_an_id_with_white_space_at_its_end_is_refused() -> None:
    message = "model 'old ': id: must not begin or end with white space: 'old '"
    assert chat_refusal(*OLD, "id", to="old ") == message


def test_a_target_that_is_there_twice_is_refused() -> None:
    document = changed(CHAT, *TWO, "targets", to=[{}, {"price": {"input": "1", "output": "2"}}])
    message = "model 'two': target 2: another target is the same model of the same provider"
    assert refusal(CHAT_MODELS, document) == f"models/chat.json: {message}"


def test_an_output_above_the_context_is_refused() -> None:
    message = "model 'one': max_output_tokens: must be at most the context_window 1000"
    assert chat_refusal(*ONE, "max_output_tokens", to=1001) == message


@pytest.mark.parametrize("day", ["soon", "2026-02-30", "20260201", "2026-W05-1"])
def test_a_retirement_on_no_day_is_refused(day: str) -> None:
    message = f"model 'old': retired: on: must be a day like '2026-11-21', not {day!r}"
    assert chat_refusal(*OLD, "retired", "on", to=day) == message


def test_a_retirement_after_the_prices_is_refused() -> None:
    message = "model 'old': retired: on: is after the file's price_version 2026-03-01"
    assert chat_refusal(*OLD, "retired", "on", to="2026-03-02") == message


def test_a_retirement_before_the_successor_was_there_is_refused() -> None:
    message = "model 'old': retired: on: is before the successor was created, 2025-10-09"
    assert chat_refusal(*OLD, "retired", "on", to="2025-10-08") == message


def test_a_price_version_that_is_no_day_is_refused() -> None:
    assert chat_refusal("price_version", to="v2") == "price_version: must be a day like '2026-11-21', not 'v2'"


@pytest.mark.parametrize("created", [20_251_009, 1_760_000_000_000])
def test_a_creation_in_other_units_than_seconds_is_refused(created: int) -> None:
    message = f"model 'one': created: must be a time in seconds since 1970, of this century, not {created}"
    assert chat_refusal(*ONE, "created", to=created) == message


def test_a_creation_after_the_prices_is_refused() -> None:
    message = "alias 'nexevo/fast': created: 2026-11-14 is after the file's price_version 2026-03-01; raise it"
    assert chat_refusal(*ALIAS, "created", to=1_794_650_000) == message


def test_a_price_below_zero_is_refused() -> None:
    message = "model 'one': price: output: '-2.50' is not a decimal amount like '12.50'"
    assert chat_refusal(*ONE, "price", "output", to="-2.50") == message


def test_a_price_below_zero_of_a_request_is_refused() -> None:
    row = {"id": "judge", "owned_by": "lab", "created": 1_760_000_000, "price": "-1"}
    message = "models/judges.json: model 'judge': price: '-1' is not a decimal amount like '12.50'"
    assert refusal(plain("judges.json"), {"price_version": "2026-03-01", "models": [row]}) == message


def test_a_cached_token_dearer_than_a_new_one_is_refused() -> None:
    message = "model 'two': price: cache_read: must be at most the price of input, 3"
    assert chat_refusal(*TWO, "price", "cache_read", to="3.01") == message


def test_a_modality_named_twice_is_refused() -> None:
    assert chat_refusal(*ONE, "input", to=["text", "text"]) == "model 'one': input: names 'text' twice"


def test_an_unknown_modality_is_refused() -> None:
    message = "model 'one': output: must be one of text, image, file, audio, not 'smell'"
    assert chat_refusal(*ONE, "output", to=["smell"]) == message


def test_prices_of_a_second_and_of_an_asset_at_once_are_refused() -> None:
    message = "model 'film': target 1: price: has 'per_second' beside a price of an asset; a result has one of them"
    assert media_refusal(*FILM, "price", to={"per_second": "0.10", "per_asset": "1"}) == message


def test_a_price_of_an_asset_for_what_is_sold_by_the_second_is_refused() -> None:
    message = "model 'film-2': price: must be 'per_second', as the row has durations_s"
    assert media_refusal(*FILM_2, "price", to={"per_asset": "1"}) == message


def test_a_price_of_a_second_for_an_asset_is_refused() -> None:
    message = "model 'statue': price: per_second: the row has no durations_s"
    assert media_refusal(*STATUE, "price", to={"per_second": "1"}) == message


@pytest.mark.parametrize("member", ["durations_s", "aspect_ratios"])
def test_a_video_without_a_member_that_it_needs_is_refused(member: str) -> None:
    message = f"models/media.json: model 'film-2': member {member!r} is missing; a video needs it"
    assert refusal(MEDIA_MODELS, without(MEDIA, *FILM_2, member)) == message


def test_an_asset_with_a_video_s_member_is_refused() -> None:
    assert media_refusal(*STATUE, "aspect_ratios", to=["1:1"]) == "model 'statue': aspect_ratios: a 3d has none"


@pytest.mark.parametrize("durations", [["6", "4"], ["4", "4"]])
def test_durations_that_do_not_go_up_are_refused(durations: list[str]) -> None:
    message = "model 'film-2': durations_s: must go up, each once"
    assert media_refusal(*FILM_2, "durations_s", to=durations) == message


@pytest.mark.parametrize("durations", [["0", "4"], ["4", "3601"]])
def test_durations_that_cannot_be_billed_are_refused(durations: list[str]) -> None:
    message = "model 'film-2': durations_s: must be above 0 and at most 3600 seconds"
    assert media_refusal(*FILM_2, "durations_s", to=durations) == message


def test_a_reference_without_types_is_refused() -> None:
    message = "model 'film-2': reference_types: must be given unless reference is none"
    assert media_refusal(*FILM_2, "reference", to="optional") == message


def test_a_model_that_can_be_asked_for_nothing_is_refused() -> None:
    message = "model 'film-2': takes neither a prompt nor a reference"
    assert media_refusal(*FILM_2, "prompt_characters_max", to=None) == message


def test_the_rows_without_a_mistake_are_taken() -> None:
    assert len(parse(CHAT_MODELS, deepcopy(CHAT), KNOWN).models()) == 2
    assert len(parse(MEDIA_MODELS, deepcopy(MEDIA), KNOWN).models()) == 3


def test_a_region_whose_name_is_like_none_of_its_provider_is_refused() -> None:
    message = "model 'two': region: 'eu-11' is not like the name of a region of 'host'"
    assert chat_refusal(*TWO, "targets", 1, "region", to="eu-11") == message


@pytest.mark.parametrize(
    ("provider", "region", "known"),
    [
        *(("bedrock", region, True) for region in ("eu-west-1", "us-gov-west-1", "ap-southeast-7")),
        *(("bedrock", region, False) for region in ("eu-west-11", "eu-west", "euwest-1", "EU-WEST-1", "us-central1")),
        *(("vertex", region, True) for region in ("us-central1", "europe-west12", "global", "northamerica-northeast1")),
        *(("moonshot", region, True) for region in ("global", "cn-mainland")),
        *(("moonshot", region, False) for region in ("global|cn-mainland", "us-east-1")),
        *((CUSTOM, region, True) for region in ("here", "cn-rack-7")),
        *(("vertex", region, False) for region in ("us-east-1", "eu-west1-a", "us-central", "europe-west123")),
    ],
)
def test_a_region_is_known_by_its_providers_pattern(provider: str, region: str, known: bool) -> None:
    assert bool(re.fullmatch(providers.KNOWN.regional[provider], region)) is known


def test_a_profile_of_models_of_another_wire_is_refused() -> None:
    assert chat_refusal(*ONE, "profile", to="hosted") == f"model 'one': {FOREIGN_PROFILE}"


def test_a_profile_of_models_of_another_wire_than_the_targets_own_is_refused() -> None:
    document = changed(changed(CHAT, *TWO, "profile", to="hosted"), *TWO, "targets", 0, "profile", to="plain")
    document = changed(document, *TWO, "targets", 1, "provider", to="lab")
    document = without(document, *TWO, "targets", 1, "region")
    assert refusal(CHAT_MODELS, document) == f"models/chat.json: model 'two': {FOREIGN_PROFILE}"


def test_a_provider_of_the_operators_own_serves_a_model() -> None:
    document = changed(changed(CHAT, *ONE, "provider", to="custom/ollama"), *ONE, "region", to="cn-here")
    (target,) = parse(CHAT_MODELS, document, OPEN).models()[0].targets
    assert (target.provider, target.wires, target.region) == ("custom/ollama", (), "cn-here")


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("provider", "custom", "unknown provider 'custom'; known: custom/*, host, lab"),
        ("wires", ["other_wire"], "unknown wire of provider 'custom/ollama': 'other_wire'"),
        ("region", "CN", "region: 'CN' is not like the name of a region of 'custom/ollama'"),
        (
            "profile",
            "hosted",
            "profile: 'hosted' is of models on host_wire, and provider 'custom/ollama' serves this one on plain_wire",
        ),
    ],
)
def test_a_mistake_in_a_model_of_the_operators_own_provider_is_told(member: str, value: Any, message: str) -> None:
    document = changed(CHAT, *ONE, "provider", to="custom/ollama")
    assert message in refusal(CHAT_MODELS, changed(document, *ONE, member, to=value), OPEN)


@pytest.mark.parametrize("member", ["id", "upstream_model"])
def test_white_space_inside_a_name_is_refused(member: str) -> None:
    message = f"{member}: must be of visible ASCII characters, without white space: 'gpt 9'"
    document = changed(CHAT, *OLD, "retired", "successor", to="gpt 9")
    document = changed(document, *ALIAS, "models", to=["gpt 9"]) if member == "id" else document
    assert refusal(CHAT_MODELS, changed(document, *ONE, member, to="gpt 9")).endswith(message)


def test_sight_without_images_is_refused() -> None:
    message = "model 'two': capabilities: 'vision' needs 'image' in input"
    assert chat_refusal(*TWO, "input", to=["text"]) == message


def test_a_provider_that_does_not_serve_the_files_kind_is_refused() -> None:
    row = {"id": "judge", "owned_by": "lab", "provider": "host", "created": 1_760_000_000, "price": "0"}
    document = {"price_version": "2026-03-01", "providers": ["lab"], "models": [row]}
    message = "models/judges.json: model 'judge': unknown provider 'host'; known: lab"
    assert refusal(plain("judges.json"), document) == message
    message = "models/judges.json: providers: unknown provider 'labb'; known: host, lab"
    assert refusal(plain("judges.json"), document | {"providers": ["labb"]}) == message
