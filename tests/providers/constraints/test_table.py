"""Tests that the table matches the vendors: each row is tried at its bounds, and no row can change unnoticed."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.canonical.target import Profile
from gateway.providers.chat.profiles import PROFILES
from gateway.providers.constraints import RULES, Alphabet, Rule
from tests.providers.constraints.asking import shaped
from tests.providers.constraints.expected import EXPECTED, GENERATION, GENERATIONS
from tests.providers.constraints.probes import at, is_just

EXTRAS = {
    "tool_root_refused": "required",
    "tool_root_only": "title",
    "answer_formats": "schema",
    "schema_keywords": "maxLength",
    "schema_formats": "phone",
    "image_types": "image/bmp",
    "tool_choices_refused": "tool",
}


def first_generation(rule: Rule) -> str:
    return rule.generations[0] if rule.generations else ""


def name(rule: Rule) -> str:
    return f"{rule.dialect}-{rule.member}-{first_generation(rule)}"


def expected_of(rule: Rule) -> Any:
    return EXPECTED[rule.dialect][first_generation(rule), rule.member]


def holds(rule: Rule, rules: tuple[Rule, ...]) -> bool:
    return is_just(at(shaped, rule.dialect, first_generation(rule), rules), rule.member, expected_of(rule))


def others_than(value: Any, member: str) -> Iterator[Any]:
    """Yields every value that differs in one member."""
    match value:
        case bool():
            yield not value
        case int():
            yield from (value - 1, value + 1)
        case float():
            yield from (value - 0.5, value + 0.5)
        case str():
            yield from {"any", "not empty", "not blank"} - {value}
        case Alphabet():
            most = value.length_max
            yield from [replace(value, length_max=each) for each in ([7] if most is None else [most - 1, most + 1])]
            yield from [replace(value, characters="a-z"), replace(value, characters="\\t" + value.characters)]
            yield from [] if value.first is None else [replace(value, first=None), replace(value, first="a-z")]
        case tuple():
            yield from (tuple(each for each in value if each != left_out) for left_out in value)
            extra = EXTRAS.get(member, "parallel_tool_calls")
            yield from [] if extra in value or (member == "lacks" and "stop" in value) else [(*value, extra)]


MUTATED = [
    pytest.param(rule, other, id=f"{name(rule)}-{number}")
    for rule in RULES
    for number, other in enumerate(others_than(rule.value, rule.member))
]


def test_every_row_has_a_value_that_is_expected_of_it_and_nothing_else_is() -> None:
    told = {(rule.dialect, first_generation(rule), rule.member) for rule in RULES}
    assert told == {(dialect, *key) for dialect, rows in EXPECTED.items() for key in rows}
    assert len(told) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_target_takes_what_its_row_says_and_no_more(rule: Rule) -> None:
    assert holds(rule, RULES)


@pytest.mark.drawn
@pytest.mark.parametrize(("rule", "other"), MUTATED)
def test_no_row_can_be_another_unseen(rule: Rule, other: object) -> None:
    rules = tuple(replace(each, value=other) if each is rule else each for each in RULES)
    assert not holds(rule, rules)


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_row_is_told_of_these_generations_and_of_no_other(rule: Rule) -> None:
    assert rule.generations == GENERATIONS.get((rule.dialect, first_generation(rule), rule.member), ())


def test_every_generation_is_as_its_vendor_tells_it() -> None:
    assert {generation: Profile(generation, **told) for generation, told in GENERATION.items()} == PROFILES


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_row_names_its_source_and_generations_that_there_are(rule: Rule) -> None:
    assert rule.source.startswith("https://")
    assert set(rule.generations) <= set(PROFILES)
