"""Tests that loading checks a catalog: each mistake is an error that names the file, the row and the member."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import shutil
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from msgspec.structs import fields

from gateway import wiring
from gateway.canonical.chat_models import ChatModel, ListPrice
from gateway.canonical.media_models import MediaModel, MediaPrice
from gateway.canonical.models import ModelTarget, Sale
from gateway.catalog import live, loader
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import Kind, load, parse
from gateway.catalog.media import MEDIA_MODELS
from gateway.catalog.schema import CatalogError
from gateway.ports.catalog import KnownNames
from gateway.providers.chat import registry as chat_providers
from gateway.providers.media import registry as media_providers
from gateway.wiring import catalogs
from gateway.wiring.catalogs import check_catalogs
from tests.catalog.rows import CHAT, KNOWN, MEDIA, changed, without

ONE, TWO, OLD = ("models", 0), ("models", 1), ("models", 2)
FILM, STATUE = ("models", 0), ("models", 2)
ALIAS = ("aliases", 0)


def test_the_chat_models_of_this_release_name_providers_profiles_and_wires_that_there_are() -> None:
    assert len(load(CHAT_MODELS, chat_providers.KNOWN).models()) > 30


def test_the_media_models_of_this_release_name_providers_that_there_are() -> None:
    assert len(load(MEDIA_MODELS, media_providers.KNOWN).models()) > 30


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (changed(CHAT, *ONE, "provider", to="labb"), "model 'one': unknown provider 'labb'; known: host, lab"),
        (changed(CHAT, *ONE, "owned_by", to="labb"), "model 'one': unknown provider 'labb'; known: host, lab"),
        (
            changed(CHAT, *TWO, "targets", 1, "provider", to="hots"),
            "model 'two': unknown provider 'hots'; known: host, lab",
        ),
        (changed(CHAT, *ONE, "profile", to="plane"), "model 'one': unknown profile 'plane'; known: hosted, plain"),
        (
            changed(CHAT, *ONE, "wires", to=["host_wire"]),
            "model 'one': unknown wire of provider 'lab': 'host_wire'; known: other_wire, plain_wire",
        ),
        (changed(CHAT, *ONE, "region", to="eu-1"), "model 'one': unknown provider with regions: 'lab'; known: host"),
        (
            changed(CHAT, *ONE, "price", to={"inptu": "1", "output": "2"}),
            (
                "model 'one': price: unknown member 'inptu'; known: input, output, cache_read, cache_write_5m, "
                "cache_write_1h, audio_input, audio_output, image_output, steps"
            ),
        ),
        (without(CHAT, *ONE, "price", "output"), "model 'one': price: member 'output' is missing"),
        (
            changed(CHAT, *ONE, "price", "input", to="1,5"),
            "model 'one': price: input: '1,5' is not a decimal amount like '12.50'",
        ),
        (changed(CHAT, *ONE, "price", "input", to=1.5), "model 'one': price: input: must be a text, not 1.5"),
        (changed(CHAT, *ONE, "price", to="1"), "model 'one': price: must be an object, not '1'"),
        (
            changed(CHAT, *OLD, "retired", "successor", to="three"),
            "model 'old': unknown successor 'three'; it must be the id of a model of this file",
        ),
        (
            changed(CHAT, *OLD, "retired", "successor", to="old"),
            "model 'old': unknown successor 'old'; it must be the id of a model of this file",
        ),
        (changed(CHAT, *OLD, "created", to=1), "model 'old': unknown member 'created'; known: id, retired"),
        (without(CHAT, *OLD, "retired", "on"), "model 'old': retired: member 'on' is missing"),
        (
            changed(CHAT, *ALIAS, "models", to=["one", "three"]),
            "alias 'nexevo/fast': unknown model 'three'; it must be the id of a model of this file",
        ),
        (
            changed(CHAT, *ALIAS, "tier", to="fats"),
            "alias 'nexevo/fast': tier: must be one of fast, balanced, passthrough, not 'fats'",
        ),
        (
            changed(CHAT, *ONE, "fallbacks", to=["three"]),
            "model 'one': unknown fallback 'three'; it must be the id of a model of this file",
        ),
        (changed(CHAT, *TWO, "id", to="one"), "model 'one': another row has this id"),
        (changed(CHAT, *ALIAS, "id", to="one"), "model 'one': another row has this id"),
        (
            changed(CHAT, *ONE, "contextwindow", to=1),
            (
                "model 'one': unknown member 'contextwindow'; known: id, owned_by, created, fallbacks, targets, "
                "knowledge, retires_on, margin, byok_fee, context_window, max_output_tokens, input, output, "
                "capabilities, quality, provider, upstream_model, profile, price, wires, streams, region, tools, "
                "latency_ms, throughput_tps"
            ),
        ),
        (
            changed(CHAT, *TWO, "targets", 0, "context_window", to=1),
            (
                "model 'two': target 1: unknown member 'context_window'; known: provider, upstream_model, profile, "
                "price, wires, streams, region, tools, latency_ms, throughput_tps"
            ),
        ),
        (without(CHAT, *ONE, "context_window"), "model 'one': member 'context_window' is missing"),
        (without(CHAT, *ONE, "profile"), "model 'one': member 'profile' is missing"),
        (without(CHAT, *ONE, "id"), "model 1: member 'id' is missing"),
        (changed(CHAT, *ONE, "id", to=""), "model '': id: must be a text, not ''"),
        (
            changed(CHAT, *ONE, "context_window", to="1000"),
            "model 'one': context_window: must be a whole number above 0, not '1000'",
        ),
        (
            changed(CHAT, *ONE, "max_output_tokens", to=True),
            "model 'one': max_output_tokens: must be a whole number above 0, not True",
        ),
        (changed(CHAT, *ONE, "streams", to="no"), "model 'one': streams: must be true or false, not 'no'"),
        (
            changed(CHAT, *ONE, "input", to=["txet"]),
            "model 'one': input: must be one of text, image, file, audio, not 'txet'",
        ),
        (
            changed(CHAT, *ONE, "capabilities", to="tools"),
            "model 'one': capabilities: must be a list with something in it, not 'tools'",
        ),
        (
            changed(CHAT, *TWO, "targets", to=[]),
            "model 'two': targets: must be a list with something in it, not []",
        ),
        (changed(CHAT, *TWO, "targets", to=["lab"]), "model 'two': targets: must be an object, not 'lab'"),
        (changed(CHAT, *ONE, to="one"), "models: must be an object, not 'one'"),
        (without(CHAT, "price_version"), "member 'price_version' is missing"),
        (
            changed(CHAT, "aliasses", to=[]),
            "unknown member 'aliasses'; known: price_version, models, aliases, tools, providers, margins, overrides",
        ),
    ],
)
def test_a_mistake_in_a_chat_row_is_named(document: dict[str, Any], message: str) -> None:
    assert refusal(CHAT_MODELS, document) == f"models/chat.json: {message}"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (changed(MEDIA, *STATUE, "provider", to="labb"), "model 'statue': unknown provider 'labb'; known: host, lab"),
        (changed(MEDIA, *STATUE, "kind", to="4d"), "model 'statue': kind: must be one of video, 3d, not '4d'"),
        (
            changed(MEDIA, *STATUE, "reference", to="maybe"),
            "model 'statue': reference: must be one of none, optional, required, instead_of_prompt, not 'maybe'",
        ),
        (
            changed(MEDIA, *STATUE, "reference_types", to=["jpg"]),
            "model 'statue': reference_types: must be one of png, jpeg, webp, not 'jpg'",
        ),
        (
            changed(MEDIA, *STATUE, "output_formats", to=["gbl"]),
            "model 'statue': output_formats: must be one of glb, obj, stl, usdz, fbx, not 'gbl'",
        ),
        (
            changed(MEDIA, *FILM, "aspect_ratios", to=["16x9"]),
            "model 'film': aspect_ratios: must be one of 16:9, 9:16, 1:1, 4:3, 3:4, not '16x9'",
        ),
        (changed(MEDIA, *STATUE, "price", to={}), "model 'statue': price: needs 'per_second' or 'per_asset'"),
        (
            changed(MEDIA, *FILM, "durations_s", to={"from": "4", "to": "2", "step": "1"}),
            "model 'film': durations_s: must go up from 'from' to 'to' by a 'step' above 0",
        ),
        (
            changed(MEDIA, *FILM, "durations_s", to={"from": "1", "to": "2", "step": "0"}),
            "model 'film': durations_s: must go up from 'from' to 'to' by a 'step' above 0",
        ),
        (
            changed(MEDIA, *FILM, "durations_s", to=[4]),
            "model 'film': durations_s: must be a text, not 4",
        ),
        (
            changed(MEDIA, *FILM, "profile", to="plain"),
            (
                "model 'film': unknown member 'profile'; known: id, owned_by, created, fallbacks, targets, knowledge, "
                "retires_on, margin, byok_fee, kind, deadline_s, prompt_characters_max, reference, "
                "reference_types, durations_s, aspect_ratios, ratio_of_reference, "
                "negative_prompt_characters_max, seed_max, output_formats, provider, upstream_model, price"
            ),
        ),
    ],
)
def test_a_mistake_in_a_media_row_is_named(document: dict[str, Any], message: str) -> None:
    assert refusal(MEDIA_MODELS, document) == f"models/media.json: {message}"


def refusal(kind: Kind[Any], document: dict[str, Any]) -> str:
    with pytest.raises(CatalogError) as caught:
        parse(kind, document, KNOWN)
    return str(caught.value)


def test_a_row_without_targets_is_its_own_one_target() -> None:
    model = parse(CHAT_MODELS, CHAT, KNOWN).models()[0]
    assert model.sale == Sale("2026-03-01")
    price = ListPrice(input="1", output="2.50")
    assert model.targets == (ModelTarget(provider="lab", upstream_model="one", price=price, profile="plain"),)


def test_a_target_takes_from_its_row_what_it_does_not_say_itself() -> None:
    first, second = parse(CHAT_MODELS, CHAT, KNOWN).models()[1].targets
    assert first == ModelTarget(
        provider="lab",
        upstream_model="two",
        price=ListPrice(input="3", output="4", cache_read="0.30"),
        profile="plain",
        wires=("other_wire",),
        streams=False,
    )
    assert second == ModelTarget(
        provider="host",
        upstream_model="lab.two-v1",
        price=ListPrice(input="5", output="6"),
        profile="plain",
        region="eu-1",
    )


def test_a_media_row_is_read_by_the_same_loader() -> None:
    model = parse(MEDIA_MODELS, MEDIA, KNOWN).models()[0]
    assert [(target.provider, target.price) for target in model.targets] == [
        ("lab", MediaPrice(per_second="0.10")),
        ("host", MediaPrice(per_second="0.20")),
    ]
    assert model.durations is not None
    assert model.durations.values_s == (Decimal(1), Decimal("1.5"), Decimal(2))


def test_a_model_that_an_alias_and_a_fallback_name_is_found_once() -> None:
    catalog = parse(MEDIA_MODELS, changed(MEDIA, *ALIAS, "models", to=["film", "film-2"]), KNOWN)
    name = catalog.find("nexevo/video")
    assert name is not None
    assert [model.id for model in catalog.models_behind(name.offer)] == ["film", "film-2"]


@pytest.mark.parametrize(
    ("asked", "found"), [("one:fast", "one"), ("one:slow", None), ("nexevo/fast:cheap", "nexevo/fast")]
)
def test_a_chat_name_may_end_in_a_preference(asked: str, found: str | None) -> None:
    name = parse(CHAT_MODELS, CHAT, KNOWN).find(asked)
    assert (None if name is None else name.offer.id) == found


def test_a_media_name_may_not() -> None:
    assert parse(MEDIA_MODELS, MEDIA, KNOWN).find("film:fast") is None


@pytest.mark.parametrize(("kind", "model"), [(CHAT_MODELS, ChatModel), (MEDIA_MODELS, MediaModel)])
def test_every_fact_of_a_model_is_a_member_of_its_rows(kind: Kind[Any], model: type) -> None:
    members = {member.field or name for name, member in kind.model.items()}
    assert members - {"margin", "byok_fee"} == {fact.name for fact in fields(model)} - {"sale"}


def test_every_data_file_of_this_release_is_right() -> None:
    check_catalogs()


def test_a_data_file_that_is_not_json_is_named_with_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chat.json").write_text('{"price_version": "v",\n "models": [,]}')
    monkeypatch.setattr(loader, "DATA", str(tmp_path))
    with pytest.raises(CatalogError, match=r"^models/chat.json: line 2: not JSON"):
        loader.load(CHAT_MODELS, KNOWN)


def test_the_row_that_is_shown_for_a_new_model_is_taken_as_it_stands() -> None:
    page = (Path(__file__).parents[2] / "docs" / "adding-a-model-or-provider.md").read_text()
    (shown,) = re.findall(r"For example in `chat\.json`:\n\n```json\n(.+)\n```", page)
    document = orjson.loads((Path(loader.DATA) / "chat.json").read_bytes())
    document["models"].append(orjson.loads(shown))
    assert parse(CHAT_MODELS, document, chat_providers.KNOWN).models()[-1].id == orjson.loads(shown)["id"]


def test_a_typo_in_any_data_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in Path(loader.DATA).glob("*.json"):
        shutil.copy(file, tmp_path)
    row = {"id": "judge", "owned_by": "opennai", "created": 1_760_000_000, "price": "0"}
    (tmp_path / "judges.json").write_bytes(orjson.dumps({"price_version": "2026-01-01", "models": [row]}))
    monkeypatch.setattr(loader, "DATA", str(tmp_path))
    monkeypatch.setattr(catalogs, "DATA", str(tmp_path))
    with pytest.raises(CatalogError, match=r"judges\.json: model 'judge': unknown provider 'opennai'"):
        check_catalogs()


# The modules that hold a catalog, which is loaded as they are imported.
HOLDERS = [
    module
    for found in pkgutil.iter_modules(wiring.__path__, "gateway.wiring.")
    if "\nCATALOG = " in inspect.getsource(module := importlib.import_module(found.name))
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda module: module.__name__)
def test_a_function_starts_beside_a_wrong_row_and_names_it_where_it_is_used(
    holder: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file in Path(loader.DATA).glob("*.json"):
        document = orjson.loads(file.read_bytes())
        document["models"][-1]["provider"] = "nowhere"
        (tmp_path / file.name).write_bytes(orjson.dumps(document))
    with monkeypatch.context() as patched:
        patched.setattr(loader, "DATA", str(tmp_path))
        catalog = importlib.reload(holder).CATALOG
    importlib.reload(holder)
    with pytest.raises(CatalogError, match=r"^models/.*json: model '.*': unknown provider 'nowhere'"):
        catalog.models()


def test_the_start_check_reads_each_file_with_the_names_that_the_functions_know(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_functions: list[tuple[Kind[Any], KnownNames]] = []
    at_start: list[tuple[Kind[Any], KnownNames]] = []

    def watched(kind: Kind[Any], _: Any, known: KnownNames) -> None:
        by_functions.append((kind, known))
        raise CatalogError("seen")  # The module stays as it was.

    monkeypatch.setattr(loader, "lazy", watched)
    monkeypatch.setattr(live, "lazy", watched)
    for holder in HOLDERS:
        with pytest.raises(CatalogError, match="seen"):
            importlib.reload(holder)
    monkeypatch.setattr(catalogs, "parse", lambda kind, _, known: at_start.append((kind, known)))
    check_catalogs()
    assert len(by_functions) > len(at_start) == len(list(Path(loader.DATA).glob("*.json")))
    assert all(each in by_functions for each in at_start)
    assert all(each in at_start for each in by_functions)


def test_one_request_reads_the_rows_of_its_model_alone() -> None:
    catalog = load(CHAT_MODELS, chat_providers.KNOWN)
    assert catalog.made == 0
    found = catalog.find("gpt-4o")
    assert found is not None
    assert [model.id for model in catalog.models_behind(found.offer)] == ["gpt-4o"]
    assert catalog.made == 1


def test_another_spelling_of_a_name_reads_no_more_rows_than_the_id() -> None:
    catalog = load(CHAT_MODELS, chat_providers.KNOWN)
    found = catalog.find("anthropic/claude-haiku-4.5:fast")
    assert found is not None
    assert (found.offer.id, catalog.made) == ("claude-haiku-4-5", 1)
    assert (catalog.find("no-such-model"), catalog.made) == (None, 1)
