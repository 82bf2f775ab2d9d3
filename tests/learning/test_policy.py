"""Holds policies and classes: what a document may say, how it parts requests, and the class of a request."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.learning.choice import Option, propensities
from gateway.learning.classes import CLASSES, class_of
from gateway.learning.evidence import Table
from gateway.learning.policy import PolicyError, policy_document
from gateway.routing.grading_words import QUALITIES

DOCUMENT: dict[str, Any] = {
    "version": "2026-12-01",
    "salt": "december",
    "pinned": {"key_1": "new"},
    "parts": [
        {"name": "careful", "percent": 90, "kind": "static"},
        {"name": "new", "percent": 10, "kind": "learned", "weights": {"rating": 1.0}, "exploration": {"share": 0.1}},
    ],
}


def test_a_document_parts_requests_by_percent_and_keeps_a_unit_where_it_is() -> None:
    document = policy_document(DOCUMENT)
    names = [document.part_for("key_2", f"conversation-{number}").name for number in range(2_000)]
    assert names.count("new") == pytest.approx(200, abs=50)
    assert names == [document.part_for("key_3", f"conversation-{number}").name for number in range(2_000)]


def test_a_pinned_key_has_one_part() -> None:
    document = policy_document(DOCUMENT)
    assert {document.part_for("key_1", str(number)).name for number in range(50)} == {"new"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"parts": []}, "parts"),
        ({"parts": [{"name": "a", "percent": 90, "kind": "static"}]}, "sum to 100"),
        ({"parts": [{"name": "a", "percent": 50, "kind": "static"}] * 2}, "same name"),
        ({"pinned": {"key_1": "absent"}}, "absent"),
        ({"parts": [{"name": "new", "percent": 100, "kind": "best"}]}, "kind"),
        ({"more": 1}, "more"),
        (
            {
                "parts": [
                    {
                        "name": "new",
                        "percent": 100,
                        "kind": "learned",
                        "weights": {"rating": 0, "success": 0, "latency": 0, "cost": 0},
                    }
                ]
            },
            "weights",
        ),
        ({"parts": [{"name": "new", "percent": 100, "kind": "learned", "weights": {"cost": 1e200}}]}, "weights"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_place(change: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=said):
        policy_document(DOCUMENT | change)


def test_a_choice_is_made_by_the_greatest_weights() -> None:
    weights = {"rating": 1e6, "success": 1e6, "latency": 1e6, "cost": 1e6}
    (part,) = policy_document(
        {"version": "7", "salt": "a", "parts": [{"name": "new", "percent": 100, "kind": "learned", "weights": weights}]}
    ).parts
    options = (Option("one/cheap", 2.0, 100_000.0, 45), Option("two/dear", 6.0, 9_000_000.0, 85))
    assert sum(each.propensity for each in propensities(options, Table(), part)) == pytest.approx(1.0)


def test_every_grade_has_a_class() -> None:
    intents = ("code", "math", "short task", "writing", "reasoning", "conversation", "tool use")
    assert {class_of(intent, level) for intent in intents for level in QUALITIES} == set(CLASSES)


def test_a_difficulty_that_no_grade_has_is_refused() -> None:
    with pytest.raises(ValueError, match="difficulty"):
        class_of("code", "impossible")
