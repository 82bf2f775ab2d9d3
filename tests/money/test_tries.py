"""Tests that a charge keeps the tries of a request, and that they are read as they were."""

import pytest

from gateway.canonical.tries import SERVED, Tried, route_of, tries_of

MODEL = "gpt-4o"


@pytest.mark.parametrize(
    ("tries", "route"),
    [
        ((Tried(MODEL, "openai", SERVED),), "openai"),
        ((Tried(MODEL, "openai", SERVED, own_key=True),), "openai|gpt-4o|served|own"),
        ((Tried("other", "openai", SERVED),), "openai|other|served"),
        (
            (Tried(MODEL, "openai", "502 upstream_error", own_key=True), Tried(MODEL, "azure", SERVED)),
            "openai|gpt-4o|502 upstream_error|own\nazure",
        ),
        ((Tried(MODEL, "openai", ""), Tried(MODEL, "azure", "cached")), "openai|gpt-4o|\nazure|gpt-4o|cached"),
    ],
)
def test_tries_are_kept_in_short_and_read_as_they_were(tries: tuple[Tried, ...], route: str) -> None:
    assert route_of(tries, MODEL) == route
    assert tuple(tries_of(route, MODEL)) == tries


def test_a_providers_code_ends_no_part_of_a_try() -> None:
    kept = route_of([Tried(MODEL, "openai", "400 bad|own\nazure")], MODEL)
    assert tries_of(kept, MODEL) == [Tried(MODEL, "openai", "400 bad own azure")]
