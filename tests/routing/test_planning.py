"""Tests of the rules of a plan that are not the order: what is left out, why, and with which refusal."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.canonical.request import ChatRequest
from gateway.errors import GatewayError, InvalidRequest, PermissionDenied
from gateway.operations.chat import ChatOperation
from gateway.protocols import openai_chat
from gateway.routing.plan import Excluded, Plan, id_of
from gateway.routing.planning import plan
from gateway.signatures import Vault
from tests.fakes.signatures import MemorySignatures
from tests.routing.catalogs import alias, asked, caller, catalog_of, model, order, planned, target
from tests.virtual_time import LoopClock

PICTURE = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}]
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
BLIND: dict[str, Any] = {"input": ["text"], "capabilities": ["structured_output"]}
CATALOG = catalog_of(
    model("plain", target("openai", "2", "8"), target("deepseek", "1", "1")),
    model("blind", target("deepseek"), **BLIND),
    model("short", target("openai"), context_window=9_000),
    model("backed", target("openai"), fallbacks=["plain"]),
    alias("nexevo/some", "blind", "plain"),
    alias("nexevo/blind", "blind"),
)


def own(provider: str) -> dict[str, Any]:
    return {"provider": provider, "profile": "compatible", "price": {"input": "1", "output": "2"}}


def refused(name: str, **members: Any) -> GatewayError:
    with pytest.raises(GatewayError) as refusal:
        planned(CATALOG, name, **members)
    return refusal.value


def test_without_fallbacks_the_first_of_the_named_providers_is_the_only_one() -> None:
    provider = {"order": ["deepseek", "openai"], "allow_fallbacks": False}
    assert order(CATALOG, "plain", provider=provider) == ["deepseek/plain"]


def test_without_fallbacks_no_other_than_a_named_provider_serves() -> None:
    refusal = refused("plain", provider={"order": ["bedrock"], "allow_fallbacks": False})
    assert (refusal.status, refusal.param) == (400, "provider.order")


HOUSE = catalog_of(
    model("m", own("custom/one"), own("custom/two"), target("openai")),
    model("alone", own("custom/one"), owned_by="house"),
)


@pytest.mark.parametrize(
    ("provider", "left"),
    [
        ({"ignore": ["Custom"]}, ["openai/m"]),
        ({"ignore": ["CUSTOM/One"]}, ["custom/two/m", "openai/m"]),
        ({"only": ["custom"]}, ["custom/one/m", "custom/two/m"]),
        ({"only": ["custom/TWO"]}, ["custom/two/m"]),
        ({"order": ["openai", "custom"]}, ["openai/m", "custom/one/m", "custom/two/m"]),
        ({"order": ["custom/two"], "allow_fallbacks": False}, ["custom/two/m"]),
    ],
)
def test_rows_of_the_operators_own_are_named_together_or_one_by_one(provider: dict[str, Any], left: list[str]) -> None:
    assert order(HOUSE, "m", provider=provider) == left


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("openai/plain", ["openai/plain", "deepseek/plain"]),
        ("deepseek/plain", ["deepseek/plain"]),
        ("DeepSeek/plain:cheap", ["deepseek/plain"]),
        ("deepseek/deep-plain", ["deepseek/plain"]),
        ("openai/backed", ["openai/backed", "azure/backed", "openai/plain", "deepseek/plain"]),
        ("azure/backed", ["azure/backed"]),
        ("aws/other", ["bedrock/other"]),
    ],
)
def test_a_model_behind_its_providers_name_is_served_there_alone(name: str, found: list[str]) -> None:
    catalog = catalog_of(
        model("plain", target("openai", "2", "8"), target("deepseek", "1", "1", upstream_model="deep-plain")),
        model("backed", target("openai"), target("azure"), fallbacks=["plain"]),
        model("other", target("openai"), target("bedrock"), owned_by="house"),
    )
    assert order(catalog, name) == found
    # The key's list names the model, or the model at the provider.
    for entry in (name, found[0].partition("/")[2]):
        key = caller(allowed_models=(entry,))
        assert [id_of(each) for each in plan(asked(name), catalog, key).candidates][:1] == found[:1]


@pytest.mark.parametrize("name", ["custom/one/m", "custom/one/alone"])
def test_a_model_at_an_operators_row_has_that_rows_name(name: str) -> None:
    assert order(HOUSE, name) == [name]


@pytest.mark.parametrize(
    "name",
    ["deepseek/backed", "nowhere/plain", "deepseek/nothing", "deepseek/", "/plain", "custom/plain", "custom/one/"],
)
def test_a_provider_that_does_not_serve_the_model_is_no_name(name: str) -> None:
    assert refused(name).code == "model_not_found"


def test_an_alias_and_a_retired_id_are_of_no_provider() -> None:
    assert refused("openai/nexevo/some").code == "model_not_found"


def test_a_price_is_judged_as_it_is_billed() -> None:
    catalog = catalog_of(
        model("dear", target("openai", "0.10", "0.20"), margin="1000"),
        model("cheap", target("openai", "0.10", "0.20"), margin="0"),
        alias("nexevo/flat", "dear", tier="fast"),
    )
    limit = {"prompt": "0.1", "completion": "0.2"}
    assert order(catalog, "cheap", max_price=limit) == ["openai/cheap"]
    with pytest.raises(InvalidRequest, match="max_price"):
        planned(catalog, "dear", max_price=limit)
    assert order(catalog, "dear", max_price={"prompt": "1.1", "completion": "2.2"}) == ["openai/dear"]
    assert order(catalog, "nexevo/flat", max_price={"prompt": "3", "completion": "12"}) == ["openai/dear"]


def test_a_name_that_no_provider_has_matches_none() -> None:
    assert order(CATALOG, "plain", provider={"ignore": ["nowhere"], "only": ["nowhere", "openai"]}) == ["openai/plain"]
    assert refused("plain", provider={"only": ["nowhere"]}).param == "provider"


def test_every_target_that_is_left_out_has_its_rule_and_reason() -> None:
    excluded: list[Excluded] = []
    provider = {"ignore": ["deepseek"]}
    planned(CATALOG, "plain", excluded, models=["short"], provider=provider, max_price={"prompt": "1.5"})
    assert excluded == [
        Excluded("plain", "deepseek", None, "provider.ignore", "is one of the named providers"),
        Excluded("plain", "openai", None, "max_price", "costs 2.1 USD per million tokens of input"),
    ]


def test_a_fallback_needs_its_own_entry_on_the_keys_list() -> None:
    def found(*entries: str, name: str = "backed") -> list[str]:
        key = caller(allowed_models=entries)
        return [id_of(each) for each in plan(asked(name), CATALOG, key).candidates]

    assert found("backed") == ["openai/backed"]
    assert found("backed", "plain") == ["openai/backed", "openai/plain", "deepseek/plain"]
    assert found("nexevo/some", name="nexevo/some") == ["deepseek/blind", "openai/plain", "deepseek/plain"]
    with pytest.raises(PermissionDenied):
        found("plain")


@pytest.mark.parametrize(
    ("classes", "fits"),
    [
        ({"cache_write_1h": "2.1"}, True),
        ({"cache_write_1h": "2"}, False),
        ({"cache_read": "0.525"}, True),
        ({"cache_read": "0.5"}, False),
        ({"audio_output": "8.4"}, True),
        ({"audio_output": "8"}, False),
    ],
)
def test_a_price_is_judged_by_class_and_a_class_without_its_own_by_that_it_is_paid_as(
    classes: dict[str, str], *, fits: bool
) -> None:
    catalog = catalog_of(model("m", target("openai", "2", "8", price={"cache_read": "0.5"})))
    if fits:
        assert planned(catalog, "m", max_price=classes).candidates
        return
    with pytest.raises(InvalidRequest) as refusal:
        planned(catalog, "m", max_price=classes)
    assert refusal.value.code == "max_price_exceeded"


def test_a_model_that_cannot_see_makes_way_for_one_that_can() -> None:
    assert order(CATALOG, "nexevo/some", messages=PICTURE) == ["openai/plain", "deepseek/plain"]
    assert order(CATALOG, "blind", models=["plain"], messages=PICTURE) == ["openai/plain", "deepseek/plain"]


def test_a_model_that_is_alone_is_asked_in_any_case() -> None:
    assert order(CATALOG, "nexevo/blind", messages=PICTURE) == ["deepseek/blind"]


def test_a_model_of_an_alias_makes_way_where_it_has_no_tools_and_one_that_was_named_does_not() -> None:
    assert order(CATALOG, "nexevo/some", tools=[TOOL])[0] == "openai/plain"
    assert order(CATALOG, "blind", models=["plain"], tools=[TOOL])[0] == "deepseek/blind"
    assert order(CATALOG, "nexevo/some", tools=[TOOL], tool_choice="none")[0] == "deepseek/blind"


def test_a_prompt_that_is_surely_too_long_goes_to_a_model_that_has_room() -> None:
    long = [{"role": "user", "content": "x" * 60_000}]
    assert order(CATALOG, "short", models=["plain"], messages=long)[0] == "openai/plain"
    perhaps = [{"role": "user", "content": "x" * 30_000}]
    assert order(CATALOG, "short", models=["plain"], messages=perhaps)[0] == "openai/short"


class TestRequiredParameters:
    """Targets that `provider.require_parameters` leaves out."""

    @staticmethod
    def planned(request: ChatRequest, *rows: dict[str, Any]) -> Plan[Any]:
        vault = Vault(MemorySignatures(), _Never())
        return ChatOperation(openai_chat.CLIENT, catalog_of(*rows), vault).plan(caller(), request)

    @pytest.mark.parametrize(
        "members",
        [{"logit_bias": {"5": 1}}, {"seed": 1}, {"n": 2}],
    )
    def test_a_target_that_takes_less_is_left_out(self, members: dict[str, Any]) -> None:
        rows = model("m", target("anthropic"), target("openai"))
        request = asked("m", provider={"require_parameters": True}, **members)
        assert [id_of(each) for each in self.planned(request, rows).candidates] == ["openai/m"]

    @pytest.mark.parametrize("members", [{"user": "u" * 600}, {"top_k": 5}])
    def test_a_target_of_the_callers_own_wire_that_does_not_take_all_of_it_is_left_out(
        self, members: dict[str, Any]
    ) -> None:
        rows = model("m", target("openai"), target("anthropic"))
        request = asked("m", provider={"require_parameters": True}, **members)
        if "top_k" in members:
            assert [id_of(each) for each in self.planned(request, rows).candidates] == ["anthropic/m"]
            return
        with pytest.raises(InvalidRequest, match="Invalid 'user'"):
            self.planned(request, rows)

    def test_a_model_that_samples_as_it_likes_is_left_out(self) -> None:
        rows = model("m", target("openai", profile="openai_gpt5"), target("openai", upstream_model="other"))
        for temperature, left in ((0.5, 1), (1, 2)):
            request = asked("m", provider={"require_parameters": True}, temperature=temperature)
            assert len(self.planned(request, rows).candidates) == left

    def test_a_model_without_the_capability_is_left_out(self) -> None:
        rows = model("m", capabilities=["vision"])
        with pytest.raises(InvalidRequest) as refusal:
            self.planned(asked("m", provider={"require_parameters": True}, tools=[TOOL]), rows)
        assert (refusal.value.param, refusal.value.code) == ("tools", "unsupported_value")

    def test_the_refusal_is_the_first_targets(self) -> None:
        request = asked("m", provider={"require_parameters": True}, seed=1, logit_bias={"5": 1})
        with pytest.raises(InvalidRequest) as refusal:
            self.planned(request, model("m", target("anthropic")))
        assert refusal.value.param in {"seed", "logit_bias"}

    def test_without_fallbacks_the_first_that_takes_all_is_the_one(self) -> None:
        rows = model("m", target("anthropic"), target("openai"))
        provider = {"require_parameters": True, "allow_fallbacks": False}
        found = self.planned(asked("m", provider=provider, seed=1), rows)
        assert [id_of(each) for each in found.candidates] == ["openai/m"]


class _Never(LoopClock):
    """A clock that no plan reads."""

    def __init__(self) -> None:
        pass
