"""Tests of grading: what it is worth on prompts that it was not fitted on, what `auto` picks, and what it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from gateway.canonical.chat_models import FLAT_PRICE, ChatModel
from gateway.catalog.chat import CHAT_MODELS
from gateway.catalog.loader import document_of, load
from gateway.providers.chat.registry import KNOWN
from gateway.routing.grading import features, grade
from gateway.routing.grading_words import QUALITIES, WEIGHTS
from gateway.routing.order import Expected, price_usd
from gateway.routing.plan import Candidate, Excluded
from gateway.routing.planning import plan
from tests.routing.catalogs import alias, asked, caller, catalog_of, model, order, target
from tests.routing.fitting import CLASSES, Prompt, fitted, halves

CATALOG = load(CHAT_MODELS, KNOWN)
FITTED_ON, HELD_BACK = halves()


def accuracy(graded: Callable[[Prompt], str], prompts: Sequence[Prompt]) -> float:
    return sum(graded(prompt) == prompt.needs for prompt in prompts) / len(prompts)


def by_features(prompt: Prompt) -> str:
    return grade(prompt.request).difficulty


def by_length(prompts: Sequence[Prompt]) -> Callable[[Prompt], str]:
    """Grades by the prompt's length alone, with the two bounds that do best on the prompts."""

    def graded(bounds: tuple[int, int]) -> Callable[[Prompt], str]:
        return lambda prompt: CLASSES[sum(len(prompt.request.source) > bound for bound in bounds)]

    lengths = sorted({len(prompt.request.source) for prompt in prompts})[::2]
    pairs = [(low, high) for low in lengths for high in lengths if low <= high]
    return graded(max(pairs, key=lambda bounds: accuracy(graded(bounds), prompts)))


def first_of(name: str, prompt: Prompt) -> Candidate[ChatModel]:
    request = prompt.request
    asks = asked(name, messages=[{"role": "user", "content": "x"}])
    return plan(request if name == "nexevo/auto" else asks, CATALOG, caller()).candidates[0]


def cost(candidate: Candidate[ChatModel], prompt: Prompt) -> Decimal:
    return price_usd(candidate.target.price, Expected(len(prompt.request.source) // 3, 500))


def test_grading_beats_length_alone_on_prompts_that_neither_was_fitted_on(capsys: pytest.CaptureFixture[str]) -> None:
    fitted_here, held_back = accuracy(by_features, FITTED_ON), accuracy(by_features, HELD_BACK)
    length_alone = accuracy(by_length(FITTED_ON), HELD_BACK)
    with capsys.disabled():
        print(f"\ngraded right: {held_back:.1%} of {len(HELD_BACK)} held back, {fitted_here:.1%} of those fitted on")
        print(f"by length alone, its bounds fitted on the same: {length_alone:.1%} of those held back")
    assert len(FITTED_ON) + len(HELD_BACK) >= 200
    assert held_back > 0.8
    assert held_back > length_alone + 0.2


def test_auto_costs_less_than_balanced_always(capsys: pytest.CaptureFixture[str]) -> None:
    auto = sum(cost(first_of("nexevo/auto", prompt), prompt) for prompt in HELD_BACK)
    balanced = sum(cost(first_of("nexevo/balanced", prompt), prompt) for prompt in HELD_BACK)
    picked = [first_of("nexevo/auto", prompt).model.quality or 0 for prompt in HELD_BACK]
    enough = sum(got >= QUALITIES[prompt.needs] for got, prompt in zip(picked, HELD_BACK, strict=True))
    fixed = first_of("nexevo/balanced", HELD_BACK[0]).model.quality or 0
    enough_fixed = sum(fixed >= QUALITIES[prompt.needs] for prompt in HELD_BACK)
    with capsys.disabled():
        each = len(HELD_BACK) * 1_000_000
        print(f"\na prompt costs {auto / each:.6f} USD by auto, {balanced / each:.6f} by balanced")
        print(f"the model is good enough for {enough} of {len(HELD_BACK)} by auto, {enough_fixed} by balanced")
    assert auto < balanced
    assert enough > enough_fixed


def test_the_weights_are_those_that_fitting_gives() -> None:
    assert fitted(FITTED_ON) == WEIGHTS


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_languages_are_graded_alike(language: str) -> None:
    assert accuracy(by_features, [prompt for prompt in HELD_BACK if prompt.language == language]) > 0.75


@pytest.mark.parametrize(
    ("text", "difficulty"),
    [
        ("hello", "easy"),
        ("你好", "easy"),
        ("", "easy"),
        ("Prove that every finite integral domain is a field, and give a counterexample without finiteness.", "hard"),
    ],
)
def test_plain_cases(text: str, difficulty: str) -> None:
    assert grade(asked("auto", messages=[{"role": "user", "content": text}])).difficulty == difficulty


def test_the_last_words_of_the_user_are_graded_and_not_a_tools_result() -> None:
    hard = {"role": "user", "content": "Prove the theorem rigorously and derive the asymptotic complexity."}
    call = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns = [
        hard,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "hello"},
    ]
    assert grade(asked("auto", messages=turns)).difficulty == "hard"
    thanks = [hard, {"role": "assistant", "content": "Done."}, {"role": "user", "content": "thanks!"}]
    assert grade(asked("auto", messages=thanks)).difficulty == "easy"


@pytest.mark.parametrize(
    ("members", "feature"),
    [
        ({"tools": [{"type": "function", "function": {"name": "look"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "structured"),
        ({"reasoning_effort": "high"}, "asks_reasoning"),
        ({"messages": [{"role": "user", "content": "hi"}] * 9}, "turns"),
        (
            {"messages": [{"role": "system", "content": "x" * 9_000}, {"role": "user", "content": "hi"}]},
            "context",
        ),
    ],
)
def test_what_else_a_request_asks_for_is_a_feature(members: dict[str, Any], feature: str) -> None:
    assert features(asked("auto", **members))[feature] > features(asked("auto")).get(feature, 0)


def test_a_long_prompt_is_read_at_its_ends() -> None:
    middle = "x " * 100_000
    for text in (f"Prove it. {middle}", f"{middle} Prove it."):
        assert features(asked("auto", messages=[{"role": "user", "content": text}]))["proof"] > 0


SMALL = model("small", target("openai", "0.1", "0.4"), quality=40)
MIDDLE = model("middle", target("gemini", "0.3", "1"), quality=60)
LARGE = model("large", target("deepseek", "1", "8"), quality=90)
DEAR = model("dear", target("anthropic", "15", "75"), quality=95)
GRADED = catalog_of(
    SMALL, MIDDLE, LARGE, DEAR,
    alias("nexevo/auto", "middle", "small", "large", "dear", tier="balanced", graded=True, also=["auto"]),
)  # fmt: skip
PROOF = [{"role": "user", "content": "Prove rigorously that there are infinitely many primes, by contradiction."}]


@pytest.mark.parametrize("name", ["nexevo/auto", "auto", "auto:cheap"])
def test_auto_takes_the_cheapest_model_that_is_good_enough_and_the_best_of_the_others_last(name: str) -> None:
    assert order(GRADED, name) == ["openai/small", "gemini/middle", "deepseek/large"]
    assert order(GRADED, name, messages=PROOF) == ["deepseek/large", "gemini/middle", "openai/small"]


def test_a_wish_orders_the_models_that_are_good_enough() -> None:
    assert order(GRADED, "auto:quality") == ["deepseek/large", "gemini/middle", "openai/small"]
    assert order(GRADED, "auto:fast", messages=PROOF)[0] == "deepseek/large"


def test_auto_takes_no_model_that_the_flat_price_does_not_pay_for() -> None:
    excluded: list[Excluded] = []
    found = plan(asked("auto"), GRADED, caller(), excluded)
    assert "dear" not in {each.model.id for each in found.candidates}
    assert [(each.model, each.rule) for each in excluded] == [("dear", "flat_price")]


def test_auto_is_allowed_by_either_of_its_names() -> None:
    for entry in ("auto", "nexevo/auto", "nexevo/*"):
        assert plan(asked("auto"), GRADED, caller(allowed_models=(entry,))).candidates


def test_a_flat_alias_of_this_release_sells_nothing_at_a_loss_to_a_short_prompt() -> None:
    for name in ("nexevo/fast", "nexevo/balanced", "nexevo/auto"):
        found = CATALOG.find(name)
        assert found is not None
        for one in CATALOG.models_behind(found.offer):
            for each in one.targets:
                asks = Expected(1_000, 500)
                assert price_usd(each.price, asks) <= price_usd(FLAT_PRICE, asks)


def test_the_aliases_of_this_release_have_several_providers_and_models_whose_figures_are_known() -> None:
    for name in ("nexevo/fast", "nexevo/balanced", "nexevo/auto"):
        found = CATALOG.find(name)
        assert found is not None
        models = CATALOG.models_behind(found.offer)
        assert len({each.provider for one in models for each in one.targets}) >= 3
        assert all(one.quality is not None for one in models)
        assert all(each.latency_ms and each.throughput_tps for one in models for each in one.targets)


def test_every_model_of_this_release_has_a_quality() -> None:
    rows = document_of(CHAT_MODELS)["models"]
    assert [row["id"] for row in rows if "retired" not in row and "quality" not in row] == []
